"""The fields of a JSON Schema in people's words, and what a change adds, takes away or classifies anew."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from interlock.model.classification import KEYWORD as CLASSIFICATION

SENSITIVE = frozenset({"pii", "secret", "financial"})


class Field(NamedTuple):
    """`name` is as people say it: lines[].sku."""

    required: bool
    classification: str


def fields(document: Any) -> dict[str, Field]:
    """Every declared property, at any depth, also under `$defs`; `$ref`s are not followed, so each is named once."""
    return dict(_fields(document, ""))


def sensitive(document: Any) -> dict[str, str]:
    """Place and class of everything in a document, schema or OpenAPI, that is pii, secret or financial."""
    return dict(_sensitive(document, ""))


def field_changes(old: Any, new: Any) -> list[str]:
    """+ optional field "gift_note" (internal); - field "currency"."""
    before, after = fields(old), fields(new)
    said = [f"- field {_quoted(name)}" for name in before if name not in after]
    for name, field in after.items():
        if name not in before:
            need = "required" if field.required else "optional"
            said.append(f"+ {need} field {_quoted(name)} ({field.classification or 'unclassified'})")
        elif before[name].required != field.required:
            said.append(f"~ field {_quoted(name)} is {'required' if field.required else 'optional'} now")
        elif before[name].classification != field.classification:
            was, now = before[name].classification or "unclassified", field.classification or "unclassified"
            said.append(f"~ field {_quoted(name)} was {was} and is {now}")
    return said


def _fields(schema: Any, prefix: str) -> Iterator[tuple[str, Field]]:
    if not isinstance(schema, Mapping):
        return
    required = schema.get("required")
    needed = set(map(str, required)) if isinstance(required, list) else set()
    properties = schema.get("properties")
    for name, member in properties.items() if isinstance(properties, Mapping) else ():
        here = f"{prefix}{name}"
        class_ = member.get(CLASSIFICATION, "") if isinstance(member, Mapping) else ""
        yield here, Field(name in needed, str(class_))
        yield from _fields(member, f"{here}.")
        if isinstance(member, Mapping):
            yield from _fields(member.get("items"), f"{here}[].")
    definitions = schema.get("$defs")
    for name, member in definitions.items() if isinstance(definitions, Mapping) else ():
        yield from _fields(member, f"{prefix}{name}.")


def _sensitive(value: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        class_ = value.get(CLASSIFICATION)
        if isinstance(class_, str) and class_ in SENSITIVE:
            yield place, class_
        for name, member in value.items():
            if name not in ("examples", "example"):
                yield from _sensitive(member, f"{place}/{name}")
    elif isinstance(value, list):
        for at, member in enumerate(value):
            yield from _sensitive(member, f"{place}/{at}")


def _quoted(name: str) -> str:
    return f'"{name}"'
