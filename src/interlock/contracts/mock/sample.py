"""Plausible documents of a schema: what the author wrote as examples, and plain values where they wrote none.

The plausible one is preferred over a generated one because people look at it; whether it is valid, the validator says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
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
# Where a number may be put into a format without breaking it: position and width.
_VARIED = {"date-time": (18, 1), "uuid": (34, 2), "decimal": (1, 1), "date": (3, 1)}
_TEXT = "example"
_NOTHING: Any = object()
MAX_ITEMS = 100


class NoSample(Exception):
    """Nothing plausible can be said of this schema."""


Leaves = Callable[[Any, int], Iterator[Any]]
"""Valid values of a schema that has a pattern, for a seed."""


def sample(root: Any, turn: int = 0, leaves: Leaves | None = None) -> Any:
    """Of a bundled schema. Turn 0 is what the author would show; each later turn differs from the one before.

    Raises NoSample.
    """
    return _Sampler(root, turn, leaves).value(root, 0)


class _Sampler:
    def __init__(self, root: Any, turn: int, leaves: Leaves | None) -> None:
        self._root = root
        self._turn = turn
        self._leaves = leaves
        self._choices = 0

    def value(self, schema: Any, depth: int) -> Any:
        schema = resolved(self._root, schema)
        if schema is False or depth > MAX_DEPTH:
            raise NoSample
        if not isinstance(schema, Mapping):
            return _TEXT
        stated = self._stated(schema)
        if stated is not _NOTHING:
            return stated
        if schema.get("allOf"):
            return self.value(self._merged(schema), depth)
        for word in ("oneOf", "anyOf"):
            if schema.get(word):
                return self._alternative(schema, schema[word], depth)
        return self._plain(schema, depth)

    def _stated(self, schema: Mapping[str, Any]) -> Any:
        """An example, a constant or a default. Later turns look past those of whole objects and lists."""
        for word in ("examples", "enum"):
            values = schema.get(word)
            if isinstance(values, list) and values:
                found = values[self._choice(len(values))]
                if not (self._turn and word == "examples" and isinstance(found, dict | list)):
                    return found
        if "const" in schema:
            return schema["const"]
        return schema["default"] if "default" in schema and not self._turn else _NOTHING

    def _choice(self, count: int) -> int:
        """0 at the first turn; later ones go on at each asking, so that the entries of a list differ."""
        if self._turn == 0:
            return 0
        self._choices += 1
        return (self._turn + self._choices) % count

    def _alternative(self, schema: Mapping[str, Any], parts: Any, depth: int) -> Any:
        beside = {name: value for name, value in schema.items() if name not in ("oneOf", "anyOf")}
        parts = [part for part in parts if part != {"type": "null"}] or parts
        first = self._choice(len(parts))
        for part in [*parts[first:], *parts[:first]]:
            try:
                return self.value(self._merged({**beside, "allOf": [part]}), depth + 1)
            except NoSample:
                continue
        raise NoSample

    def _merged(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        """One schema that says what all say, as far as a sample needs it."""
        made = {name: value for name, value in schema.items() if name != "allOf"}
        for part in schema["allOf"]:
            part = resolved(self._root, part)
            if not isinstance(part, Mapping):
                continue
            part = self._merged(part) if part.get("allOf") else part
            for name, value in part.items():
                if name == "properties":
                    made[name] = {**value, **made.get(name, {})}
                elif name == "required":
                    made[name] = [*made.get(name, []), *value]
                else:
                    made.setdefault(name, value)
        return made

    def _plain(self, schema: Mapping[str, Any], depth: int) -> Any:
        kind = schema.get("type")
        if isinstance(kind, list):
            kind = next((one for one in kind if one != "null"), "null")
        if kind == "object" or (kind is None and ("properties" in schema or "required" in schema)):
            return self._object(schema, depth)
        if kind == "array" or (kind is None and "items" in schema):
            return self._array(schema, depth)
        if kind in ("integer", "number"):
            return _number(schema, kind, self._choice(97))
        if kind == "boolean":
            return self._choice(2) == 0
        return None if kind == "null" else self._string(schema)

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        required = schema.get("required", ())
        properties = schema.get("properties", {})
        made = {}
        for name in [*properties, *(name for name in required if name not in properties)]:
            if name not in required and (depth >= FULL_DEPTH or self._choice(4) == 3):
                continue
            try:
                made[name] = self.value(properties.get(name, schema.get("additionalProperties", True)), depth + 1)
            except NoSample:
                if name in required:
                    raise
        rest = schema.get("additionalProperties")
        if not properties and isinstance(rest, Mapping) and depth < FULL_DEPTH:
            made["key"] = self.value(rest, depth + 1)
        return made

    def _array(self, schema: Mapping[str, Any], depth: int) -> list[Any]:
        made = [self.value(part, depth + 1) for part in schema.get("prefixItems", ())]
        wanted = max(int(schema.get("minItems", 0)), 0 if depth >= FULL_DEPTH else 1 + self._choice(3))
        wanted = min(wanted, int(schema.get("maxItems", wanted)), MAX_ITEMS)
        while len(made) < wanted and schema.get("items") is not False:
            try:
                made.append(self.value(schema.get("items", True), depth + 1))
            except NoSample:
                if len(made) < int(schema.get("minItems", 0)):
                    raise
                break
        return made

    def _string(self, schema: Mapping[str, Any]) -> str:
        if "pattern" in schema and self._leaves is not None:
            found = list(self._leaves(_bare(schema), self._turn))
            if not found:
                raise NoSample
            return str(found[self._choice(len(found))])
        number = self._choice(100)
        form = schema.get("format", "")
        text = _FORMATS.get(form, _TEXT if not number else f"{_TEXT} {number}")
        if number and form in _VARIED:
            at, width = _VARIED[form]
            text = text[:at] + str(number % 10**width).zfill(width) + text[at + width :]
        least, most = int(schema.get("minLength", 0)), schema.get("maxLength")
        if len(text) < least:
            text = (text * (least // len(text) + 1))[:least]
        return text if most is None else text[: int(most)]


def _bare(schema: Mapping[str, Any]) -> dict[str, Any]:
    words = ("type", "pattern", "minLength", "maxLength", "format")
    return {name: schema[name] for name in words if name in schema}


def _number(schema: Mapping[str, Any], kind: str, more: int) -> Any:
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    value = (1 if low is None or low <= 1 else low) + more
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
