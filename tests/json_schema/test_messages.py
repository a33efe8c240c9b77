"""What a person reads: the field by its name, what became of it, and who is refused."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from interlock.contracts.json_schema.diff import RULES, changes
from interlock.contracts.json_schema.messages import field

ORDER: dict[str, Any] = {
    "type": "object",
    "properties": {
        "order_id": {"type": "string", "pattern": "^ORD-[0-9]+$"},
        "status": {"enum": ["new", "paid", "shipped"]},
        "customer": {"$ref": "#/$defs/customer"},
        "lines": {"type": "array", "items": {"$ref": "#/$defs/line"}},
        "payment": {"oneOf": [{"$ref": "#/$defs/card"}, {"$ref": "#/$defs/iban"}]},
        "note": {"type": ["string", "null"]},
    },
    "required": ["order_id", "status"],
    "additionalProperties": False,
    "$defs": {
        "customer": {"type": "object", "properties": {"email": {"type": "string"}}, "additionalProperties": False},
        "line": {"type": "object", "properties": {"quantity": {"type": "integer"}}},
        "card": {"type": "object", "properties": {"kind": {"const": "card"}}, "required": ["kind"]},
        "iban": {"type": "object", "properties": {"kind": {"const": "iban"}}, "required": ["kind"]},
    },
}
OLD = "the new contract refuses documents that the old one allows."
NEW = "who still reads by the old contract refuses documents that the new one allows."
CASES: dict[str, tuple[Callable[[Any], Any], list[str], Any]] = {
    "a field is dropped": (
        lambda made: made["properties"].pop("note"),
        [f"`note` is no longer declared: {OLD}"],
        {"order_id": "ORD-0", "status": "new", "note": "text"},
    ),
    "a value is dropped": (
        lambda made: made["properties"]["status"]["enum"].remove("shipped"),
        [f'`status` no longer takes "shipped": {OLD}'],
        {"order_id": "ORD-0", "status": "shipped"},
    ),
    "a value is added": (
        lambda made: made["properties"]["status"]["enum"].append("lost"),
        [f'`status` takes "lost" too: {NEW}'],
        {"order_id": "ORD-0", "status": "lost"},
    ),
    "a field of a definition becomes required": (
        lambda made: made["$defs"]["customer"].update(required=["email"]),
        [f"`customer.email` is required now: {OLD}"],
        {"order_id": "ORD-0", "status": "new", "customer": {}},
    ),
    "a bound in a list": (
        lambda made: made["$defs"]["line"]["properties"]["quantity"].update(maximum=9),
        [f"`line.quantity` has a maximum of 9 now: {OLD}"],
        {"order_id": "ORD-0", "status": "new", "lines": [{"quantity": 10}]},
    ),
    "an alternative goes": (
        lambda made: made["properties"]["payment"]["oneOf"].pop(),
        [f"`payment` has lost the alternative iban: {OLD}"],
        {"order_id": "ORD-0", "status": "new", "payment": {"kind": "iban"}},
    ),
    "null goes": (
        lambda made: made["properties"]["note"].update(type="string"),
        [f'`note` takes fewer types: ["string", "null"] became "string": {OLD}'],
        {"order_id": "ORD-0", "status": "new", "note": None},
    ),
    "a definition is opened": (
        lambda made: made["$defs"]["customer"].pop("additionalProperties"),
        [f"`customer` takes undeclared properties now: {NEW}"],
        {"order_id": "ORD-0", "status": "new", "customer": {"extra": {}}},
    ),
    "the document is closed tighter": (
        lambda made: made.update(maxProperties=2),
        [f"The document has a maxProperties of 2 now: {OLD}"],
        None,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_one_edit_is_one_finding_that_names_the_field(case: str) -> None:
    edit, messages, witness = CASES[case]
    new = copy.deepcopy(ORDER)
    edit(new)
    found = changes(ORDER, new)
    assert [one.message for one in found] == messages
    assert witness is None or found[0].witness == witness


def test_a_required_property_that_is_new_is_one_finding_each_way() -> None:
    new = copy.deepcopy(ORDER)
    new["properties"]["channel"] = {"enum": ["web"]}
    new["required"].append("channel")
    said = {one.direction: one.message for one in changes(ORDER, new)}
    assert said == {
        "backward": f"`channel` is new and required: {OLD}",
        "forward": f"`channel` is new and required: {NEW}",
    }


@pytest.mark.parametrize(
    ("place", "named"),
    [
        (("properties", "lines", "items", "properties", "sku"), "`lines[].sku`"),
        (("$defs", "line", "properties", "sku"), "`line.sku`"),
        (("properties", "pair", "prefixItems", "1"), "`pair[1]`"),
        (("properties", "labels", "additionalProperties"), "`labels.*`"),
        (("properties", "labels", "patternProperties", "^x-"), "`labels./^x-/`"),
        (("allOf", "0", "then", "properties", "ref"), "`ref`"),
        (("properties", "enum", "properties", "default"), "`enum.default`"),
        ((), "the document"),
    ],
)
def test_a_field_is_called_as_people_call_it(place: tuple[str, ...], named: str) -> None:
    assert field(place) == named


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_rule_has_words_of_its_own(rule: Any) -> None:
    """No template is left unfilled."""
    old, new = json.loads(rule.old), json.loads(rule.new)
    said = [one.message for one in changes(old, new) if one.rule == rule.id]
    assert said
    assert not any(left in one for one in said for left in ("{field}", "{name}", "{old}", "{new}"))
