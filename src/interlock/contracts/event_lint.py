"""Rules for event contracts, beyond those for every schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from interlock.contracts import pointer
from interlock.contracts.document_schema import DocumentSchema, SchemaInvalid
from interlock.contracts.event_contract import EXTENSION
from interlock.contracts.lint.linter import objections
from interlock.contracts.past_tense import objection
from interlock.contracts.python_text import is_field_name
from interlock.contracts.schema_lint import Objection, field_at

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_KEYS = frozenset({"owner", "partition_key", "business_keys", "compatibility"})
_SHOWN = 3


def lint_event(name: str, version: str, schema: Mapping[str, Any]) -> Iterator[Objection]:
    """All objections to one version of an event."""
    reason = objection(name)
    if reason:
        yield Objection("EVENT_NAMED_AS_COMMAND", "", reason)
    if schema.get("$schema") != DIALECT:
        yield Objection("SCHEMA_DIALECT", "/$schema", f"{name} {version} does not state JSON Schema 2020-12.")
    if schema.get("type") != "object":
        yield Objection("SCHEMA_INVALID", "/type", f'{name} {version} is no object: add "type": "object".')
    properties = schema.get("properties")
    for field in properties if isinstance(properties, Mapping) else ():
        if not is_field_name(field):
            where = pointer.join(["properties", field])
            yield Objection("SCHEMA_INVALID", where, "No class can have a field with a quote, backslash or control.")
    yield from objections(schema, name)
    yield from _lint_extension(name, schema)
    try:
        compiled = DocumentSchema(schema)
    except SchemaInvalid as error:
        yield Objection("SCHEMA_INVALID", error.pointer, f"{error.detail}.")
        return
    yield from _lint_examples(name, schema, compiled)


def _lint_extension(name: str, schema: Mapping[str, Any]) -> Iterator[Objection]:
    found = schema.get(EXTENSION, {})
    extension = found if isinstance(found, Mapping) else {}
    where = "/" + EXTENSION
    for unknown in sorted(extension.keys() - _KEYS):
        yield Objection("SETTING_UNKNOWN", f"{where}/{unknown}", f"{EXTENSION}.{unknown} is no setting.")
    key = extension.get("partition_key")
    if not isinstance(key, str) or not _is_key(schema, key, required=True):
        detail = (
            f"{name} has no partition key." if key is None else f"{key} is no required string or integer of {name}."
        )
        yield Objection("PARTITION_KEY_MISSING", where + "/partition_key", detail)
    business = extension.get("business_keys", [])
    for index, one in enumerate(business if isinstance(business, list) else [business]):
        if not isinstance(one, str) or not _is_key(schema, one, required=False):
            place = f"{where}/business_keys/{index}"
            yield Objection("BUSINESS_KEY_UNKNOWN", place, f"{one} is no string or integer of {name}.")


def _is_key(schema: Mapping[str, Any], place: str, *, required: bool) -> bool:
    try:
        field, present = field_at(schema, pointer.split(place))
    except ValueError:
        return False
    if not isinstance(field, Mapping):
        return False
    allowed = ("string", "integer") if required else ("string", "integer", "null")
    kinds, choices = field.get("type"), field.get("enum")
    if kinds is None and isinstance(choices, list):
        scalar = all(isinstance(one, str) for one in choices)
    else:
        scalar = all(kind in allowed for kind in (kinds if isinstance(kinds, list) else [kinds]))
    return scalar and (present or not required)


def _lint_examples(name: str, schema: Mapping[str, Any], compiled: DocumentSchema) -> Iterator[Objection]:
    examples = schema.get("examples")
    if not isinstance(examples, list) or not examples:
        yield Objection("EXAMPLE_MISSING", "/examples", f"{name} has no example.")
        return
    for index, example in enumerate(examples):
        for entry in compiled.errors(example)[:_SHOWN]:
            place = entry["pointer"] or "the example"
            yield Objection(
                "EXAMPLE_INVALID",
                f"/examples/{index}" + (entry["pointer"] if "missing" not in entry["detail"] else ""),
                f"Example {index + 1} breaks its own schema: {place} {entry['detail']}.",
            )
