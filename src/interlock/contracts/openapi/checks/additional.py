"""Undeclared properties: closed objects, maps, properties by pattern, and what names may be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from interlock.contracts.openapi.meeting import Meeting, Note, Pair
from interlock.contracts.openapi.place import Place, deeper
from interlock.contracts.openapi.schema_view import SchemaView
from interlock.contracts.pointer import ABSENT

_CLOSING = ("additionalProperties", "unevaluatedProperties")
TRIGGERS = frozenset({*_CLOSING, "patternProperties", "propertyNames"})


def check(meeting: Meeting) -> Iterator[Note | Pair]:
    if "object" not in meeting.shared:
        return
    yield from _additional(meeting)
    old, new = (_patterns(view) for view in (meeting.old, meeting.new))
    for pattern in dict.fromkeys((*old, *new)):
        if pattern in old and pattern in new:
            yield Pair(meeting.old.schemas.node(*old[pattern]), meeting.new.schemas.node(*new[pattern]))
        else:
            word = "pattern-property-added" if pattern in new else "pattern-property-removed"
            before, after = (one[pattern][0] if pattern in one else ABSENT for one in (old, new))
            yield meeting.note(word, ("patternProperties", pattern), before, after, pattern)
    names = meeting.both("propertyNames")
    if names[0] is not names[1]:
        nodes = (
            None if value is ABSENT else view.schemas.node(value, view.at("propertyNames"))
            for value, view in zip(names, (meeting.old, meeting.new), strict=True)
        )
        yield meeting.pair(*nodes)


def _additional(meeting: Meeting) -> Iterator[Note | Pair]:
    old, new = meeting.old, meeting.new
    keyword = next((word for word in _CLOSING if word in meeting.words), _CLOSING[0])
    told = meeting.both(keyword)
    if old.closed != new.closed:
        word = "additional-properties-closed" if new.closed else "additional-properties-opened"
        yield meeting.note(word, keyword, *told)
    elif old.additional is not None and new.additional is not None:
        yield Pair(old.additional, new.additional)
    elif old.additional is not None:
        yield meeting.note("additional-properties-freed", keyword, *told)
    elif new.additional is not None:
        yield meeting.note("additional-properties-constrained", keyword, *told)


def _patterns(view: SchemaView) -> dict[str, tuple[Any, Place]]:
    return {
        pattern: (schema, deeper(place, "patternProperties", pattern))
        for patterns, place in view.each("patternProperties")
        if isinstance(patterns, dict)
        for pattern, schema in patterns.items()
    }
