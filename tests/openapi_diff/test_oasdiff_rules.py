"""Each of oasdiff's 509 rules has its counterpart here, or a reason why it has none."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from interlock.contracts.openapi.diff import RULES

from .oasdiff_table import ROWS, Row

LISTED = Path(__file__).parents[3] / "shared/vectors/oasdiff-rules.json"
IDS = {rule.id for rule in RULES}


def _row(rule: str) -> Row | None:
    return next((row for row in ROWS if re.fullmatch(row.pattern, rule)), None)


def test_what_a_row_names_is_a_rule_of_ours() -> None:
    for row in ROWS:
        assert row.ours or len(row.reason) > 20, row
        for word in row.ours:
            assert {word, f"request-{word}", f"response-{word}"} & IDS, word


@pytest.mark.skipif(not LISTED.exists(), reason="../shared/vectors/oasdiff-rules.json is not beside this checkout")
def test_each_of_their_rules_has_a_row_and_each_row_a_rule() -> None:
    theirs = json.loads(LISTED.read_text())
    assert [rule for rule in theirs if _row(rule) is None] == []
    met = {_row(rule) for rule in theirs}
    assert [row.pattern for row in ROWS if row not in met] == []
