"""The semantic difference of two OpenAPI 3.0 or 3.1 documents: each change, and whom of the old one's users it hurts.

Requests that were valid have to stay valid; answers have to stay such as readers of the old document know them. What
the API itself calls (callbacks, webhooks) is the other way round. See docs/explanation/openapi-compatibility.md.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

from interlock.contracts.change_rule import ChangeRule
from interlock.contracts.comparison import Change, Reading
from interlock.contracts.openapi.api_comparison import ApiComparison
from interlock.contracts.openapi.api_document import ApiDocument
from interlock.contracts.openapi.api_rules import API_RULES
from interlock.contracts.openapi.checks import paths
from interlock.contracts.openapi.schema_rules import SCHEMA_RULES

__all__ = ["RULES", "changes"]
RULES: tuple[ChangeRule, ...] = (*API_RULES, *SCHEMA_RULES)


def changes(old: Any, new: Any, reading: Reading = "SETS", *, today: date | None = None) -> list[Change]:
    """Raises ContractInvalid for what is no OpenAPI 3.0 or 3.1.

    reading  of no matter here: the content model of an API is always read as its users read it
    today    what was deprecated with a sunset up to this day may go; without it, nothing may
    """
    with _uncollected():
        comparison = ApiComparison(ApiDocument(old), ApiDocument(new), today)
        paths.check(comparison)
        found = comparison.changes()
        comparison.release()
        del comparison
    return found


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the cycle collector, which would walk both documents again for each few thousand findings and take half
    the time. What is made here lives to the end of the comparison anyway."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
