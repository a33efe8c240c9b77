"""Discriminators: the property that tells alternatives apart, and which value means which."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from interlock.contracts.openapi.meeting import Meeting, Note, Pair
from interlock.contracts.openapi.schema_node import Node
from interlock.contracts.openapi.schema_view import SchemaView
from interlock.contracts.pointer import ABSENT

TRIGGERS = frozenset({"discriminator"})
_COMPONENTS = "#/components/schemas/"


def check(meeting: Meeting) -> Iterator[Note | Pair]:
    old, new = (one if isinstance(one, dict) else ABSENT for one in meeting.both("discriminator"))
    if old is ABSENT and new is ABSENT:
        return
    if old is ABSENT or new is ABSENT:
        yield meeting.changed("discriminator", "discriminator", old, new)
        return
    names = [one.get("propertyName", ABSENT) for one in (old, new)]
    if names[0] != names[1]:
        yield meeting.note("discriminator-property-changed", ("discriminator", "propertyName"), *names)
    yield from _mapped(meeting, mapping(meeting.old), mapping(meeting.new))
    if not meeting.old.choices and not meeting.new.choices:
        yield from _heirs(meeting)


def _mapped(meeting: Meeting, old: dict[str, str], new: dict[str, str]) -> Iterator[Note | Pair]:
    for value in dict.fromkeys((*old, *new)):
        at = ("discriminator", "mapping", value)
        if value not in new:
            yield meeting.note("discriminator-value-removed", at, old[value], ABSENT, value)
        elif value not in old:
            yield meeting.note("discriminator-value-added", at, ABSENT, new[value], value)
        else:
            pair = [_meant(view, one[value]) for view, one in ((meeting.old, old), (meeting.new, new))]
            if (
                pair[0] is not None
                and pair[1] is not None
                and _alike(meeting, pair[0], pair[1], old[value], new[value])
            ):
                yield Pair(pair[0], pair[1])
            elif old[value] != new[value]:
                yield meeting.note("discriminator-value-changed", at, old[value], new[value], value)


def _alike(meeting: Meeting, old: Node, new: Node, before: str, after: str) -> bool:
    """A schema of another name is the same to whom the value names it, if it fits."""
    return before == after or meeting.judge.fits(old, new)


def _meant(view: SchemaView, reference: str) -> Node | None:
    """The schema that a value means; None where the reference leads nowhere, which only a mapping may."""
    document = view.schemas.document
    return view.schemas.node({"$ref": reference}, ()) if reference in document.references else None


def mapping(view: SchemaView) -> dict[str, str]:
    """References by value, with the values that the names of the alternatives stand for (OpenAPI 3.1, 4.8.25)."""
    written = view.first("discriminator")
    if not isinstance(written, dict):
        return {}
    stated = written.get("mapping")
    found = {str(value): _reference(to) for value, to in stated.items()} if isinstance(stated, dict) else {}
    meant = set(found.values())
    for choice in view.choices:
        for schema, _ in choice.branches:
            reference = schema.get("$ref") if isinstance(schema, dict) else None
            if isinstance(reference, str) and reference not in meant:
                found[reference.rpartition("/")[2]] = reference
    return found


def _reference(to: Any) -> str:
    """A bare name is one of the schema components."""
    text = str(to)
    return text if "/" in text or text.startswith("#") else _COMPONENTS + text


def _heirs(meeting: Meeting) -> Iterator[Pair]:
    """Schemas that build on this one by allOf: they travel in its place."""
    old, new = (_building_on(view) for view in (meeting.old, meeting.new))
    for name in old.keys() & new.keys():
        yield Pair(old[name], new[name])


def _building_on(view: SchemaView) -> dict[str, Node]:
    return {
        name: view.schemas.node(schema, place)
        for own, _ in view.parts
        for name, schema, place in view.schemas.document.heirs(own)
    }
