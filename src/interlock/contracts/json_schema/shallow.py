"""A schema without what lies behind the references inside the value: it takes more than the schema, never less.

A validator of one part of a large document carries all that the part can reach. Thousands of those are no way to look
at thousands of parts, so parts of large documents are looked at without their depths, and whole documents as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from interlock.contracts.json_schema.keywords import BY_NAME

if TYPE_CHECKING:
    from interlock.contracts.json_schema.schema_document import SchemaDocument

MAX_HOPS = 8
_INSIDE = frozenset({"items", "additionalItems", "additionalProperties", "propertyNames"})
# Where a looser schema beneath could make this one tighter, or where nothing is said of values.
_LEFT_OUT = frozenset({
    "oneOf", "not", "if", "then", "else", "unevaluatedProperties", "unevaluatedItems", "dependentSchemas",
    "dependencies", "contains", "minContains", "maxContains", "$dynamicRef", "$recursiveRef", "$defs", "definitions",
    "$id", "id", "$anchor", "$dynamicAnchor", "$schema",
})  # fmt: skip


def shallow(document: SchemaDocument, schema: Any, hops: int = 0) -> Any:
    if not isinstance(schema, dict) or document.refers_to_nothing(schema):
        return schema
    if hops > MAX_HOPS:
        return True
    made: dict[str, Any] = {}
    beside: list[Any] = []
    for name, value in schema.items():
        if name == "$ref":
            beside.append(shallow(document, document.target(schema, value), hops + 1))
        elif name in ("allOf", "anyOf"):
            made[name] = [shallow(document, one, hops + 1) for one in value]
        elif name in BY_NAME - _LEFT_OUT:
            made[name] = {one: _closed(document, inner) for one, inner in value.items()}
        elif name in _INSIDE or name == "prefixItems":
            listed = isinstance(value, list)
            made[name] = [_closed(document, one) for one in value] if listed else _closed(document, value)
        elif name not in _LEFT_OUT:
            made[name] = value
    return {**made, "allOf": [*made.get("allOf", []), *beside]} if beside else made


def _closed(document: SchemaDocument, schema: Any) -> Any:
    return schema if document.refers_to_nothing(schema) else True
