"""Rules for every schema, wherever it stands: known words, and no contradictions."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import jsonschema_rs

from interlock.contracts.lint.rule import Flaws, LintRule
from interlock.contracts.lint.samples import API, EVENT
from interlock.contracts.lint.scene import Scene
from interlock.contracts.vocabulary import JSON_SCHEMA, OLDER, OPENAPI, OPENAPI_3_0, unknown

# JSON Schema 2020-12 validation, section 7.3, and ours.
_FORMATS = """
date-time date time duration email idn-email hostname idn-hostname ipv4 ipv6 uri uri-reference iri iri-reference
uuid uri-template json-pointer relative-json-pointer regex decimal
"""
FORMATS = frozenset(_FORMATS.split())
# OpenAPI's format registry.
_REGISTERED = """
int8 int16 int32 int64 uint8 uint16 uint32 uint64 float double double-int byte binary base64url password char
date-time-local time-local commonmark html http-date media-range decimal128 sf-binary sf-boolean sf-decimal sf-integer
sf-string sf-token
"""
_OPENAPI_FORMATS = FORMATS | set(_REGISTERED.split())
_TYPES = frozenset({"array", "boolean", "integer", "null", "number", "object", "string"})
_BOTH = ("Schema", "SchemaPart")
_VALUES: Mapping[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int | float) and not isinstance(value, bool) and value == int(value),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
    "null": lambda value: value is None,
}
_BOUNDS = (
    ("minLength", "maxLength"),
    ("minItems", "maxItems"),
    ("minProperties", "maxProperties"),
    ("minimum", "maximum"),
    ("minContains", "maxContains"),
)


def _note(schema: str) -> str:
    return '{"properties": {"note": ' + schema + "}}"


def _order(schema: str) -> str:
    return '{"components": {"schemas": {"Order": {"properties": {"note": ' + schema + "}}}}}"


def _vocabulary(scene: Scene) -> frozenset[str]:
    found: frozenset[str] | None = scene.memo.get("vocabulary")
    if found is None:
        if scene.language == "openapi":
            found = OPENAPI if scene.version == "3.1" else OPENAPI_3_0
        elif scene.language == "asyncapi":
            found = OPENAPI | OLDER
        else:
            found = JSON_SCHEMA if scene.version == "2020-12" else JSON_SCHEMA | OLDER
        scene.memo["vocabulary"] = found
    return found


def _keyword(node: Any, scene: Scene) -> Flaws:
    vocabulary = _vocabulary(scene)
    if node.keys() <= vocabulary:
        return
    for name, meant in unknown(node, vocabulary):
        hint = f', did you mean "{meant}"?' if meant else "."
        yield (name,), f'{scene.subject(scene.at)}: unknown keyword "{name}"{hint}'


def _dynamic(node: Any, scene: Scene) -> Flaws:
    reference = node["$dynamicRef"]
    if not isinstance(reference, str) or not reference.startswith("#"):
        yield ("$dynamicRef",), f"{scene.subject(scene.at)} refers to {reference}."


def _format(node: Any, scene: Scene) -> Flaws:
    known = FORMATS if scene.language == "json-schema" else _OPENAPI_FORMATS
    if isinstance(node["format"], str) and node["format"] not in known:
        yield ("format",), f"{scene.subject(scene.at)}: unknown format {node['format']}."


def _enum_twice(node: Any, scene: Scene) -> Flaws:
    seen: set[str] = set()
    for index, value in enumerate(node["enum"] if isinstance(node["enum"], list) else ()):
        text = json.dumps(value, sort_keys=True)
        if text in seen:
            yield ("enum", index), f"{text} is there twice."
        seen.add(text)


def _enum_type(node: Any, scene: Scene) -> Flaws:
    stated = node.get("type")
    kinds = stated if isinstance(stated, list) else [stated]
    tests = [_VALUES[kind] for kind in kinds if isinstance(kind, str) and kind in _VALUES]
    if not tests or len(tests) != len(kinds):
        return
    if node.get("nullable") is True and scene.language == "openapi":
        tests.append(_VALUES["null"])
    for index, value in enumerate(node["enum"] if isinstance(node["enum"], list) else ()):
        if not any(test(value) for test in tests):
            yield ("enum", index), f"{json.dumps(value)} is no {' and no '.join(kinds)}."


def _enum_empty(node: Any, scene: Scene) -> Flaws:
    if node["enum"] == []:
        yield ("enum",), f"{scene.subject(scene.at)} allows no value."


def _items(node: Any, scene: Scene) -> Flaws:
    if node["type"] == "array" and "items" not in node and "prefixItems" not in node:
        yield (), f"{scene.subject(scene.at)} is a list of nobody knows what."


def _type(node: Any, scene: Scene) -> Flaws:
    stated = node["type"]
    for kind in stated if isinstance(stated, list) else [stated]:
        if isinstance(kind, str) and (kind not in _TYPES or (kind == "null" and scene.version == "3.0")):
            yield ("type",), f'"{kind}" is no type.'


def _required(node: Any, scene: Scene) -> Flaws:
    properties = node.get("properties")
    if not isinstance(properties, dict) or node.get("additionalProperties") is not False or "patternProperties" in node:
        return
    for index, name in enumerate(node["required"] if isinstance(node["required"], list) else ()):
        if isinstance(name, str) and name not in properties:
            yield ("required", index), f"{name} is required, and the schema allows no such field."


def _required_twice(node: Any, scene: Scene) -> Flaws:
    names = node["required"]
    if isinstance(names, list) and len(names) > 1:
        seen: set[str] = set()
        for index, name in enumerate(names):
            if isinstance(name, str):
                if name in seen:
                    yield ("required", index), f"{name} is there twice."
                seen.add(name)


def _contradicts(node: Any, scene: Scene) -> Flaws:
    for low, high in _BOUNDS:
        least, most = node.get(low), node.get(high)
        if isinstance(least, int | float) and isinstance(most, int | float) and least > most:
            yield (low,), f"{low} {least} is above {high} {most}: nothing can be valid."


def _pattern(node: Any, scene: Scene) -> Flaws:
    pattern = node["pattern"]
    known = scene.memo.setdefault("patterns", {})
    if isinstance(pattern, str):
        if pattern not in known:
            known[pattern] = _pattern_mistake(pattern)
        if known[pattern]:
            yield ("pattern",), f"The pattern is no regular expression of ECMA-262: {known[pattern]}."


def _pattern_mistake(pattern: str) -> str | None:
    try:
        jsonschema_rs.Draft202012Validator({"pattern": pattern}, pattern_options=jsonschema_rs.FancyRegexOptions())
    except (jsonschema_rs.ValidationError, ValueError) as error:
        return str(error).partition("\n")[0].rstrip(".")
    return None


SCHEMA_RULES: tuple[LintRule, ...] = (
    LintRule(
        id="KEYWORD_UNKNOWN",
        purpose="JSON Schema ignores a keyword that it does not know: a misspelt constraint would silently not hold.",
        fix='Correct the keyword (JSON Schema 2020-12), or begin the name of your own with "x-".',
        place=EVENT,
        bad='{"properties": {"order_id": {"maxLenght": 40}}}',
        good='{"properties": {"order_id": {"maxLength": 40}}}',
        waivable=False,
        needed=True,
        source="Interlock",
        spectral=("oas3-schema",),
        on=_BOTH,
        check=_keyword,
    ),
    LintRule(
        id="REFERENCE_DYNAMIC_REMOTE",
        purpose="A dynamic reference out of the file changes the contract behind its back.",
        fix='Copy the schema under "$defs", and give it a "$dynamicAnchor".',
        place=EVENT,
        bad=_note(
            '{"$dynamicRef": "https://example.com/note.json#it", "type": "string", "x-classification": "internal"}'
        ),
        good="{}",
        waivable=False,
        source="Interlock",
        on=_BOTH,
        when=("$dynamicRef",),
        check=_dynamic,
    ),
    LintRule(
        id="FORMAT_UNKNOWN",
        purpose="An unknown format is not checked, but looks as if it were.",
        fix='Use a format of JSON Schema 2020-12 or "decimal", or a pattern.',
        place=EVENT,
        bad=_note('{"type": "string", "format": "sku", "x-classification": "internal"}'),
        good=_note('{"type": "string", "format": "uuid", "x-classification": "internal"}'),
        waivable=False,
        governed=True,
        needed=True,
        source="Interlock",
        on=_BOTH,
        when=("format",),
        check=_format,
    ),
    LintRule(
        id="ENUM_DUPLICATED",
        purpose="A value that is listed twice was probably meant to be another one.",
        fix="Remove it, or correct it.",
        place=API,
        bad=_order('{"type": "string", "enum": ["a", "a"], "x-classification": "internal"}'),
        good=_order('{"type": "string", "enum": ["a", "b"], "x-classification": "internal"}'),
        severity="warning",
        source="Spectral oas",
        spectral=("duplicated-entry-in-enum",),
        on=_BOTH,
        when=("enum",),
        check=_enum_twice,
    ),
    LintRule(
        id="ENUM_TYPE",
        purpose="A value that the type forbids can never be sent.",
        fix="Correct the value, or the type.",
        place=API,
        bad=_order('{"type": "string", "enum": ["a", 1], "x-classification": "internal"}'),
        good=_order('{"type": "string", "enum": ["a", "1"], "x-classification": "internal"}'),
        source="Spectral oas",
        spectral=("typed-enum",),
        on=_BOTH,
        when=("enum",),
        check=_enum_type,
    ),
    LintRule(
        id="ENUM_EMPTY",
        purpose="An empty list of values allows none at all.",
        fix="List the values, or remove the enum.",
        place=API,
        bad=_order('{"type": "string", "enum": [], "x-classification": "internal"}'),
        good="{}",
        source="JSON Schema 2020-12 validation section 6.1.2",
        on=_BOTH,
        when=("enum",),
        check=_enum_empty,
    ),
    LintRule(
        id="ARRAY_ITEMS_MISSING",
        purpose="A list of anything promises nothing of its elements.",
        fix='Add "items".',
        place=API,
        bad=_order('{"type": "array", "maxItems": 9, "x-classification": "internal"}'),
        good=_order('{"type": "array", "maxItems": 9, "items": {"type": "boolean"}, "x-classification": "internal"}'),
        source="Spectral oas",
        spectral=("array-items",),
        on=("Schema",),
        when=("type",),
        check=_items,
    ),
    LintRule(
        id="SCHEMA_TYPE_UNKNOWN",
        purpose="A type that does not exist matches nothing, or everything, by the tool.",
        fix="Write array, boolean, integer, null, number, object or string; in OpenAPI 3.0 null is nullable: true.",
        place=API,
        bad=_order('{"type": "text", "maxLength": 9, "x-classification": "internal"}'),
        good=_order('{"type": "string", "maxLength": 9, "x-classification": "internal"}'),
        source="JSON Schema 2020-12 validation section 6.1.1",
        spectral=("oas3-schema",),
        on=_BOTH,
        when=("type",),
        check=_type,
    ),
    LintRule(
        id="PATTERN_INVALID",
        purpose="A pattern that does not compile checks nothing, or refuses everything.",
        fix="Correct the regular expression (ECMA-262).",
        place=API,
        bad=_order('{"type": "string", "pattern": "[a-", "x-classification": "internal"}'),
        good=_order('{"type": "string", "pattern": "[a-z]", "x-classification": "internal"}'),
        source="JSON Schema 2020-12 core section 6.4",
        on=_BOTH,
        when=("pattern",),
        check=_pattern,
    ),
    LintRule(
        id="REQUIRED_UNDECLARED",
        purpose="A required field that the closed schema does not allow makes every document invalid.",
        fix="Declare the field, or take it out of required.",
        place=EVENT,
        bad='{"required": ["order_id", "customer_id", "ghost"]}',
        good="{}",
        source="JSON Schema 2020-12",
        on=("Schema",),
        when=("required",),
        check=_required,
    ),
    LintRule(
        id="REQUIRED_DUPLICATED",
        purpose="A name that is listed twice was probably meant to be another one; JSON Schema forbids it.",
        fix="Remove it, or correct it.",
        place=API,
        bad='{"components": {"schemas": {"Order": {"required": ["total", "total"]}}}}',
        good="{}",
        source="JSON Schema 2020-12 validation section 6.5.3",
        on=_BOTH,
        when=("required",),
        check=_required_twice,
    ),
    LintRule(
        id="BOUNDS_CONTRADICT",
        purpose="Bounds that exclude each other make every value invalid.",
        fix="Correct one of the bounds.",
        place=EVENT,
        bad=_note('{"type": "string", "minLength": 9, "maxLength": 3, "x-classification": "internal"}'),
        good=_note('{"type": "string", "minLength": 3, "maxLength": 9, "x-classification": "internal"}'),
        source="JSON Schema 2020-12 validation section 6",
        on=_BOTH,
        when=tuple(low for low, _ in _BOUNDS),
        check=_contradicts,
    ),
)
