"""Every rule of the JSON Schema diff speaks on its own example, with the direction and effect that it states."""

from __future__ import annotations

import json

import pytest

from interlock.contracts.change_rule import ChangeRule
from interlock.contracts.json_schema.diff import RULES, changes
from interlock.contracts.json_schema.validator import compiled
from interlock.contracts.pointer import ABSENT


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_each_rule_speaks_on_its_example(rule: ChangeRule) -> None:
    old, new = json.loads(rule.old), json.loads(rule.new)
    said = [(one.rule, one.direction, one.effect) for one in changes(old, new)]
    assert (rule.id, rule.direction, rule.effect) in said
    for one in changes(old, new):
        if one.effect == "breaking":
            taking, refusing = (old, new) if one.direction == "backward" else (new, old)
            assert one.witness is not ABSENT
            assert compiled(taking).is_valid(one.witness)
            assert not compiled(refusing).is_valid(one.witness)


def test_each_rule_has_one_entry_and_a_mirror() -> None:
    ids = [rule.id for rule in RULES]
    assert len(ids) == len(set(ids))
    assert [rule.id for rule in RULES if not rule.mirror.startswith("none: ") and rule.mirror not in ids] == []
