"""The reference pages of the diff rules are current, and each example on them yields its rule."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from interlock.contracts.change_rule import ChangeRule
from interlock.contracts.diff import changes, rules
from interlock.contracts.diff_reference import kinds, pages

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
TODAY = date(2026, 11, 24)
EVERY = [rule for kind in kinds() for rule in rules(kind)]


@pytest.mark.parametrize("name", pages())
def test_the_page_is_current(name: str) -> None:
    assert (REFERENCE / name).read_text(encoding="utf-8") == pages()[name], "run: make docs"


@pytest.mark.parametrize("rule", EVERY, ids=lambda rule: f"{rule.kind}-{rule.id}")
def test_the_example_yields_the_rule(rule: ChangeRule) -> None:
    stated = changes(rule.kind, json.loads(rule.old), json.loads(rule.new), today=TODAY)
    assert (rule.id, rule.direction, rule.effect) in [(one.rule, one.direction, one.effect) for one in stated]
    assert not rule.purpose.endswith(".")  # the page and the messages add their own
