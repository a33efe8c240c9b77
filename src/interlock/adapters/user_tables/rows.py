"""Rows of the table as the port's values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from interlock.adapters.user_tables.outbox_sql import ATTRIBUTES
from interlock.ports.outbox_source import OutboxFigures, OutboxRow, RefusedRow

_FIRST = 4
_END = _FIRST + len(ATTRIBUTES)


def row_of(columns: Sequence[Any]) -> OutboxRow:
    """From a row of `outbox_sql.waiting_rows`."""
    place, age, size, data = columns[:_FIRST]
    named = zip(ATTRIBUTES, columns[_FIRST:_END], strict=True)
    attributes = {name: text_of(value) for name, value in named if value is not None}
    return OutboxRow(int(place), float(age or 0.0), int(size or 0), None if data is None else text_of(data), attributes)


def refused_of(columns: Sequence[Any]) -> RefusedRow:
    """From a row of `outbox_sql.refused_rows`."""
    return RefusedRow(row_of(columns[:_END]), text_of(columns[_END]), text_of(columns[_END + 1] or ""))


def figures_of(columns: Sequence[Any], held_bytes: int | None = None) -> OutboxFigures:
    waiting, refused, oldest = columns
    return OutboxFigures(int(waiting or 0), int(refused or 0), float(oldest or 0.0), held_bytes)


def text_of(value: Any) -> str:
    """Bytes that are no UTF-8 become surrogates, which no event may hold: they are refused, not altered."""
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else str(value)
