"""Which kind of contract a document is, told by its content alone.

OpenAPI names itself. Avro (specification 1.12.0, 'Schema Declaration') and JSON Schema share the word `type`, so a few
texts are both: `{"type": "string"}`, `{"type": ["null", "string"]}`, `{"type": "array", "items": {"type": "string"}}`.
Alone, such a text counts as JSON Schema; beside an Avro schema it counts as Avro. A text or a list at the root
(`"int"`, `["null", "int"]`) is never a JSON Schema. An object without any word that JSON Schema knows, such as a
package.json, would be one that takes everything; nobody means that, so it is refused.
"""

from __future__ import annotations

from typing import Any

from interlock.contracts.comparison import Kind
from interlock.contracts.contract_invalid import ContractInvalid
from interlock.contracts.vocabulary import EVERY_DRAFT, EXTENSIONS

_AVRO_ALONE = frozenset({"record", "error", "enum", "fixed", "map", "int", "long", "float", "double", "bytes"})
_BOTH = frozenset({"null", "boolean", "string"})
_JSON_SCHEMA = frozenset(
    {"$schema", "$id", "id", "$ref", "$defs", "definitions", "$anchor", "$dynamicRef", "properties"}
    | {"required", "const", "enum", "patternProperties", "additionalProperties", "propertyNames", "allOf"}
    | {"anyOf", "oneOf", "not", "if", "prefixItems", "additionalItems", "unevaluatedItems"}
    | {"unevaluatedProperties", "contains", "uniqueItems", "minimum", "maximum", "exclusiveMinimum"}
    | {"exclusiveMaximum", "multipleOf", "minLength", "maxLength", "pattern", "minItems", "maxItems"}
    | {"minProperties", "maxProperties", "format", "dependentRequired", "dependentSchemas"}
)  # fmt: skip


def kind_of(document: Any) -> Kind:
    """The likeliest kind. Raises ContractInvalid for a document that is no contract."""
    return kinds_of(document)[0]


def kinds_of(document: Any) -> tuple[Kind, ...]:
    """Every kind that the document may be, likeliest first. Raises ContractInvalid where there is none."""
    if isinstance(document, bool):
        return ("json-schema",)
    if isinstance(document, list):
        return ("avro",)
    if isinstance(document, str):
        if document in _AVRO_ALONE | _BOTH:
            return ("avro",)
        raise ContractInvalid("", "The document is a text that names no Avro type.")
    if not isinstance(document, dict):
        raise ContractInvalid("", "The document is no contract: JSON Schema, Avro or OpenAPI is expected.")
    if "asyncapi" in document:
        raise ContractInvalid("", "AsyncAPI documents are not compared. First make contracts of it: interlock import")
    if "openapi" in document or "swagger" in document:
        return ("openapi",)
    return _kinds_of_object(document)


def _kinds_of_object(document: dict[str, Any]) -> tuple[Kind, ...]:
    kind = document.get("type")
    if isinstance(kind, dict) or (isinstance(kind, str) and kind in _AVRO_ALONE):
        return ("avro",)
    if not document.keys().isdisjoint(_JSON_SCHEMA):
        return ("json-schema",)
    if kind == "array" and "items" in document:
        return _kinds_of_part(document["items"])
    if isinstance(kind, list):
        avro_alone = any(not isinstance(one, str) or one in _AVRO_ALONE for one in kind)
        return ("avro",) if avro_alone else _either(all(one in _BOTH for one in kind))
    if document and not any(name in EVERY_DRAFT or name.startswith(("$", EXTENSIONS)) for name in document):
        step = "Give a contract; --kind json-schema says that it is a schema without any keyword."
        raise ContractInvalid("", "The document is no contract: it has no word of JSON Schema, Avro or OpenAPI.", step)
    return _either(kind in _BOTH)


def _kinds_of_part(items: Any) -> tuple[Kind, ...]:
    """Of an array by its items: Avro names them by a text, or lists the branches of a union."""
    if isinstance(items, str) or (isinstance(items, list) and any(isinstance(one, str) for one in items)):
        return ("avro",)
    return _kinds_of_object(items) if isinstance(items, dict) else ("json-schema",)


def _either(may_be_avro: bool) -> tuple[Kind, ...]:
    return ("json-schema", "avro") if may_be_avro else ("json-schema",)
