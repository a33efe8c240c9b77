"""What may change in a schema, as data: each row makes two rules, one for requests and one for responses.

A change that narrows refuses what was taken: it breaks requests. One that widens gives what was not given: it breaks
responses. Where the field agrees on something else, the row says so, and docs/explanation/openapi-compatibility.md why.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from interlock.contracts.change_rule import ChangeRule
from interlock.contracts.comparison import Effect
from interlock.contracts.openapi.schema_node import Direction

Told = Literal["breaking", "safe", "advice", "annotation", "undecided"]
_KINDS: dict[str, tuple[Told, Told]] = {
    "narrows": ("breaking", "safe"),
    "widens": ("safe", "breaking"),
    "both": ("breaking", "breaking"),
    "safe": ("safe", "safe"),
    "annotation": ("annotation", "annotation"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """`old` and `new` are schemas; `reverse` those of the response, where the same pair does not show it there."""

    word: str
    kind: str | tuple[Told, Told]
    text: str
    mirror: str
    old: Any
    new: Any
    reverse: tuple[Any, Any] | None = None

    @property
    def told(self) -> tuple[Told, Told]:
        return _KINDS[self.kind] if isinstance(self.kind, str) else self.kind


def _pair(narrow: str, wide: str, texts: tuple[str, str], loose: Any, tight: Any) -> tuple[Row, Row]:
    return Row(narrow, "narrows", texts[0], wide, loose, tight), Row(wide, "widens", texts[1], narrow, tight, loose)


_S = {"type": "string"}
_N = {"type": "integer"}


def _object(*required: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, **({"required": list(required)} if required else {})}


_A = _object(a=_S)
_CLOSED_A = {**_A, "additionalProperties": False}
_CLOSED_AB = {**_object(a=_S, b=_S), "additionalProperties": False}
_OPEN = {"type": "object"}
_MAP = {"type": "object", "additionalProperties": _S}
_ARRAY = {"type": "array", "items": {}}
_OWN = "none: its own mirror"
_READ_ONLY = {"type": "string", "readOnly": True}
_WRITE_ONLY = {"type": "string", "writeOnly": True}
_CAT = {"type": "object", "required": ["kind"], "properties": {"kind": {"type": "string", "enum": ["cat"]}}}
_DOG = {"type": "object", "required": ["kind"], "properties": {"kind": {"type": "string", "enum": ["dog"]}}}
_PETS = {"oneOf": [_CAT, _DOG]}
_TOLD = {**_PETS, "discriminator": {"propertyName": "kind", "mapping": {"cat": "Cat", "dog": "Dog"}}}


def _told(**changes: Any) -> dict[str, Any]:
    return {**_PETS, "discriminator": {**_TOLD["discriminator"], **changes}}  # type: ignore[dict-item]


_IF = {"type": "object", "if": {"required": ["a"]}, "then": {"required": ["b"]}}
_IF_ELSE = {"type": "object", "if": {"required": ["a"]}, "else": {"required": ["b"]}}
_BOUNDS = (
    ("minimum", "minimum", {"type": "number"}, 1, 5),
    ("maximum", "maximum", {"type": "number"}, 1, 5),
    ("min-length", "minLength", _S, 1, 5),
    ("max-length", "maxLength", _S, 1, 5),
    ("min-items", "minItems", _ARRAY, 1, 5),
    ("max-items", "maxItems", _ARRAY, 1, 5),
    ("min-properties", "minProperties", _OPEN, 1, 5),
    ("max-properties", "maxProperties", _OPEN, 1, 5),
    ("min-contains", "minContains", {**_ARRAY, "contains": _S}, 2, 5),
    ("max-contains", "maxContains", {**_ARRAY, "contains": _S}, 2, 5),
)


def _bounds() -> tuple[Row, ...]:
    found: list[Row] = []
    for word, keyword, base, low, high in _BOUNDS:
        said = word.replace("-", " ")
        least = keyword.startswith("min")
        loose, tight = (low, high) if least else (high, low)
        narrower, wider = ("raised", "lowered") if least else ("lowered", "raised")
        found += _pair(
            f"{word}-{narrower}", f"{word}-{wider}", (f"the {said} was {narrower}", f"the {said} was {wider}"),
            {**base, keyword: loose}, {**base, keyword: tight},
        )  # fmt: skip
        found += _pair(
            f"{word}-added", f"{word}-removed", (f"a {said} was added", f"the {said} was removed"),
            base, {**base, keyword: tight},
        )  # fmt: skip
    return tuple(found)


ROWS: tuple[Row, ...] = (
    *_pair("type-narrowed", "type-widened", ("fewer types than before", "more types than before"), {}, _S),
    Row("type-changed", "both", "another type", _OWN, _S, _N),
    *_pair("became-not-nullable", "became-nullable", ("null is no longer a value", "null is a value now"),
           {"type": "string", "nullable": True}, _S),
    *_pair("enum-added", "enum-removed", ("values are listed now; no others", "values are no longer listed"),
           _S, {"type": "string", "enum": ["a"]}),
    *_pair("enum-value-removed", "enum-value-added", ("a listed value went", "one more value is listed"),
           {"type": "string", "enum": ["a", "b"]}, {"type": "string", "enum": ["a"]}),
    Row("extensible-enum-value-removed", "narrows", "a known value went", "extensible-enum-value-added",
        {"type": "string", "x-extensible-enum": ["a", "b"]}, {"type": "string", "x-extensible-enum": ["a"]}),
    Row("extensible-enum-value-added", "safe", "one more known value; readers were told to expect it",
        "extensible-enum-value-removed",
        {"type": "string", "x-extensible-enum": ["a"]}, {"type": "string", "x-extensible-enum": ["a", "b"]}),
    *_bounds(),
    *_pair("multiple-of-added", "multiple-of-removed", ("only multiples now", "no longer only multiples"),
           _N, {"type": "integer", "multipleOf": 5}),
    *_pair("multiple-of-narrowed", "multiple-of-widened", ("multiples of more", "multiples of less"),
           {"type": "integer", "multipleOf": 5}, {"type": "integer", "multipleOf": 10}),
    Row("multiple-of-changed", "both", "multiples of another number", _OWN,
        {"type": "integer", "multipleOf": 2}, {"type": "integer", "multipleOf": 3}),
    *_pair("pattern-added", "pattern-removed", ("a pattern was added", "the pattern was removed"),
           _S, {"type": "string", "pattern": "^a"}),
    *_pair("pattern-narrowed", "pattern-widened", ("the pattern takes fewer texts", "the pattern takes more texts"),
           {"type": "string", "pattern": "^[a-z]"}, {"type": "string", "pattern": "^[a-c]"}),
    Row("pattern-changed", "both", "the pattern takes other texts", _OWN,
        {"type": "string", "pattern": "^a"}, {"type": "string", "pattern": "^b"}),
    *_pair("format-added", "format-removed", ("a format was added", "the format was removed"),
           _S, {"type": "string", "format": "uuid"}),
    *_pair("format-narrowed", "format-widened", ("a narrower format", "a wider format"),
           {"type": "integer", "format": "int64"}, {"type": "integer", "format": "int32"}),
    Row("format-changed", "both", "another format", _OWN,
        {"type": "string", "format": "uuid"}, {"type": "string", "format": "date"}),
    Row("content-encoding-changed", "both", "another encoding of the text", _OWN,
        {"type": "string", "contentEncoding": "base64"}, {"type": "string", "contentEncoding": "base16"}),
    Row("content-media-type-changed", "both", "another media type within the text", _OWN,
        {"type": "string", "contentMediaType": "image/png"}, {"type": "string", "contentMediaType": "image/gif"}),
    *_pair("property-became-required", "property-became-optional",
           ("a property has to be there now", "a property may be missing now"), _A, _object("a", a=_S)),
    Row("property-added-required", "narrows", "a property came that has to be there", "property-removed",
        _OPEN, _object("a", a=_S)),
    Row("property-added-optional", "safe", "an optional property came", "property-removed", _OPEN, _A),
    Row("property-added-to-closed", ("safe", "breaking"), "a property came into an object that was closed",
        "property-removed-from-closed", _CLOSED_A, _CLOSED_AB),
    Row("property-removed", ("advice", "breaking"), "a property went", "property-added-optional",
        _object(a=_S, b=_S), _A),
    Row("property-removed-from-closed", ("breaking", "safe"), "a property went, and the object refuses it",
        "property-added-to-closed", _CLOSED_AB, _CLOSED_A),
    Row("property-removed-after-sunset", "safe", "a property went after its announced end",
        "none: nothing comes back by an end", {**_object(a=_S),
        "properties": {"a": {"type": "string", "deprecated": True, "x-sunset": "2020-01-01"}}}, _OPEN),
    Row("property-became-read-only", ("breaking", "safe"), "a property can no longer be set",
        "optional-property-became-not-read-only", _A, _object(a=_READ_ONLY)),
    Row("property-became-write-only", ("safe", "breaking"), "a property is no longer given",
        "optional-property-became-not-write-only", _A, _object(a=_WRITE_ONLY)),
    Row("optional-property-became-not-read-only", "safe", "a property can be set now", "property-became-read-only",
        _object(a=_READ_ONLY), _A),
    Row("required-property-became-not-read-only", ("breaking", "safe"), "a property has to be set now",
        "property-became-read-only", _object("a", a=_READ_ONLY), _object("a", a=_S)),
    Row("optional-property-became-not-write-only", "safe", "a property is given now", "property-became-write-only",
        _object(a=_WRITE_ONLY), _A),
    Row("required-property-became-not-write-only", "safe", "a property is always given now",
        "property-became-write-only", _object("a", a=_WRITE_ONLY), _object("a", a=_S)),
    *_pair("additional-properties-closed", "additional-properties-opened",
           ("undeclared properties are refused now", "undeclared properties may come now"), _A, _CLOSED_A),
    *_pair("additional-properties-constrained", "additional-properties-freed",
           ("undeclared properties are held to a schema now", "undeclared properties may be anything now"),
           _OPEN, _MAP),
    *_pair("pattern-property-added", "pattern-property-removed",
           ("properties by pattern are held to a schema now", "properties by pattern are free now"),
           _OPEN, {**_OPEN, "patternProperties": {"^x": _S}}),
    *_pair("unique-items-added", "unique-items-removed", ("items may not repeat now", "items may repeat now"),
           _ARRAY, {**_ARRAY, "uniqueItems": True}),
    *_pair("contains-added", "contains-removed", ("something has to be contained now", "it need not be contained"),
           _ARRAY, {**_ARRAY, "contains": _S}),
    Row("contains-changed", "both", "something else has to be contained", _OWN,
        {**_ARRAY, "contains": _S}, {**_ARRAY, "contains": _N}),
    *_pair("branch-removed", "branch-added", ("an alternative went", "an alternative came"),
           _PETS, {"oneOf": [_CAT]}),
    Row("branches-overlap", ("breaking", "safe"), "two alternatives of a oneOf can no longer be told apart",
        "none: telling apart what was one hurts nobody", _PETS,
        {"oneOf": [_CAT, {**_DOG, "properties": {"kind": {"type": "string", "enum": ["dog", "cat"]}}}]}),
    Row("discriminator-added", "safe", "a property tells the alternatives apart now", "discriminator-removed",
        _PETS, _TOLD),
    Row("discriminator-removed", ("safe", "advice"), "no property tells the alternatives apart any more",
        "discriminator-added", _TOLD, _PETS),
    Row("discriminator-property-changed", "both", "another property tells the alternatives apart", _OWN,
        _TOLD, _told(propertyName="sort")),
    *_pair("discriminator-value-removed", "discriminator-value-added",
           ("a value of the discriminator went", "a value of the discriminator came"),
           _TOLD, _told(mapping={"cat": "Cat"})),
    Row("discriminator-value-changed", "both", "a value of the discriminator means another schema", _OWN,
        _TOLD, _told(mapping={"cat": "Cat", "dog": "Hound"})),
    *_pair("not-added", "not-removed", ("values are excluded now", "values are no longer excluded"),
           _S, {**_S, "not": {"maxLength": 2}}),
    Row("not-changed", "both", "other values are excluded", _OWN,
        {**_S, "not": {"maxLength": 2}}, {**_S, "not": {"minLength": 5}}),
    *_pair("if-added", "if-removed", ("a condition came", "a condition went"), _OPEN, _IF),
    Row("if-changed", "both", "the condition became another one", _OWN,
        _IF, {**_IF, "if": {"required": ["c"]}}),
    *_pair("then-added", "then-removed", ("a consequence came", "a consequence went"),
           {"type": "object", "if": _IF["if"]}, _IF),
    Row("then-changed", "both", "the consequence became another one", _OWN,
        _IF, {**_IF, "then": {"required": ["c"]}}),
    *_pair("else-added", "else-removed", ("an alternative consequence came", "an alternative consequence went"),
           {"type": "object", "if": _IF["if"]}, _IF_ELSE),
    Row("else-changed", "both", "the alternative consequence became another one", _OWN,
        _IF_ELSE, {**_IF_ELSE, "else": {"required": ["c"]}}),
    *_pair("dependent-schema-added", "dependent-schema-removed",
           ("beside a property another schema holds now", "beside a property no schema holds any more"),
           _OPEN, {**_OPEN, "dependentSchemas": {"a": {"required": ["b"]}}}),
    Row("dependent-schema-changed", "both", "beside a property another schema holds than before", _OWN,
        {**_OPEN, "dependentSchemas": {"a": {"required": ["b"]}}},
        {**_OPEN, "dependentSchemas": {"a": {"required": ["c"]}}}),
    *_pair("dependent-required-added", "dependent-required-removed",
           ("a property asks for another now", "a property no longer asks for another"),
           _OPEN, {**_OPEN, "dependentRequired": {"a": ["b"]}}),
    Row("default-added", ("safe", "annotation"), "a default is stated now", "default-removed",
        _S, {**_S, "default": "a"}),
    Row("default-removed", ("advice", "annotation"), "the default is no longer stated: what is left out may mean"
        " something else", "default-added", {**_S, "default": "a"}, _S),
    Row("default-changed", ("advice", "annotation"), "the default changed: what is left out means something else", _OWN,
        {**_S, "default": "a"}, {**_S, "default": "b"}),
    Row("deprecated", "safe", "it will end", "reactivated", _S, {**_S, "deprecated": True}),
    Row("reactivated", "safe", "it will not end after all", "deprecated", {**_S, "deprecated": True}, _S),
    Row("sunset-shortened", "both", "it ends earlier than announced, or at an unknown time",
        "none: a later end hurts nobody", {**_S, "deprecated": True, "x-sunset": "2099-06-01"},
        {**_S, "deprecated": True, "x-sunset": "2099-01-01"}),
    Row("xml-changed", ("advice", "advice"), "the form of its XML changed", _OWN,
        {**_S, "xml": {"name": "a"}}, {**_S, "xml": {"name": "b"}}),
    Row("texts-changed", "annotation", "its description or example changed", _OWN,
        {**_S, "description": "a"}, {**_S, "description": "b"}),
    Row("extension-changed", "annotation", "an extension changed", _OWN, {**_S, "x-unit": "m"}, {**_S, "x-unit": "km"}),
)  # fmt: skip

_DIRECTIONS: tuple[Direction, Direction] = ("request", "response")
EFFECTS: dict[tuple[Direction, str], tuple[Effect, bool]] = {
    (direction, row.word): ("safe", True) if told == "advice" else (told, False)
    for row in ROWS
    for direction, told in zip(_DIRECTIONS, row.told, strict=True)
}
TEXTS: dict[str, str] = {row.word: row.text for row in ROWS}


def document(direction: Direction, schema: Any) -> dict[str, Any]:
    """The smallest API whose request or response has this schema."""
    content = {"application/json": {"schema": schema}}
    operation: dict[str, Any] = {"responses": {"200": {"description": "Done."}}}
    if direction == "request":
        operation["requestBody"] = {"content": content}
    else:
        operation["responses"]["200"]["content"] = content
    return {"openapi": "3.1.0", "info": {"title": "A", "version": "1.0.0"}, "paths": {"/a": {"post": operation}}}


# Said once, whichever way the schema travels.
EITHER_WAY = frozenset({"texts-changed"})


def rule_id(direction: Direction, word: str) -> str:
    return f"schema-{word}" if word in EITHER_WAY else f"{direction}-{word}"


def _rules() -> tuple[ChangeRule, ...]:
    words = {row.word for row in ROWS}
    found = []
    for row in ROWS:
        for direction in _DIRECTIONS:
            effect, _ = EFFECTS[direction, row.word]
            if (direction, row.word) in IMPOSSIBLE or (direction == "response" and row.word in EITHER_WAY):
                continue
            mirror = f"{direction}-{row.mirror}" if row.mirror in words else row.mirror
            if (direction, row.mirror) in IMPOSSIBLE:
                mirror = f"none: {IMPOSSIBLE[direction, row.mirror]}"
            found.append(
                ChangeRule(
                    rule_id(direction, row.word),
                    "openapi",
                    "none" if effect == "annotation" else direction,
                    effect,
                    f"{row.text[0].upper()}{row.text[1:]}",
                    json.dumps(document(direction, row.old)),
                    json.dumps(document(direction, row.new)),
                    mirror,
                )
            )
    return tuple(found)


_GIVEN = "readOnly means nothing in a request's stead, and writeOnly nothing in a response's"
IMPOSSIBLE: dict[tuple[Direction, str], str] = {
    ("response", "branches-overlap"): "an answer that fits two alternatives is one that the API does not give",
    ("request", "property-added-to-closed"): "a request may use what a closed object takes now",
    ("response", "property-removed-from-closed"): "what readers no longer get is property-removed, closed or not",
    ("request", "property-became-write-only"): _GIVEN,
    ("response", "property-became-read-only"): _GIVEN,
    ("request", "optional-property-became-not-write-only"): _GIVEN,
    ("request", "required-property-became-not-write-only"): _GIVEN,
    ("response", "optional-property-became-not-read-only"): _GIVEN,
    ("response", "required-property-became-not-read-only"): _GIVEN,
}
SCHEMA_RULES = _rules()
