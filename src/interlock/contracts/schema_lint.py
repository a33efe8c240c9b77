"""What a schema holds at a place, and what is wrong there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from interlock.contracts import pointer


class Objection(NamedTuple):
    """A rule broken at a pointer, from the root of the schema."""

    code: str
    pointer: str
    detail: str


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
