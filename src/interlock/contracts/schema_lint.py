"""Rules that a schema must keep wherever it stands: closed, typed, classified, no unknown word, no remote reference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from interlock.contracts import pointer
from interlock.contracts.document_schema import MANY, NAMED, ONE, ONE_MORE
from interlock.contracts.vocabulary import JSON_SCHEMA, unknown
from interlock.model.classification import KEYWORD, Classification

# A tuple: what an author writes there need not be hashable.
CLASSES = tuple(Classification)
# JSON Schema 2020-12 validation, section 7.3, and ours.
_FORMATS = """
date-time date time duration email idn-email hostname idn-hostname ipv4 ipv6 uri uri-reference iri iri-reference
uuid uri-template json-pointer relative-json-pointer regex decimal
"""
FORMATS = frozenset(_FORMATS.split())
_SHAPING = frozenset({"type", "enum", "const", "$ref", "oneOf", "anyOf", "allOf"})


class Objection(NamedTuple):
    """A rule broken at a pointer, from the root of the schema."""

    code: str
    pointer: str
    detail: str


def lint(schema: Mapping[str, Any], subject: str, vocabulary: frozenset[str] = JSON_SCHEMA) -> Iterator[Objection]:
    """All objections to a root schema. `subject` names it in the texts, `vocabulary` are the keywords it may hold."""
    yield from _lint(schema, (), _Scope(schema, subject, vocabulary))


class _Scope(NamedTuple):
    root: Mapping[str, Any]
    subject: str
    vocabulary: frozenset[str]
    inside_composite: bool = False

    def name(self, place: tuple[str, ...]) -> str:
        """customer.phone, as a person says it."""
        fields = [part for part, before in zip(place[1:], place, strict=False) if before in ("properties", "$defs")]
        return ".".join(fields) or self.subject


def _lint(schema: Any, place: tuple[str, ...], scope: _Scope) -> Iterator[Objection]:
    if not isinstance(schema, Mapping):
        return
    where = pointer.join(place)
    yield from _lint_keywords(schema, place, scope)
    reference = schema.get("$ref", schema.get("$dynamicRef", "#"))
    if not isinstance(reference, str) or not reference.startswith("#"):
        yield Objection("REFERENCE_REMOTE", where + "/$ref", f"{scope.name(place)} refers to {reference}.")
    if isinstance(schema.get("format"), str) and schema["format"] not in FORMATS:
        yield Objection("FORMAT_UNKNOWN", where + "/format", f"{scope.name(place)}: unknown format {schema['format']}.")
    if not scope.inside_composite and _is_open(schema):
        yield Objection("CONTENT_MODEL_OPEN", where, f"{scope.name(place)} takes undeclared fields.")
    properties = schema.get("properties")
    if isinstance(properties, Mapping):
        for name, field in properties.items():
            yield from _lint_field(field, (*place, "properties", name), scope)
    for part, path, composite in _parts(schema, place):
        yield from _lint(part, path, scope._replace(inside_composite=composite or scope.inside_composite))


def _lint_keywords(schema: Mapping[str, Any], place: tuple[str, ...], scope: _Scope) -> Iterator[Objection]:
    for name, meant in unknown(schema, scope.vocabulary):
        detail = f'{scope.name(place)}: unknown keyword "{name}"' + (f', did you mean "{meant}"?' if meant else ".")
        yield Objection("KEYWORD_UNKNOWN", pointer.join((*place, name)), detail)


def _lint_field(field: Any, place: tuple[str, ...], scope: _Scope) -> Iterator[Objection]:
    where = pointer.join(place)
    if not isinstance(field, Mapping) or not _SHAPING & field.keys():
        if field is not False:
            yield Objection("FIELD_UNTYPED", where, f"{scope.name(place)} has no type.")
        return
    stated = field.get(KEYWORD)
    if stated is not None and stated not in CLASSES:
        yield Objection("FIELD_UNCLASSIFIED", where, f"{scope.name(place)} has an unknown classification: {stated}.")
    elif stated is None and not _classified(field, scope.root, 0):
        yield Objection("FIELD_UNCLASSIFIED", where, f"{scope.name(place)} has no classification.")


def _classified(schema: Any, root: Mapping[str, Any], depth: int) -> bool:
    """Itself, by what it refers to, or because it only holds fields that each are classified on their own."""
    if not isinstance(schema, Mapping) or depth > 16:
        return False
    if schema.get(KEYWORD) in CLASSES or isinstance(schema.get("properties"), Mapping):
        return True
    inner = [schema["items"]] if "items" in schema else []
    inner += [resolve(schema, root)] if "$ref" in schema else []
    for keyword in ("oneOf", "anyOf", "allOf"):
        parts = schema.get(keyword)
        inner += [part for part in parts if part != {"type": "null"}] if isinstance(parts, list) else []
    if isinstance(schema.get("additionalProperties"), Mapping):
        inner.append(schema["additionalProperties"])
    return bool(inner) and all(_classified(part, root, depth + 1) for part in inner)


def _is_open(schema: Mapping[str, Any]) -> bool:
    """Maps (no properties, but a schema for all values) are declared; so is what `unevaluatedProperties` closes."""
    kinds = schema.get("type")
    is_object = "properties" in schema or kinds == "object" or (isinstance(kinds, list) and "object" in kinds)
    if not is_object or schema.get("unevaluatedProperties") is False:
        return False
    rest = schema.get("additionalProperties")
    return not (rest is False or (isinstance(rest, Mapping) and rest and "properties" not in schema))


def _parts(schema: Mapping[str, Any], place: tuple[str, ...]) -> Iterator[tuple[Any, tuple[str, ...], bool]]:
    """Subschemas, where they stand, and whether they only add conditions to this one."""
    for keyword in (*ONE, *ONE_MORE):
        if keyword in schema:
            yield schema[keyword], (*place, keyword), keyword in (*ONE_MORE, "not", "propertyNames")
    for keyword in MANY:
        if isinstance(schema.get(keyword), list):
            for index, part in enumerate(schema[keyword]):
                yield part, (*place, keyword, str(index)), keyword == "allOf"
    for keyword in NAMED:
        if isinstance(schema.get(keyword), Mapping):
            for name, part in schema[keyword].items():
                yield part, (*place, keyword, name), keyword == "dependentSchemas"


def resolve(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Any:
    """What a local reference points to; the schema itself when it has none; ABSENT when it points nowhere."""
    for _ in range(32):
        reference = schema.get("$ref") if isinstance(schema, Mapping) else None
        if not isinstance(reference, str):
            return schema
        if not reference.startswith("#"):
            return pointer.ABSENT
        try:
            schema = pointer.find(root, pointer.split(reference[1:]))
        except ValueError:
            return pointer.ABSENT
    return pointer.ABSENT


def field_at(root: Mapping[str, Any], tokens: tuple[str, ...]) -> tuple[Any, bool]:
    """The schema of the field at a pointer (or ABSENT), and whether every document has it."""
    schema: Any = root
    required = True
    for token in tokens:
        schema = resolve(schema, root)
        if not isinstance(schema, Mapping) or not isinstance(schema.get("properties"), Mapping):
            return pointer.ABSENT, False
        stated = schema.get("required")
        required = required and isinstance(stated, list) and token in stated
        schema = schema["properties"].get(token, pointer.ABSENT)
        if schema is pointer.ABSENT:
            return pointer.ABSENT, False
    return resolve(schema, root), required
