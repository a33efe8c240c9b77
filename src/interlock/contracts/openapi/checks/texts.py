"""Texts: pattern, format, and content words. Patterns are compared as languages, not as texts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from interlock.contracts.json_schema import language
from interlock.contracts.openapi.meeting import Meeting, Note
from interlock.contracts.openapi.schema_view import SchemaView
from interlock.contracts.pointer import ABSENT

TRIGGERS = frozenset({"pattern", "format", "contentEncoding", "contentMediaType"})
MAX_STATES = 1500
# Whatever the first takes, the second takes.
WIDER_FORMATS = frozenset({
    ("int32", "int64"), ("float", "double"), ("int8", "int16"), ("int8", "int32"), ("int8", "int64"),
    ("int16", "int32"), ("int16", "int64"), ("uri", "uri-reference"), ("iri", "iri-reference"), ("uri", "iri"),
    ("email", "idn-email"), ("hostname", "idn-hostname"), ("uri-reference", "iri-reference"), ("int32", "double"),
})  # fmt: skip
# How to show it, not what it is.
HINTS = frozenset({"password", "textarea", "markdown", "html", "text", "multiline", "color", "string"})
# OpenAPI 3.0 says by a format what 3.1 says by contentEncoding (3.1.0, 4.8.24.5 'Data Type Format').
BYTE, BASE64 = "byte", "base64"


def check(meeting: Meeting) -> Iterator[Note]:
    if "string" in meeting.shared and "pattern" in meeting.words:
        yield from _patterns(meeting)
    if "format" in meeting.words:
        yield from _formats(meeting)
    for keyword, stem in (("contentEncoding", "content-encoding"), ("contentMediaType", "content-media-type")):
        old, new = _content(meeting.old, keyword), _content(meeting.new, keyword)
        if old != new:
            yield meeting.note(f"{stem}-changed", keyword, old, new)


def _content(view: SchemaView, keyword: str) -> Any:
    is_byte = keyword == "contentEncoding" and BYTE in _texts(view, "format")
    return view.first(keyword, BASE64 if is_byte else ABSENT)


def _patterns(meeting: Meeting) -> Iterator[Note]:
    old, new = (_texts(view, "pattern") for view in (meeting.old, meeting.new))
    if set(old) == set(new):
        return
    told = (old[0] if old else ABSENT, new[0] if new else ABSENT)
    try:
        gone, come = _without(old, new), _without(new, old)
    except language.LanguageUnknown:
        word = "pattern-added" if not old else "pattern-removed" if not new else "pattern-changed"
        yield meeting.note(word, "pattern", *told, effect="undecided" if old and new else None)
        return
    if gone is None and come is None:
        return
    hints = tuple(one for one in (gone, come) if one is not None)
    if not old or not new:
        word = "pattern-removed" if old else "pattern-added"
    else:
        word = "pattern-narrowed" if come is None else "pattern-widened" if gone is None else "pattern-changed"
    yield meeting.note(word, "pattern", *told, hints=hints)


def _without(match: tuple[str, ...], avoid: tuple[str, ...]) -> str | None:
    """A text that all of the one take and one of the other does not."""
    found = (language.find(match, (one,), max_states=MAX_STATES) for one in avoid)
    return next((text for text in found if text is not None), None)


def _formats(meeting: Meeting) -> Iterator[Note]:
    old, new = (frozenset(_texts(view, "format")) - HINTS - {BYTE} for view in (meeting.old, meeting.new))
    if old == new or not meeting.shared:
        return
    told = (meeting.old.first("format", ABSENT), meeting.new.first("format", ABSENT))
    said = f"{told[0] if old else 'none'} became {told[1] if new else 'none'}"
    if not old or not new:
        yield meeting.note(f"format-{'added' if not old else 'removed'}", "format", *told, said)
        return
    word = "widened" if _wider(old, new) else "narrowed" if _wider(new, old) else "changed"
    yield meeting.note(f"format-{word}", "format", *told, said)


def _wider(narrow: frozenset[str], wide: frozenset[str]) -> bool:
    return all(any(one == other or (one, other) in WIDER_FORMATS for one in narrow) for other in wide)


def _texts(view: SchemaView, keyword: str) -> tuple[str, ...]:
    found: dict[str, Any] = {value: None for value, _ in view.each(keyword) if isinstance(value, str)}
    return tuple(found)
