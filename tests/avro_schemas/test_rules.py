"""Every rule of the Avro diff speaks on its own example, and fastavro agrees that the witness cannot be read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from avro_schemas.wire import decoded, is_json_encoding, misreads, reads
from interlock.contracts.avro.diff import RULES, changes
from interlock.contracts.change_rule import ChangeRule
from interlock.contracts.pointer import ABSENT, find, split

# Read by fastavro, which goes by the writer's logical type, but not as what was written.
MISREAD = {"decimal-changed", "logical-type-changed"}
# fastavro takes the first field that it finds.
AMBIGUOUS = {"alias-ambiguous"}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_each_rule_speaks_on_its_example(rule: ChangeRule) -> None:
    old, new = json.loads(rule.old), json.loads(rule.new)
    stated = changes(old, new)
    assert (rule.id, rule.direction, rule.effect) in [(one.rule, one.direction, one.effect) for one in stated]
    for one in stated:
        assert one.message.endswith(".")
        assert_places(one.old_path, one.old, old)
        assert_places(one.new_path, one.new, new)
        if one.effect == "breaking":
            writer, reader = (old, new) if one.direction == "backward" else (new, old)
            assert one.witness is not ABSENT
            assert is_json_encoding(writer, one.witness)
            value = decoded(writer, one.witness)
            if one.rule in MISREAD:
                assert misreads(writer, reader, value)
            elif one.rule not in AMBIGUOUS:
                assert not reads(writer, reader, value)


def assert_places(path: str | None, value: Any, document: Any) -> None:
    if path is None:
        assert value is ABSENT
    else:
        assert find(document, split(path)) == value


def test_each_rule_has_one_entry_and_a_mirror() -> None:
    mirrors = {rule.id: rule.mirror for rule in RULES}
    assert len(mirrors) == len(RULES)
    for id, mirror in mirrors.items():
        assert mirror.startswith("none: ") or mirrors[mirror] == id


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_what_hurts_one_way_hurts_the_other_way_round(rule: ChangeRule) -> None:
    """The same two schemas in the other order: every harm, mirrored."""
    old, new = json.loads(rule.old), json.loads(rule.new)
    turned = {"backward": "forward", "forward": "backward"}
    harm = sorted(turned[one.direction] for one in changes(old, new) if one.effect == "breaking")
    assert harm == sorted(one.direction for one in changes(new, old) if one.effect == "breaking")
