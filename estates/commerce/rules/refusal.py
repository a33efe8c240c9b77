"""Rows that were mapped to nothing, as a fact."""

from __future__ import annotations

from collections.abc import Sequence

from estate.contracts.orders import RowsRefused
from estate.rules.reasons import Reason


def refused_rows(invoice: str, reason: Reason, rows: Sequence[int], units: int | None) -> RowsRefused:
    """`units` only where a part of the rows' units was refused: an absent field stays absent."""
    more = {} if units is None else {"units": units}
    return RowsRefused(invoice=invoice, reason=reason.value, rows=list(rows), **more)
