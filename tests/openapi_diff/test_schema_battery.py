"""Pairs of schemas, each with what has to be said of it as a request and as a response: the refusals, and no others."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from interlock.contracts.diff import compare
from interlock.contracts.openapi.api_document import ApiDocument
from interlock.contracts.openapi.schema_node import Side
from interlock.contracts.openapi.schema_view import Schemas
from interlock.contracts.openapi.value_check import admits

from .documents import ref, request, response, webhook

S, N, I = {"type": "string"}, {"type": "number"}, {"type": "integer"}  # noqa: E741


def obj(*required: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, **({"required": list(required)} if required else {})}


class Case(NamedTuple):
    """`request` and `response` are the rules that refuse, without their prefix; "" for none."""

    id: str
    old: Any
    new: Any
    request: str
    response: str
    components: tuple[dict[str, Any], dict[str, Any]] = ({}, {})
    versions: tuple[str, str] = ("3.0.3", "3.0.3")


CAT = obj("kind", "lives", kind={"type": "string", "enum": ["cat"]}, lives=I)
DOG = obj("kind", "name", kind={"type": "string", "enum": ["dog"]}, name=S)
TREE = {"type": "object", "properties": {"value": I, "next": ref("T")}}
TREE_S = {"type": "object", "properties": {"value": S, "next": ref("T")}}
NULL_31 = {"type": ["string", "null"]}
BOTH_31 = ("3.1.0", "3.1.0")
UP = ("3.0.3", "3.1.0")

CASES = (
    # Nothing changed, however it is written.
    Case("same", obj(a=S), obj(a=S), "", ""),
    Case("other order", obj("a", "b", a=S, b=I), obj("b", "a", b=I, a=S), "", ""),
    Case("allOf written out", {"allOf": [obj("a", a=S), obj(b=I)]}, obj("a", a=S, b=I), "", ""),
    Case("allOf of one reference", {"allOf": [ref("A")]}, ref("A"), "", "", ({"A": obj(a=S)}, {"A": obj(a=S)})),
    Case("inline to component", obj(a=S), ref("A"), "", "", ({}, {"A": obj(a=S)})),
    Case("component renamed", ref("A"), ref("B"), "", "", ({"A": obj(a=S)}, {"B": obj(a=S)})),
    Case("type stated where it was meant", {"properties": {"a": S}}, obj(a=S), "", ""),
    Case("nullable to null", {"type": "string", "nullable": True}, NULL_31, "", "", versions=UP),
    Case(
        "nullable to anyOf null",
        {"type": "string", "nullable": True},
        {"anyOf": [S, {"type": "null"}]},
        "",
        "",
        versions=UP,
    ),
    Case(
        "nullable reference to oneOf null",
        {"allOf": [ref("A")], "nullable": True},
        {"oneOf": [ref("A"), {"type": "null"}]},
        "",
        "",
        ({"A": obj(a=S)}, {"A": obj(a=S)}),
        UP,
    ),
    Case(
        "exclusive mark to bound",
        {"type": "number", "minimum": 1, "exclusiveMinimum": True},
        {"type": "number", "exclusiveMinimum": 1},
        "",
        "",
        versions=UP,
    ),
    Case(
        "enum of one to const", {"type": "string", "enum": ["a"]}, {"type": "string", "const": "a"}, "", "", versions=UP
    ),
    Case(
        "example to examples",
        {"type": "string", "example": "a"},
        {"type": "string", "examples": ["a"]},
        "",
        "",
        versions=UP,
    ),
    Case("oneOf reordered", {"oneOf": [CAT, DOG]}, {"oneOf": [DOG, CAT]}, "", ""),
    Case("oneOf to anyOf", {"oneOf": [CAT, DOG]}, {"anyOf": [CAT, DOG]}, "", ""),
    Case("choice of one", {"oneOf": [CAT]}, CAT, "", ""),
    Case("minLength 0", S, {"type": "string", "minLength": 0}, "", ""),
    Case(
        "integer bound written otherwise",
        {"type": "integer", "minimum": 1},
        {"type": "integer", "minimum": 0, "exclusiveMinimum": True},
        "",
        "",
    ),
    Case(
        "pattern written otherwise",
        {"type": "string", "pattern": "^[a-c]$"},
        {"type": "string", "pattern": "^(a|b|c)$"},
        "",
        "",
    ),
    Case("pattern that takes all", S, {"type": "string", "pattern": ".*"}, "", ""),
    Case("1 and 1.0", {"type": "number", "enum": [1]}, {"type": "number", "enum": [1.0]}, "", ""),
    Case("password is a hint", S, {"type": "string", "format": "password"}, "", ""),
    Case("description", S, {"type": "string", "description": "It."}, "", ""),
    Case("recursion", ref("T"), ref("T"), "", "", ({"T": TREE}, {"T": TREE})),
    Case("types as alternatives", {"type": ["string", "integer"]}, {"anyOf": [S, I]}, "", "", versions=BOTH_31),
    # Additive.
    Case("optional property", obj(a=S), obj(a=S, b=S), "", ""),
    Case(
        "optional property in a closed object",
        {**obj(a=S), "additionalProperties": False},
        {**obj(a=S, b=S), "additionalProperties": False},
        "",
        "property-added-to-closed",
    ),
    Case("required property of answers", obj(a=S), obj("b", a=S, b=S), "property-added-required", ""),
    Case("property by allOf", {"allOf": [obj(a=S)]}, {"allOf": [obj(a=S), obj(b=S)]}, "", ""),
    Case(
        "required by allOf", {"allOf": [obj(a=S)]}, {"allOf": [obj(a=S), obj("b", b=S)]}, "property-added-required", ""
    ),
    Case(
        "optional property in a map",
        {"type": "object", "additionalProperties": S},
        {**obj(a=S), "additionalProperties": S},
        "",
        "",
    ),
    Case(
        "other property in a map",
        {"type": "object", "additionalProperties": S},
        {**obj(a=I), "additionalProperties": S},
        "type-changed",
        "type-changed",
    ),
    # Properties.
    Case("property removed", obj(a=S, b=S), obj(a=S), "", "property-removed"),
    Case("required property removed", obj("a", "b", a=S, b=S), obj("a", a=S), "", "property-removed"),
    Case("property renamed", obj(a=S), obj(b=S), "", "property-removed"),
    Case(
        "property removed from a closed object",
        {**obj(a=S, b=S), "additionalProperties": False},
        {**obj(a=S), "additionalProperties": False},
        "property-removed-from-closed",
        "property-removed",
    ),
    Case("became required", obj(a=S), obj("a", a=S), "property-became-required", ""),
    Case("became optional", obj("a", a=S), obj(a=S), "", "property-became-optional"),
    Case(
        "required but undeclared",
        {"type": "object"},
        {"type": "object", "required": ["a"]},
        "property-became-required",
        "",
    ),
    Case("declared and still required", {"type": "object", "required": ["a"]}, obj("a", a=S), "", ""),
    Case("deep", obj(a=obj(b=obj(c=S))), obj(a=obj(b=obj(c=I))), "type-changed", "type-changed"),
    Case("read-only required", obj(a=S), obj("id", a=S, id={**S, "readOnly": True}), "", ""),
    Case("write-only property removed", obj(a=S, p={**S, "writeOnly": True}), obj(a=S), "", ""),
    Case("read-only property removed", obj(a=S, p={**S, "readOnly": True}), obj(a=S), "", "property-removed"),
    Case(
        "read-only property narrowed",
        obj(a={**S, "readOnly": True}),
        obj(a={**S, "readOnly": True, "maxLength": 3}),
        "",
        "",
    ),
    Case("became read-only", obj(a=S), obj(a={**S, "readOnly": True}), "property-became-read-only", ""),
    Case("became write-only", obj(a=S), obj(a={**S, "writeOnly": True}), "", "property-became-write-only"),
    Case(
        "read-only by reference",
        obj(a=ref("A")),
        obj("a", a=ref("A")),
        "",
        "",
        ({"A": {**S, "readOnly": True}}, {"A": {**S, "readOnly": True}}),
    ),
    Case("closed", obj(a=S), {**obj(a=S), "additionalProperties": False}, "additional-properties-closed", ""),
    Case(
        "closed by unevaluated",
        obj(a=S),
        {**obj(a=S), "unevaluatedProperties": False},
        "additional-properties-closed",
        "",
        versions=BOTH_31,
    ),
    Case(
        "map narrowed",
        {"type": "object", "additionalProperties": S},
        {"type": "object", "additionalProperties": {"type": "string", "maxLength": 3}},
        "max-length-added",
        "",
    ),
    # Values.
    Case(
        "enum grew", {"type": "string", "enum": ["a"]}, {"type": "string", "enum": ["a", "b"]}, "", "enum-value-added"
    ),
    Case(
        "enum shrank",
        {"type": "string", "enum": ["a", "b"]},
        {"type": "string", "enum": ["a"]},
        "enum-value-removed",
        "",
    ),
    Case(
        "enum swapped",
        {"type": "string", "enum": ["a"]},
        {"type": "string", "enum": ["b"]},
        "enum-value-removed",
        "enum-value-added",
    ),
    Case("enum came", S, {"type": "string", "enum": ["a"]}, "enum-added", ""),
    Case(
        "enum without null where null may be",
        {"type": "string", "nullable": True, "enum": ["a"]},
        {"type": "string", "nullable": True, "enum": ["a", None]},
        "",
        "",
    ),
    Case(
        "true is not 1",
        {"enum": [1]},
        {"enum": [True]},
        "enum-value-removed type-changed",
        "enum-value-added type-changed",
    ),
    Case(
        "oneOf of constants grew",
        {"oneOf": [{"const": "a"}]},
        {"oneOf": [{"const": "a"}, {"const": "b"}]},
        "",
        "branch-added",
        versions=BOTH_31,
    ),
    Case("integer to number", I, N, "", "type-widened"),
    Case("number to integer", N, I, "type-narrowed", ""),
    Case("string to integer", S, I, "type-changed", "type-changed"),
    Case("null came", S, {"type": "string", "nullable": True}, "", "became-nullable"),
    Case("null went", {"type": "string", "nullable": True}, S, "became-not-nullable", ""),
    Case("null came, 3.1", S, NULL_31, "", "became-nullable", versions=BOTH_31),
    Case("anything to a string", {}, S, "type-narrowed", ""),
    Case(
        "int64 to int32",
        {"type": "integer", "format": "int64"},
        {"type": "integer", "format": "int32"},
        "format-narrowed",
        "",
    ),
    Case(
        "date-time to date",
        {"type": "string", "format": "date-time"},
        {"type": "string", "format": "date"},
        "format-changed",
        "format-changed",
    ),
    Case("maximum lowered", {**I, "maximum": 10}, {**I, "maximum": 5}, "maximum-lowered", ""),
    Case("maximum raised", {**I, "maximum": 5}, {**I, "maximum": 10}, "", "maximum-raised"),
    Case(
        "bound became exclusive",
        {**N, "minimum": 1},
        {**N, "minimum": 1, "exclusiveMinimum": True},
        "minimum-raised",
        "",
    ),
    Case("pattern wider", {**S, "pattern": "^[a-c]+$"}, {**S, "pattern": "^[a-z]+$"}, "", "pattern-widened"),
    Case("bounds of another type say nothing", S, {**S, "maximum": 5}, "", ""),
    # Arrays.
    Case("items", {"type": "array", "items": S}, {"type": "array", "items": I}, "type-changed", "type-changed"),
    Case(
        "a property of items",
        {"type": "array", "items": obj(a=S)},
        {"type": "array", "items": obj("b", a=S, b=S)},
        "property-added-required",
        "",
    ),
    Case(
        "position",
        {"type": "array", "prefixItems": [S]},
        {"type": "array", "prefixItems": [I]},
        "type-changed",
        "type-changed",
        versions=BOTH_31,
    ),
    Case(
        "unique",
        {"type": "array", "items": S},
        {"type": "array", "items": S, "uniqueItems": True},
        "unique-items-added",
        "",
    ),
    # Alternatives.
    Case("alternative came", {"oneOf": [CAT]}, {"oneOf": [CAT, DOG]}, "", "branch-added"),
    Case("alternative went", {"anyOf": [CAT, DOG]}, {"anyOf": [CAT]}, "branch-removed", ""),
    Case("wrapped", CAT, {"oneOf": [CAT, DOG]}, "", "branch-added"),
    Case("unwrapped", {"oneOf": [CAT, DOG]}, CAT, "branch-removed", ""),
    Case(
        "within an alternative",
        {"oneOf": [CAT, DOG]},
        {"oneOf": [CAT, {**DOG, "required": ["kind"]}]},
        "",
        "property-became-optional",
    ),
    Case(
        "alternative by reference",
        {"oneOf": [ref("C"), ref("D")]},
        {"oneOf": [ref("C"), ref("D")]},
        "property-added-required",
        "",
        (
            {"C": CAT, "D": DOG},
            {
                "C": CAT,
                "D": {**DOG, "required": ["kind", "name", "age"], "properties": {**DOG["properties"], "age": I}},
            },
        ),
    ),
    Case(
        "common part moved into the alternatives",
        {**obj(a=S), "oneOf": [obj(b=S), obj(c=S)]},
        {"oneOf": [obj(a=S, b=S), obj(a=S, c=S)]},
        "",
        "",
    ),
    Case("alternatives merged", {"oneOf": [obj(a=S), obj(b=S)]}, obj(a=S, b=S), "", ""),
    Case(
        "nullable alternative",
        {"oneOf": [CAT, DOG]},
        {"oneOf": [CAT, DOG, {"type": "null"}]},
        "",
        "became-nullable",
        versions=BOTH_31,
    ),
    # References.
    Case("recursion changed", ref("T"), ref("T"), "type-changed", "type-changed", ({"T": TREE}, {"T": TREE_S})),
    Case(
        "base of an inheritance",
        ref("D"),
        ref("D"),
        "type-changed",
        "type-changed",
        (
            {"B": obj(id=S), "D": {"allOf": [ref("B"), obj(a=S)]}},
            {"B": obj(id=I), "D": {"allOf": [ref("B"), obj(a=S)]}},
        ),
    ),
    Case(
        "heir of a base that discriminates",
        ref("B"),
        ref("B"),
        "property-became-required",
        "",
        (
            {"B": {**obj("k", k=S), "discriminator": {"propertyName": "k"}}, "D": {"allOf": [ref("B"), obj(a=S)]}},
            {"B": {**obj("k", k=S), "discriminator": {"propertyName": "k"}}, "D": {"allOf": [ref("B"), obj("a", a=S)]}},
        ),
    ),
    Case(
        "alternatives that build on their base",
        ref("P"),
        ref("P"),
        "",
        "property-became-optional",
        (
            {
                "P": {**obj("k", k=S), "oneOf": [ref("C"), ref("D")]},
                "C": {"allOf": [ref("P"), obj("x", x=S)]},
                "D": {"allOf": [ref("P"), obj(y=S)]},
            },
            {
                "P": {**obj("k", k=S), "oneOf": [ref("C"), ref("D")]},
                "C": {"allOf": [ref("P"), obj(x=S)]},
                "D": {"allOf": [ref("P"), obj(y=S)]},
            },
        ),
    ),
    Case("a component that nobody uses", S, S, "", "", ({"A": S}, {"A": I})),
    Case(
        "siblings of a reference, 3.0",
        {"$ref": "#/components/schemas/A", "maxLength": 3},
        ref("A"),
        "",
        "",
        ({"A": S}, {"A": S}),
    ),
    Case(
        "siblings of a reference, 3.1",
        ref("A"),
        {**ref("A"), "maxLength": 3},
        "max-length-added",
        "",
        ({"A": S}, {"A": S}),
        BOTH_31,
    ),
    Case(
        "property moved from one part to the other",
        ref("C"),
        ref("C"),
        "",
        "",
        (
            {"A": obj(x=S, y=S), "B": obj(z=S), "C": {"allOf": [ref("A"), ref("B")]}},
            {"A": obj(y=S), "B": obj(x=S, z=S), "C": {"allOf": [ref("A"), ref("B")]}},
        ),
    ),
    Case(
        "a part that constrains what a closed one declares",
        {"allOf": [{**obj(a=S), "additionalProperties": False}, {"type": "object"}]},
        {"allOf": [{**obj(a=S), "additionalProperties": False}, {"type": "object", "additionalProperties": I}]},
        "additional-properties-constrained",
        "",
    ),
    # Conditions, by set inclusion.
    Case("not wider", {**S, "not": {"enum": ["a", "b"]}}, {**S, "not": {"enum": ["a"]}}, "", "not-changed"),
    Case(
        "condition",
        obj(a=S, b=S),
        {**obj(a=S, b=S), "if": {"required": ["a"]}, "then": {"required": ["b"]}},
        "if-added then-added",
        "",
        versions=BOTH_31,
    ),
    Case(
        "dependency",
        obj(a=S, b=S),
        {**obj(a=S, b=S), "dependentRequired": {"a": ["b"]}},
        "dependent-required-added",
        "",
        versions=BOTH_31,
    ),
)


def _refusals(old: Any, new: Any) -> set[str]:
    return {one.rule for one in compare(old, new).findings if one.severity == "ERR"}


def _expected(direction: str, words: str) -> set[str]:
    return {f"{direction}-{word}" for word in words.split()}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_as_a_request(case: Case) -> None:
    old = request(case.old, case.versions[0], **case.components[0])
    new = request(case.new, case.versions[1], **case.components[1])
    assert _refusals(old, new) == _expected("request", case.request)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_as_a_response(case: Case) -> None:
    old = response(case.old, case.versions[0], **case.components[0])
    new = response(case.new, case.versions[1], **case.components[1])
    assert _refusals(old, new) == _expected("response", case.response)


@pytest.mark.parametrize("case", [one for one in CASES if one.components == ({}, {})], ids=lambda case: case.id)
def test_a_webhook_gives_what_it_sends(case: Case) -> None:
    if case.versions == BOTH_31 or "nullable" not in str(case.old) + str(case.new):
        assert _refusals(webhook(case.old), webhook(case.new)) == _expected("response", case.response)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_nothing_against_itself(case: Case) -> None:
    for make in (request, response):
        document = make(case.old, case.versions[0], **case.components[0])
        assert compare(document, document).findings == ()


def test_the_check_of_values_agrees_with_the_examples() -> None:
    document = ApiDocument(request(obj("a", a={**S, "maxLength": 2})))
    schemas = Schemas(document, Side("request"))
    schema = document.root["paths"]["/a"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    view = schemas.view(schemas.node(schema, ()))
    assert admits(view, {"a": "xy"})
    assert not admits(view, {"a": "xyz"})
    assert not admits(view, {})
