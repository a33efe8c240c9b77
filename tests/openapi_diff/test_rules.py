"""Every rule of the OpenAPI diff speaks on its own example, with the direction and effect that it states."""

from __future__ import annotations

import json
from datetime import date

import pytest

from interlock.contracts.change_rule import ChangeRule
from interlock.contracts.openapi.api_rules import API_EFFECTS, API_ROWS
from interlock.contracts.openapi.diff import RULES, changes
from interlock.contracts.openapi.schema_rules import EITHER_WAY, IMPOSSIBLE, ROWS

TODAY = date(2026, 11, 25)
IDS = {rule.id for rule in RULES}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_each_rule_speaks_on_its_example(rule: ChangeRule) -> None:
    said = [
        (one.rule, one.direction, one.effect)
        for one in changes(json.loads(rule.old), json.loads(rule.new), today=TODAY)
    ]
    assert (rule.id, rule.direction, rule.effect) in said


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_nothing_speaks_where_nothing_changed(rule: ChangeRule) -> None:
    for text in (rule.old, rule.new):
        assert changes(json.loads(text), json.loads(text), today=TODAY) == []


def test_each_rule_is_there_once_and_its_mirror_too() -> None:
    assert len(RULES) == len(IDS)
    assert [rule.id for rule in RULES if not rule.mirror.startswith("none: ") and rule.mirror not in IDS] == []
    assert [rule.id for rule in RULES if rule.mirror.startswith("none: ") and len(rule.mirror) < 15] == []


def test_what_a_request_has_a_response_has() -> None:
    for row in ROWS:
        for direction in ("request", "response"):
            if row.word in EITHER_WAY:
                continue
            assert (f"{direction}-{row.word}" in IDS) != ((direction, row.word) in IMPOSSIBLE), row.word
    assert all(reason for reason in IMPOSSIBLE.values())


def test_what_an_operation_has_a_callback_has_unless_the_api_calls_nobody() -> None:
    """Paths, servers and schemes are the API's own; a callback has neither."""
    alone = {row.word for row in API_ROWS if (row.word, True) not in API_EFFECTS}
    assert {word.split("-")[0] for word in alone} == {
        "path",
        "webhook",
        "callback",
        "security",
        "oauth",
        "server",
        "document",
    }
