"""Types, and null among them."""

from __future__ import annotations

from collections.abc import Iterator

from interlock.contracts.openapi.meeting import Meeting, Note
from interlock.contracts.openapi.schema_view import SchemaView
from interlock.contracts.pointer import ABSENT

_SCALARS = frozenset({"string", "integer", "number", "boolean"})
_NARROWING_TEXT = frozenset({"pattern", "format", "enum", "const", "maxLength"})
SAMPLES = {"boolean": True, "integer": 1, "number": 1.5, "string": "text", "array": [], "object": {}}


def check(meeting: Meeting) -> Iterator[Note]:
    old, new = _types(meeting, meeting.old), _types(meeting, meeting.new)
    changed = old != new
    if changed:
        word = "type-widened" if old < new else "type-narrowed" if new < old else "type-changed"
        gone = (old - new) if meeting.is_request else (new - old)
        hints = tuple(SAMPLES[kind] for kind in sorted(gone) if kind in SAMPLES)
        yield meeting.note(word, "type", _said(meeting.old), _said(meeting.new), _change(meeting), hints)
    if meeting.old.nullable != meeting.new.nullable and not (changed and _anything(meeting)):
        word = "became-nullable" if meeting.new.nullable else "became-not-nullable"
        keyword = "nullable" if "nullable" in meeting.words else "type"
        yield meeting.note(word, keyword, *meeting.both(keyword), hints=(None,))


def nullable(meeting: Meeting) -> Iterator[Note]:
    """Of two schemas with alternatives: whether null is among what they take. Where only the alternatives could say so,
    they do, each for itself."""
    choices = (*meeting.old.choices, *meeting.new.choices)
    alike = bool(meeting.old.choices) == bool(meeting.new.choices)
    if alike and not any(one.null for one in choices) and meeting.words.isdisjoint(("nullable", "type", "enum")):
        return
    if meeting.old.nullable != meeting.new.nullable:
        word = "became-nullable" if meeting.new.nullable else "became-not-nullable"
        yield meeting.note(word, "nullable", *meeting.both("nullable"), hints=(None,))


def _types(meeting: Meeting, view: SchemaView) -> frozenset[str]:
    found = view.types
    if meeting.side.text and "string" in found and view.keywords.isdisjoint(_NARROWING_TEXT):
        return found | _SCALARS
    return found


def _anything(meeting: Meeting) -> bool:
    return meeting.old.stated is None or meeting.new.stated is None


def _said(view: SchemaView) -> object:
    return view.first("type", ABSENT)


def _change(meeting: Meeting) -> str:
    return f"{_named(meeting.old)} became {_named(meeting.new)}"


def _named(view: SchemaView) -> str:
    if view.stated is None:
        return "anything"
    kinds = view.stated - {"integer"} if "number" in view.stated else view.stated
    return " or ".join(sorted(kinds)) or "nothing"
