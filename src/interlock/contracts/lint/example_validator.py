"""Holds examples of a whole document to the schemas beside them, which may refer to anything in it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from itertools import islice
from typing import Any
from urllib.parse import quote

import jsonschema_rs

from interlock.contracts.lint.rule import Tokens
from interlock.contracts.lint.scene import Scene

_NAME = "urn:interlock:document"
_SHOWN = 3
# Compiled schemas that are kept: neighbours often share one, and a big one may hold half the document.
_KEPT = 64
_DRAFTS: dict[str, Any] = {
    "openapi 3.0": jsonschema_rs.Draft4Validator,
    "openapi 2.0": jsonschema_rs.Draft4Validator,
    "asyncapi 2": jsonschema_rs.Draft7Validator,
    "asyncapi 3": jsonschema_rs.Draft7Validator,
    "json-schema draft-04": jsonschema_rs.Draft4Validator,
    "json-schema draft-06": jsonschema_rs.Draft6Validator,
    "json-schema draft-07": jsonschema_rs.Draft7Validator,
    "json-schema 2019-09": jsonschema_rs.Draft201909Validator,
}
# Keywords that hold schemas, so that references may lie beneath.
_HOLDING = frozenset(
    {"$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "not", "if", "items", "prefixItems", "properties", "contains"}
    | {"additionalProperties", "patternProperties", "dependentSchemas", "definitions", "dependencies"}
    | {"propertyNames", "unevaluatedItems", "unevaluatedProperties", "additionalItems", "$defs", "then", "else"}
)  # fmt: skip
# Look-around and back-references are what authors write; the steps of one match are bounded.
_PATTERNS = jsonschema_rs.FancyRegexOptions(backtrack_limit=100_000)


class ExampleValidator:
    """The document becomes a resource once, when the first schema needs it; nothing is ever fetched."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._draft = _DRAFTS.get(f"{scene.language} {scene.version}", jsonschema_rs.Draft202012Validator)
        self._nullable = scene.language == "openapi" and scene.version != "3.1"
        self._registry: jsonschema_rs.Registry | None = None
        self._compiled: OrderedDict[str, Any] = OrderedDict()

    def errors(self, place: str, schema: dict[str, Any], value: Any) -> Iterator[tuple[Tokens, str]]:
        """Where in the value, and why. A schema that does not compile says nothing: other rules speak of it."""
        if value is None and self._nullable and schema.get("nullable") is True:
            return
        validator = self._validator(place, schema)
        if validator is None or validator.is_valid(value):
            return
        for error in islice(validator.iter_errors(value), _SHOWN):
            yield tuple(error.instance_path), error.message

    def _validator(self, place: str, schema: dict[str, Any]) -> Any:
        if _HOLDING.isdisjoint(schema):
            return self._compile(schema, None)
        key, _ = self._scene.place_followed(schema)
        key = key or place
        if key in self._compiled:
            self._compiled.move_to_end(key)
            return self._compiled[key]
        registry = self._document()
        found = self._compile({"$ref": f"{_NAME}#{quote(key, safe='/~')}"}, registry) if registry else None
        self._compiled[key] = found
        if len(self._compiled) > _KEPT:
            self._compiled.popitem(last=False)
        return found

    def _compile(self, schema: Any, registry: jsonschema_rs.Registry | None) -> Any:
        try:
            return self._draft(
                schema,
                registry=registry,
                validate_formats=True,
                mask="the value",
                pattern_options=_PATTERNS,
                offline=True,
            )
        except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError, TypeError):
            return None

    def _document(self) -> jsonschema_rs.Registry | None:
        if self._registry is None:
            document = self._scene.document
            if self._nullable:
                document = _with_nulls(document)
            try:
                self._registry = jsonschema_rs.Registry([(_NAME, document)])
            except (jsonschema_rs.ReferencingError, ValueError, TypeError):
                return None
        return self._registry


def _with_nulls(node: Any) -> Any:
    """OpenAPI 3.0's `nullable` as a type; only what holds one is copied."""
    if isinstance(node, list):
        parts = [_with_nulls(part) for part in node]
        return node if all(new is old for new, old in zip(parts, node, strict=True)) else parts
    if not isinstance(node, dict):
        return node
    changed = {name: new for name, old in node.items() if (new := _with_nulls(old)) is not old}
    if node.get("nullable") is True and isinstance(node.get("type"), str):
        changed["type"] = [node["type"], "null"]
        if isinstance(node.get("enum"), list) and None not in node["enum"]:
            changed["enum"] = [*node["enum"], None]
    return {**node, **changed} if changed else node
