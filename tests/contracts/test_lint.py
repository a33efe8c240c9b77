"""Finer points of the rules for schemas, beyond each rule's own examples."""

from __future__ import annotations

from typing import Any

import pytest

from interlock.contracts.event_lint import lint_event

from .schemas import CLASS, DATA, ORDER

GOOD = {**ORDER, "examples": [DATA]}


def codes(**changes: Any) -> list[tuple[str, str]]:
    schema = {**GOOD, **changes}
    return sorted({(found.code, found.pointer) for found in lint_event("OrderPlaced", "1.0.0", schema)})


def with_field(field: Any, **defs: Any) -> list[tuple[str, str]]:
    return codes(properties={**ORDER["properties"], "new": field}, **({"$defs": defs} if defs else {}))


def keyed(**extension: Any) -> list[tuple[str, str]]:
    return codes(**{"x-interlock": {"owner": "t", "partition_key": "/order_id", **extension}})


def test_a_good_contract_has_no_objections() -> None:
    assert codes() == []


@pytest.mark.parametrize(
    "field",
    [
        {"type": "object", "unevaluatedProperties": False, "properties": {"a": {"type": "string", **CLASS}}},
        {"type": "object", "additionalProperties": {"type": "string"}, **CLASS},
        {"type": "object", "additionalProperties": {"type": "string", **CLASS}},
        {"type": "array", "items": {"type": "string", **CLASS}},
        {"oneOf": [{"type": "null"}, {"type": "string", **CLASS}]},
        {"$ref": "#/properties/order_id"},
        {"const": 1, **CLASS},
    ],
)
def test_declared_shapes_pass(field: dict[str, Any]) -> None:
    assert with_field(field) == []


@pytest.mark.parametrize(
    ("field", "code", "place"),
    [
        ({"type": "object", **CLASS}, "CONTENT_MODEL_OPEN", ""),
        ({"type": ["object", "null"], "properties": {}, **CLASS}, "CONTENT_MODEL_OPEN", ""),
        ({"type": "object", "additionalProperties": True, **CLASS}, "CONTENT_MODEL_OPEN", ""),
        ({"type": "array", "items": {"type": "object", **CLASS}}, "CONTENT_MODEL_OPEN", "/items"),
        ({"oneOf": [{"type": "object", **CLASS}]}, "CONTENT_MODEL_OPEN", "/oneOf/0"),
        ({"type": "array", "items": {"type": "string"}}, "FIELD_UNCLASSIFIED", ""),
        ({"type": "string", "x-classification": "private"}, "FIELD_UNCLASSIFIED", ""),
        ({"$ref": "#/$defs/untold"}, "FIELD_UNCLASSIFIED", ""),
        (True, "FIELD_UNTYPED", ""),
        ({"type": "string", "$ref": "other.json#/x", **CLASS}, "REFERENCE_REMOTE", "/$ref"),
        ({"type": "string", "pattern": "(?<=a)b", **CLASS}, "SCHEMA_INVALID", "/pattern"),
    ],
)
def test_undeclared_shapes_do_not(field: Any, code: str, place: str) -> None:
    assert (code, "/properties/new" + place) in with_field(field, untold={"type": "string"})


def test_a_nested_field_is_named_as_people_say_it() -> None:
    customer = {**ORDER["properties"]["customer"], "properties": {"phone": {"type": "string"}}}
    schema = {**GOOD, "properties": {**ORDER["properties"], "customer": customer}}
    details = [
        found.detail for found in lint_event("OrderPlaced", "1.0.0", schema) if found.code == "FIELD_UNCLASSIFIED"
    ]
    assert details == ["customer.phone has no classification."]


def test_keys_may_lie_deeper_and_behind_references() -> None:
    assert keyed(business_keys=["/customer/number", "/gift_note"]) == []
    for key in ("/total/x", "/lines", "/weight", "/nothing", "order_id", "", "/customer/number", 7):
        assert ("PARTITION_KEY_MISSING", "/x-interlock/partition_key") in keyed(partition_key=key)
    for key in ("/lines/0/sku", "/customer", "/nothing", "order_id", "", 7):
        assert ("BUSINESS_KEY_UNKNOWN", "/x-interlock/business_keys/0") in keyed(business_keys=[key])


def test_the_extension_knows_its_members() -> None:
    assert keyed(partition_keys="/x") == [("SETTING_UNKNOWN", "/x-interlock/partition_keys")]


def test_examples_are_judged_place_by_place() -> None:
    wrong = {**DATA, "total": 12, "colour": "red"}
    assert codes(examples=[DATA, wrong]) == [
        ("EXAMPLE_INVALID", "/examples/1/colour"),
        ("EXAMPLE_INVALID", "/examples/1/total"),
    ]
