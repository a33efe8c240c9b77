"""What says nothing about validity: defaults, deprecation, texts, extensions, the form of XML."""

from __future__ import annotations

from collections.abc import Iterator

from interlock.contracts.openapi.lifecycle import sunset_of
from interlock.contracts.openapi.meeting import Meeting, Note
from interlock.contracts.openapi.schema_view import TEXTS
from interlock.contracts.pointer import ABSENT


def check(meeting: Meeting) -> Iterator[Note]:
    old, new = meeting.both("default")
    if old != new and meeting.side.text != "parameter":  # what leaving a parameter out means is said of the parameter
        yield meeting.changed("default", "default", old, new)
    if "deprecated" in meeting.words:
        yield from _deprecated(meeting)
    if "xml" in meeting.words:
        old, new = meeting.both("xml")
        if old != new:
            yield meeting.note("xml-changed", "xml", old, new)
    for word in meeting.words:
        if word in TEXTS:
            old, new = meeting.both(word)
            if old != new:
                yield meeting.note("texts-changed", word, old, new, word)
        elif word.startswith("x-") and word not in ("x-extensible-enum", "x-sunset"):
            old, new = meeting.both(word)
            if old != new:
                yield meeting.note("extension-changed", word, old, new, word)


def _deprecated(meeting: Meeting) -> Iterator[Note]:
    old, new = ((view.first("deprecated") is True) for view in (meeting.old, meeting.new))
    if new and not old:
        yield meeting.note("deprecated", "deprecated", ABSENT, True)
    elif old and not new:
        yield meeting.note("reactivated", "deprecated", True, ABSENT)
    elif new:
        was, now = (sunset_of(view.first("x-sunset")) for view in (meeting.old, meeting.new))
        if was is not None and (now is None or now < was):
            yield meeting.note("sunset-shortened", "x-sunset", *meeting.both("x-sunset"))
