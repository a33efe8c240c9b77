"""A plausible document of a schema: what the author wrote as examples, and plain values where they wrote none.

The plausible one is preferred over a generated one because people look at it; whether it is valid, the validator says.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interlock.contracts.api.schema_bundle import resolved

MAX_DEPTH = 12
# Deeper than this, only what is required: recursion must end.
FULL_DEPTH = 4
_FORMATS = {
    "date-time": "2026-01-02T03:04:05Z",
    "date": "2026-01-02",
    "time": "03:04:05Z",
    "duration": "P1D",
    "email": "somebody@example.com",
    "idn-email": "somebody@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "uri-reference": "/example",
    "iri": "https://example.com/",
    "uuid": "01930c00-0000-7000-8000-000000000001",
    "decimal": "12.00",
    "json-pointer": "/example",
    "regex": "^example$",
    "byte": "ZXhhbXBsZQ==",
}
_TEXT = "example"


class NoSample(Exception):
    """Nothing plausible can be said of this schema."""


def sample(root: Any) -> Any:
    """Of a bundled schema. Raises NoSample."""
    return _value(root, root, 0)


def _value(schema: Any, root: Any, depth: int) -> Any:
    schema = resolved(root, schema)
    if schema is False or depth > MAX_DEPTH:
        raise NoSample
    if not isinstance(schema, Mapping):
        return _TEXT
    for word in ("examples", "enum"):
        if isinstance(schema.get(word), list) and schema[word]:
            return schema[word][0]
    for word in ("const", "default"):
        if word in schema:
            return schema[word]
    if schema.get("allOf"):
        return _value(_merged(schema, root), root, depth)
    for word in ("oneOf", "anyOf"):
        if schema.get(word):
            return _alternative(schema, schema[word], root, depth)
    return _plain(schema, root, depth)


def _alternative(schema: Mapping[str, Any], parts: Any, root: Any, depth: int) -> Any:
    beside = {name: value for name, value in schema.items() if name not in ("oneOf", "anyOf")}
    parts = [part for part in parts if part != {"type": "null"}] or parts
    for part in parts:
        try:
            return _value(_merged({**beside, "allOf": [part]}, root), root, depth + 1)
        except NoSample:
            continue
    raise NoSample


def _merged(schema: Mapping[str, Any], root: Any) -> dict[str, Any]:
    """One schema that says what all say, as far as a sample needs it."""
    made = {name: value for name, value in schema.items() if name != "allOf"}
    for part in schema["allOf"]:
        part = resolved(root, part)
        if not isinstance(part, Mapping):
            continue
        part = _merged(part, root) if part.get("allOf") else part
        for name, value in part.items():
            if name == "properties":
                made[name] = {**value, **made.get(name, {})}
            elif name == "required":
                made[name] = [*made.get(name, []), *value]
            else:
                made.setdefault(name, value)
    return made


def _plain(schema: Mapping[str, Any], root: Any, depth: int) -> Any:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null")
    if kind == "object" or (kind is None and ("properties" in schema or "required" in schema)):
        return _object(schema, root, depth)
    if kind == "array" or (kind is None and "items" in schema):
        return _array(schema, root, depth)
    if kind in ("integer", "number"):
        return _number(schema, kind)
    if kind == "boolean":
        return True
    return None if kind == "null" else _string(schema)


def _object(schema: Mapping[str, Any], root: Any, depth: int) -> dict[str, Any]:
    required = schema.get("required", ())
    properties = schema.get("properties", {})
    made = {}
    for name in [*properties, *(name for name in required if name not in properties)]:
        if name not in required and depth >= FULL_DEPTH:
            continue
        try:
            made[name] = _value(properties.get(name, schema.get("additionalProperties", True)), root, depth + 1)
        except NoSample:
            if name in required:
                raise
    rest = schema.get("additionalProperties")
    if not properties and isinstance(rest, Mapping) and depth < FULL_DEPTH:
        made["key"] = _value(rest, root, depth + 1)
    return made


def _array(schema: Mapping[str, Any], root: Any, depth: int) -> list[Any]:
    fixed = [_value(part, root, depth + 1) for part in schema.get("prefixItems", ())]
    wanted = max(int(schema.get("minItems", 0)), 0 if depth >= FULL_DEPTH else 1)
    wanted = min(wanted, int(schema.get("maxItems", wanted)))
    while len(fixed) < min(wanted, 100):
        if schema.get("items") is False:
            break
        try:
            fixed.append(_value(schema.get("items", True), root, depth + 1))
        except NoSample:
            if len(fixed) < int(schema.get("minItems", 0)):
                raise
            break
    return fixed


def _number(schema: Mapping[str, Any], kind: str) -> Any:
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    value = 1 if low is None or low <= 1 else low
    if high is not None and value > high:
        value = high
    if value == schema.get("exclusiveMinimum"):
        value += 1
    if value == schema.get("exclusiveMaximum"):
        value -= 1
    step = schema.get("multipleOf")
    if step:
        value = step * max(1, -(-value // step))
    return int(value) if kind == "integer" else value


def _string(schema: Mapping[str, Any]) -> str:
    text = _FORMATS.get(schema.get("format", ""), _TEXT)
    least, most = int(schema.get("minLength", 0)), schema.get("maxLength")
    if len(text) < least:
        text = (text * (least // len(text) + 1))[:least]
    return text if most is None else text[: int(most)]
