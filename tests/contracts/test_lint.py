"""Finer points of the rules for schemas, beyond each rule's own examples."""

from __future__ import annotations

from typing import Any

import pytest

from interlock.contracts.api_lint import lint_api
from interlock.contracts.event_lint import lint_event
from interlock.contracts.rule import BY_ID

from .schemas import CLASS, DATA, ORDER

GOOD = {**ORDER, "examples": [DATA]}


def codes(**changes: Any) -> list[tuple[str, str]]:
    schema = {**GOOD, **changes}
    """The errors; advice is the linter's own affair."""
    found = lint_event("OrderPlaced", "1.0.0", schema)
    return sorted({(one.code, one.pointer) for one in found if BY_ID[one.code].severity == "error"})


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


MISSPELT = {"type": "string", "maxLenght": 3}


@pytest.mark.parametrize(
    ("field", "place"),
    [
        ({**MISSPELT, **CLASS}, ""),
        ({"type": "array", "items": MISSPELT, **CLASS}, "/items"),
        ({"type": "array", "prefixItems": [MISSPELT], **CLASS}, "/prefixItems/0"),
        ({"type": "object", "additionalProperties": MISSPELT, **CLASS}, "/additionalProperties"),
        ({"type": "object", "patternProperties": {"/": MISSPELT}, **CLASS}, "/patternProperties/~1"),
        ({"anyOf": [{"type": "null"}, MISSPELT], **CLASS}, "/anyOf/1"),
        ({"type": "string", "if": MISSPELT, **CLASS}, "/if"),
        ({"type": "string", "not": MISSPELT, **CLASS}, "/not"),
    ],
)
def test_an_unknown_keyword_is_found_wherever_a_schema_stands(field: dict[str, Any], place: str) -> None:
    found = [where for code, where in with_field(field) if code == "KEYWORD_UNKNOWN"]
    assert found == ["/properties/new" + place + "/maxLenght"]
    assert ("KEYWORD_UNKNOWN", "/$defs/spare/maxLenght") in codes(**{"$defs": {"spare": MISSPELT}})
    assert ("KEYWORD_UNKNOWN", "/requird") in codes(requird=["order_id"])


@pytest.mark.parametrize(
    "field",
    [
        {"type": "object", "additionalProperties": False, "properties": {"maxLenght": {"type": "string", **CLASS}}},
        {"const": {"maxLenght": 1}, **CLASS},
        {"enum": [{"maxLenght": 1}], **CLASS},
        {"type": "string", "default": {"maxLenght": 1}, "examples": [{"maxLenght": 1}], **CLASS},
        {"type": "string", "x-ours": {"maxLenght": 1}, **CLASS},
        {"type": "string", "contentEncoding": "base64", "deprecated": True, "$comment": "old", **CLASS},
    ],
)
def test_names_and_values_are_no_keywords(field: dict[str, Any]) -> None:
    assert "KEYWORD_UNKNOWN" not in {code for code, _ in with_field(field)}
    assert with_field({"$ref": "#/$defs/maxLenght"}, maxLenght={"type": "string", **CLASS}) == []


@pytest.mark.parametrize(
    ("name", "ending"),
    [
        ("maxLenght", ', did you mean "maxLength"?'),
        ("minimun", ', did you mean "minimum"?'),
        ("MAXITEMS", ', did you mean "maxItems"?'),
        ("X-Classification", ', did you mean "x-classification"?'),
        ("definitions", ', did you mean "$defs"?'),
        ("colour", "."),
        ("", "."),
    ],
)
def test_an_unknown_keyword_is_told_with_the_closest_one(name: str, ending: str) -> None:
    schema = {**GOOD, "properties": {**ORDER["properties"], "total": {**ORDER["properties"]["total"], name: 1}}}
    details = [found.detail for found in lint_event("OrderPlaced", "1.0.0", schema) if found.code == "KEYWORD_UNKNOWN"]
    assert details == [f'total: unknown keyword "{name}"{ending}']


def test_an_api_may_also_use_the_keywords_of_openapi() -> None:
    field = {"type": "string", "example": "A", "maxLenght": 3, **CLASS}
    body = {"type": "object", "additionalProperties": False, "properties": {"sku": field}}
    document = {
        "openapi": "3.1.0",
        "info": {"title": "Shop", "version": "1.0.0"},
        "x-interlock": {"owner": "t"},
        "paths": {
            "/a": {
                "post": {
                    "operationId": "a",
                    "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/A"}}}},
                },
                "put": {"operationId": "b", "requestBody": {"content": {"application/json": {"schema": body}}}},
            }
        },
        "components": {"schemas": {"A": body}},
    }
    unknown = [found for found in lint_api("shop", "1.0.0", document) if found.code == "KEYWORD_UNKNOWN"]
    assert [(found.code, found.pointer) for found in unknown] == [
        ("KEYWORD_UNKNOWN", "/paths/~1a/put/requestBody/content/application~1json/schema/properties/sku/maxLenght"),
        ("KEYWORD_UNKNOWN", "/components/schemas/A/properties/sku/maxLenght"),
    ]
    assert ("KEYWORD_UNKNOWN", "/properties/new/example") in with_field({"type": "string", "example": "A", **CLASS})


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


@pytest.mark.parametrize("name", ['a"b', "a\\b", "a\nb"])
def test_a_field_that_no_class_can_have_is_told(name: str) -> None:
    properties = {**ORDER["properties"], name: {"type": "string", **CLASS}}
    assert codes(properties=properties) == [("SCHEMA_INVALID", f"/properties/{name}")]
