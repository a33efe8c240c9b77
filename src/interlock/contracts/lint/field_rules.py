"""Rules for the fields of every schema: typed, classified, closed, bounded."""

from __future__ import annotations

import re
from typing import Any

from interlock.contracts.lint.rule import Flaws, LintRule
from interlock.contracts.lint.samples import EVENT
from interlock.contracts.lint.scene import Scene
from interlock.model.classification import KEYWORD, Classification

# A tuple: what an author writes there need not be hashable.
CLASSES = tuple(Classification)
_SHAPING = frozenset({"type", "enum", "const", "$ref", "oneOf", "anyOf", "allOf"})
_BOTH = ("Schema", "SchemaPart")
_MONEY = re.compile(
    r"(?:^|_)(?i:price|amount|total|balance|cost|fee|tax|discount)$|[a-z](?:Price|Amount|Total|Balance|Cost|Fee|Tax)$"
)
_MOMENT = re.compile(r"_at$|(?:^|_)(?:timestamp|datetime)$|[a-z](?:At|Timestamp|DateTime)$")
SECRET_NAME = re.compile(
    r"(?i)^(?:.*[_-])?(?:password|passwd|passphrase|secret|client_?secret|api_?key|private_?key|access_?token|refresh_?token)$"
)
_BOUNDING_STRINGS = frozenset({"maxLength", "enum", "const", "format", "pattern", "contentEncoding"})
_NOTATING = frozenset({"format", "pattern", "enum", "const"})


def _note(schema: str) -> str:
    return '{"properties": {"note": ' + schema + "}}"


def _open(node: Any, scene: Scene) -> Flaws:
    """Maps (no properties, but a schema for all values) are declared; so is what `unevaluatedProperties` closes.

    So is, in an API, an open end that is described: extension members of a problem (RFC 9457 section 3.2), say.
    """
    kinds = node.get("type")
    is_object = "properties" in node or kinds == "object" or (isinstance(kinds, list) and "object" in kinds)
    if not is_object or node.get("unevaluatedProperties") is False:
        return
    rest = node.get("additionalProperties", node.get("unevaluatedProperties"))
    if scene.language == "openapi" and isinstance(rest, dict) and rest.get("description"):
        return
    if not (rest is False or (isinstance(rest, dict) and rest and "properties" not in node)):
        yield (), f"{scene.subject(scene.at)} takes undeclared fields."


def _untyped(node: Any, scene: Scene) -> Flaws:
    for name, field in _fields(node):
        if field is not False and (not isinstance(field, dict) or _SHAPING.isdisjoint(field)):
            yield ("properties", name), f"{scene.subject(_field_at(scene, name))} has no type."


def _unclassified(node: Any, scene: Scene) -> Flaws:
    for name, field in _fields(node):
        if not isinstance(field, dict) or _SHAPING.isdisjoint(field):
            continue
        stated = field.get(KEYWORD)
        if stated is not None:
            scene.memo["classified"] = True
            if stated not in CLASSES:
                subject = scene.subject(_field_at(scene, name))
                yield ("properties", name), f"{subject} has an unknown classification: {stated}."
        elif not _classified(field, scene, 0):
            yield ("properties", name), f"{scene.subject(_field_at(scene, name))} has no classification."


def _fields(node: Any) -> list[tuple[str, Any]]:
    properties = node["properties"]
    return list(properties.items()) if isinstance(properties, dict) else []


def _field_at(scene: Scene, name: str) -> Any:
    return ((scene.at, "properties"), name)


def _classified(schema: Any, scene: Scene, depth: int) -> bool:
    """Itself, by what it refers to, or because it only holds fields that each are classified on their own."""
    if not isinstance(schema, dict) or depth > 16:
        return False
    if schema.get(KEYWORD) in CLASSES or isinstance(schema.get("properties"), dict):
        return True
    inner = [schema["items"]] if "items" in schema else []
    if "$ref" in schema:
        place, whole = scene.place_followed(schema)
        known = scene.memo.setdefault("classified references", {})
        if place not in known:
            known[place] = True  # a circle is as classified as the rest of it
            known[place] = _classified(whole, scene, depth + 1)
        if not known[place]:
            return False
        inner.append({KEYWORD: CLASSES[0]})
    for keyword in ("oneOf", "anyOf", "allOf"):
        parts = schema.get(keyword)
        inner += [part for part in parts if part != {"type": "null"}] if isinstance(parts, list) else []
    if isinstance(schema.get("additionalProperties"), dict):
        inner.append(schema["additionalProperties"])
    return bool(inner) and all(_classified(part, scene, depth + 1) for part in inner)


def _string(node: Any, scene: Scene) -> Flaws:
    if node["type"] == "string" and _BOUNDING_STRINGS.isdisjoint(node):
        yield (), f"{scene.subject(scene.at)} may be as long as the sender likes."


def _array(node: Any, scene: Scene) -> Flaws:
    if (
        node["type"] == "array"
        and "maxItems" not in node
        and not ("prefixItems" in node and node.get("items") is False)
    ):
        yield (), f"{scene.subject(scene.at)} may have as many elements as the sender likes."


def _money(node: Any, scene: Scene) -> Flaws:
    if node["type"] == "number" and _MONEY.search(scene.token()) and scene.token(1) == "properties":
        yield ("type",), f"{scene.subject(scene.at)} is a binary fraction."


def _moment(node: Any, scene: Scene) -> Flaws:
    free = node["type"] == "string" and _NOTATING.isdisjoint(node)
    if free and _MOMENT.search(scene.token()) and scene.token(1) == "properties":
        yield (), f"{scene.subject(scene.at)} is a moment in no stated notation."


def _boolean(node: Any, scene: Scene) -> Flaws:
    kinds = node["type"]
    nullable = node.get("nullable") is True and kinds == "boolean"
    if nullable or (isinstance(kinds, list) and "boolean" in kinds and "null" in kinds):
        yield (), f"{scene.subject(scene.at)} is true, false or null."


def _readable_secret(node: Any, scene: Scene) -> Flaws:
    for name, field in _fields(node):
        if not SECRET_NAME.search(name) or not isinstance(field, dict) or field.get("type", "string") != "string":
            continue
        if field.get("writeOnly") is not True and field.get(KEYWORD) != "secret" and "$ref" not in field:
            yield ("properties", name), f"{name} is handed out like any other field."


FIELD_RULES: tuple[LintRule, ...] = (
    LintRule(
        id="FIELD_UNCLASSIFIED",
        purpose="Masking, residency and the record follow the classification; without one a field would leak.",
        fix='Add "x-classification": "pii" (or public, internal, financial, secret), or run: interlock lint --fix',
        place=EVENT,
        bad='{"properties": {"phone": {"type": "string"}}}',
        good='{"properties": {"phone": {"type": "string", "maxLength": 20, "x-classification": "pii"}}}',
        governed=True,
        needed=True,
        source="Interlock",
        on=_BOTH,
        when=("properties",),
        check=_unclassified,
    ),
    LintRule(
        id="FIELD_UNTYPED",
        purpose="A field that may be anything promises nothing.",
        fix='State its "type", "enum", "const" or "$ref".',
        place=EVENT,
        bad='{"properties": {"colour": {"x-classification": "internal"}}}',
        good='{"properties": {"colour": {"type": "string", "maxLength": 20, "x-classification": "internal"}}}',
        governed=True,
        needed=True,
        source="Interlock",
        on=_BOTH,
        when=("properties",),
        check=_untyped,
    ),
    LintRule(
        id="CONTENT_MODEL_OPEN",
        purpose="Undeclared fields are contracts that nobody wrote down.",
        fix='Add "additionalProperties": false.',
        place=EVENT,
        bad='{"additionalProperties": null}',
        good='{"additionalProperties": false}',
        governed=True,
        needed=True,
        source="Interlock, OWASP API3:2023",
        spectral=("owasp:api3:2023-no-additionalProperties",),
        on=("Schema",),
        check=_open,
    ),
    LintRule(
        id="STRING_UNBOUNDED",
        purpose="A text without a bound lets a sender fill memory, indexes and logs.",
        fix='Add "maxLength", or an enum, a format or a pattern.',
        place=EVENT,
        bad='{"properties": {"colour": {"type": "string", "x-classification": "internal"}}}',
        good=_note('{"type": "string", "maxLength": 200, "x-classification": "internal"}'),
        severity="warning",
        source="OWASP API4:2023",
        spectral=("owasp:api4:2023-string-limit",),
        on=_BOTH,
        when=("type",),
        check=_string,
    ),
    LintRule(
        id="ARRAY_UNBOUNDED",
        purpose="A list without a bound lets a sender decide how much work one request is.",
        fix='Add "maxItems".',
        place=EVENT,
        bad=_note('{"type": "array", "items": {"type": "boolean"}, "x-classification": "internal"}'),
        good=_note('{"type": "array", "maxItems": 9, "items": {"type": "boolean"}, "x-classification": "internal"}'),
        severity="warning",
        source="OWASP API4:2023",
        spectral=("owasp:api4:2023-array-limit",),
        on=_BOTH,
        when=("type",),
        check=_array,
    ),
    LintRule(
        id="MONEY_AS_FLOAT",
        purpose="Binary fractions cannot hold 0.10; sums of them are wrong by cents.",
        fix='Write {"type": "string", "format": "decimal"}, or whole cents as integer.',
        place=EVENT,
        bad='{"properties": {"price": {"type": "number", "x-classification": "financial"}}}',
        good='{"properties": {"price": {"type": "string", "format": "decimal", "x-classification": "financial"}}}',
        severity="warning",
        source="Zalando 173",
        on=_BOTH,
        when=("type",),
        check=_money,
    ),
    LintRule(
        id="MOMENT_UNFORMATTED",
        purpose="A moment in free text is parsed by guessing: 03/04 is two days.",
        fix='Add "format": "date-time" or "date" (RFC 3339).',
        place=EVENT,
        bad='{"properties": {"paid_at": {"type": "string", "maxLength": 40, "x-classification": "internal"}}}',
        good='{"properties": {"paid_at": {"type": "string", "format": "date-time", "x-classification": "internal"}}}',
        severity="warning",
        source="Zalando 169, Zalando 238",
        on=_BOTH,
        when=("type",),
        check=_moment,
    ),
    LintRule(
        id="BOOLEAN_NULLABLE",
        purpose="A boolean that may be null has three values, and the third means something else to each reader.",
        fix="Use an enum that names all three, or leave null out.",
        place=EVENT,
        bad='{"properties": {"gift": {"type": ["boolean", "null"], "x-classification": "internal"}}}',
        good='{"properties": {"gift": {"type": "boolean", "x-classification": "internal"}}}',
        severity="warning",
        source="Zalando 122",
        on=_BOTH,
        when=("type",),
        check=_boolean,
    ),
    LintRule(
        id="SECRET_READABLE",
        purpose="A secret that is handed out with the rest ends up in caches, logs and screens.",
        fix='Add "writeOnly": true, or "x-classification": "secret".',
        place=EVENT,
        bad='{"properties": {"password": {"type": "string", "maxLength": 80, "x-classification": "internal"}}}',
        good='{"properties": {"password": {"type": "string", "maxLength": 80, "x-classification": "secret"}}}',
        severity="warning",
        source="OWASP API3:2023",
        on=_BOTH,
        when=("properties",),
        check=_readable_secret,
    ),
)
