"""docs/explanation/commerce-rules.md explains every reason, and no other."""

from __future__ import annotations

import re

from commerce.places import ROOT

PAGE = ROOT / "docs" / "explanation" / "commerce-rules.md"


def test_the_table_of_refusals_is_the_enum_in_its_order() -> None:
    from estate.rules.reasons import Reason

    table = PAGE.read_text().partition("## Refusals")[2]
    assert re.findall(r"^\| `([a-z_]+)`", table, re.M) == [reason.value for reason in Reason]
