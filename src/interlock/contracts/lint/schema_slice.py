"""The part of a schema that some values can touch, as a schema of its own, without references.

A big document's schemas refer to one another until each reaches all; compiling that for every example costs seconds
and gigabytes. An example only meets the properties that it has, so those alone are taken along, references inlined on
the way: the cost follows the example, not the document. What is judged stays exactly the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interlock.contracts import local_reference
from interlock.contracts.local_reference import ReferenceInvalid

# Objects of schemas that one slice may hold: a schema that multiplies (allOf of allOf of …) stops here.
BUDGET = 20_000
_SAME = ("not", "if", "then", "else")
_SAME_LISTS = ("allOf", "anyOf", "oneOf")
_ELEMENTS = ("items", "additionalItems", "unevaluatedItems", "contains")
_MEMBERS = ("additionalProperties", "unevaluatedProperties")
_DROPPED = frozenset({"$defs", "definitions", "$schema", "examples", "example", "default", "description", "title"})
_DYNAMIC = frozenset({"$id", "id", "$dynamicRef", "$recursiveRef"})
Values = list[Any]


class SliceTooLarge(Exception):
    """The schema multiplies beyond BUDGET, or does what cannot be cut out: other base URIs, dynamic references."""


class SchemaSlice:
    """One slicing. `references_alone`: older dialects ignore what stands beside a reference."""

    def __init__(self, document: Any, *, references_alone: bool, nullable: bool) -> None:
        self._document = document
        self._alone = references_alone
        self._nullable = nullable
        self._left = BUDGET

    def of(self, schema: Any, value: Any) -> Any:
        """Raises SliceTooLarge, and ReferenceInvalid for a reference that leads nowhere or only back to itself."""
        return self._cut(schema, [value], ())

    def _cut(self, schema: Any, values: Values, passed: tuple[str, ...]) -> Any:
        """`passed` are the references followed since the last step into the values."""
        if not isinstance(schema, dict):
            return schema
        self._left -= 1
        if self._left < 0 or not _DYNAMIC.isdisjoint(schema):
            raise SliceTooLarge
        reference = schema.get("$ref")
        if isinstance(reference, str):
            if reference in passed:
                raise ReferenceInvalid(reference, f"{reference} refers to itself and to nothing else.")
            target = self._cut(self._target(reference), values, (*passed, reference))
            rest = {} if self._alone else self._members(schema, values, passed)
            return {**rest, "allOf": [*rest.get("allOf", ()), target]} if rest else target
        return self._members(schema, values, passed)

    def _target(self, reference: str) -> Any:
        return local_reference.target(self._document, reference)[1]

    def _members(self, schema: Mapping[str, Any], values: Values, passed: tuple[str, ...]) -> dict[str, Any]:
        found = {name: one for name, one in schema.items() if name not in _DROPPED and name != "$ref"}
        for name in _SAME_LISTS:
            if isinstance(found.get(name), list):
                found[name] = [self._cut(part, values, passed) for part in found[name]]
        for name in _SAME:
            if name in found:
                found[name] = self._cut(found[name], values, passed)
        for name in ("dependentSchemas", "dependencies"):
            if isinstance(found.get(name), dict):
                found[name] = {key: self._cut(part, values, passed) for key, part in found[name].items()}
        self._objects(found, [value for value in values if isinstance(value, dict)])
        self._lists(found, [value for value in values if isinstance(value, list)])
        if self._nullable and found.pop("nullable", None) is True:
            _with_null(found)
        return found

    def _objects(self, found: dict[str, Any], objects: Values) -> None:
        if isinstance(found.get("properties"), dict):
            names = {name: None for one in objects for name in one}
            found["properties"] = {
                name: self._cut(found["properties"][name], [one[name] for one in objects if name in one], ())
                for name in names
                if name in found["properties"]
            }
        members = [part for one in objects for part in one.values()]
        if isinstance(found.get("patternProperties"), dict):
            found["patternProperties"] = {
                pattern: self._cut(part, members, ()) for pattern, part in found["patternProperties"].items()
            }
        for name in _MEMBERS:
            if name in found:
                found[name] = self._cut(found[name], members, ()) if members else True
        if "propertyNames" in found:
            found["propertyNames"] = self._cut(found["propertyNames"], [name for one in objects for name in one], ())

    def _lists(self, found: dict[str, Any], lists: Values) -> None:
        elements = [part for one in lists for part in one]
        if not elements:
            for name in (*_ELEMENTS[:3], "prefixItems"):
                found.pop(name, None)
        for name in _ELEMENTS:
            if isinstance(found.get(name), dict):
                found[name] = self._cut(found[name], elements, ())
        for name in ("prefixItems", "items"):
            if isinstance(found.get(name), list):
                found[name] = [self._cut(part, elements, ()) for part in found[name]]


def _with_null(found: dict[str, Any]) -> None:
    """OpenAPI 3.0's `nullable`, which adds null to the type that stands beside it."""
    if isinstance(found.get("type"), str):
        found["type"] = [found["type"], "null"]
        if isinstance(found.get("enum"), list) and None not in found["enum"]:
            found["enum"] = [*found["enum"], None]
