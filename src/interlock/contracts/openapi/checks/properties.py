"""Properties: those that come and go, are required or not, and travel one way only (readOnly, writeOnly).

Callers send what is declared and readers pass over what they do not know, unless the schema says what else may stand
there: an optional property may be added, though by set inclusion it narrows an open object.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from interlock.contracts.contract_invalid import ContractInvalid
from interlock.contracts.json_schema.facts import matches
from interlock.contracts.openapi.meeting import Meeting, Note, Pair
from interlock.contracts.openapi.schema_node import Node
from interlock.contracts.openapi.schema_view import SchemaView
from interlock.contracts.pointer import ABSENT

TRIGGERS = frozenset({"properties", "required"})


def check(meeting: Meeting) -> Iterator[Note | Pair]:
    old, new = meeting.old, meeting.new
    if "object" not in meeting.shared:
        return
    for name in dict.fromkeys((*old.declared, *new.declared)):
        here, there = name in old.properties, name in new.properties
        if here and there:
            yield Pair(old.at_name(name), new.at_name(name))
        elif there:
            yield from _came(meeting, name)
        elif here:
            yield from _went(meeting, name)
    for name in sorted(old.required ^ new.required):
        if _is_steady(name, old, new):
            word = "property-became-required" if name in new.required else "property-became-optional"
            yield meeting.note(word, "required", *_there(name, old, new), name)


def _is_steady(name: str, old: SchemaView, new: SchemaView) -> bool:
    """Declared on both sides or on none, so that nothing else says that it is required now."""
    if name in old.required and name not in new.required:
        return name not in old.properties or name in new.properties
    return (name in old.properties) == (name in new.properties) and name not in _hidden_once(old, new)


def _hidden_once(old: SchemaView, new: SchemaView) -> set[str]:
    return {name for name in old.declared.keys() & new.declared.keys() if old.is_hidden(name) != new.is_hidden(name)}


def _there(name: str, old: SchemaView, new: SchemaView) -> tuple[Any, Any]:
    return (name if name in old.required else ABSENT, name if name in new.required else ABSENT)


def _came(meeting: Meeting, name: str) -> Iterator[Note | Pair]:
    value = meeting.new.declared[name][0][0]
    at = ("properties", name)
    required = name in meeting.new.required and name not in meeting.old.required
    if name in meeting.old.declared:
        mark = "read-only" if meeting.is_request else "write-only"
        kind = "required" if required else "optional"
        yield meeting.note(f"{kind}-property-became-not-{mark}", at, meeting.old.declared[name][0][0], value, name)
        return
    by_pattern = _by_pattern(meeting.old, name)
    known = by_pattern or meeting.old.additional
    if known is not None:
        yield Pair(known, meeting.new.at_name(name))
    elif meeting.old.closed and not meeting.is_request:
        yield meeting.note("property-added-to-closed", at, ABSENT, value, name)
        return
    word = "property-added-required" if required else "property-added-optional"
    yield meeting.note(word, at, ABSENT, value, name)


def _went(meeting: Meeting, name: str) -> Iterator[Note | Pair]:
    value = meeting.old.declared[name][0][0]
    at = ("properties", name)
    if name in meeting.new.declared:
        mark = "read-only" if meeting.is_request else "write-only"
        yield meeting.note(f"property-became-{mark}", at, value, meeting.new.declared[name][0][0], name)
        return
    by_pattern = _by_pattern(meeting.new, name)
    known = by_pattern or meeting.new.additional
    if known is not None:
        yield Pair(meeting.old.at_name(name), known)
        if by_pattern is not None or meeting.is_request:
            if name in meeting.old.required and name not in meeting.new.required and not meeting.is_request:
                yield meeting.note("property-became-optional", "required", name, ABSENT, name)
            return
    if meeting.judge.retired(value):
        yield meeting.note("property-removed-after-sunset", at, value, ABSENT, name)
    elif meeting.is_request and meeting.new.closed:
        yield meeting.note("property-removed-from-closed", at, value, ABSENT, name)
    else:
        yield meeting.note("property-removed", at, value, ABSENT, name)


def _by_pattern(view: SchemaView, name: str) -> Node | None:
    for patterns, place in view.each("patternProperties"):
        for pattern, schema in patterns.items() if isinstance(patterns, dict) else ():
            if matches_text(pattern, name):
                return view.schemas.node(schema, ((place, "patternProperties"), pattern))
    return None


def matches_text(pattern: str, text: str) -> bool:
    """False where the pattern is none."""
    try:
        return matches(pattern, text)
    except ContractInvalid:
        return False
