"""Listed values: enum, const (a list of one), and x-extensible-enum, which readers have to expect to grow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from interlock.contracts.openapi.api_document import dumped
from interlock.contracts.openapi.meeting import Meeting, Note
from interlock.contracts.pointer import ABSENT

TRIGGERS = frozenset({"enum", "const", "x-extensible-enum"})


def check(meeting: Meeting) -> Iterator[Note]:
    old, new = meeting.old.values, meeting.new.values
    keyword = "const" if "enum" not in meeting.words and "const" in meeting.words else "enum"
    if old is None and new is not None:
        if not _covers(meeting, new):
            yield meeting.note("enum-added", keyword, ABSENT, meeting.new.first(keyword, ABSENT))
    elif new is None and old is not None:
        yield meeting.note("enum-removed", keyword, meeting.old.first(keyword, ABSENT), ABSENT)
    elif old is not None and new is not None:
        yield from _values(meeting, "enum-value", keyword, old, new)
    before, after = meeting.both("x-extensible-enum")
    if isinstance(before, list) and isinstance(after, list):
        yield from _values(meeting, "extensible-enum-value", "x-extensible-enum", before, after)


def _values(meeting: Meeting, stem: str, keyword: str, old: list[Any], new: list[Any]) -> Iterator[Note]:
    before, after = {dumped(one): one for one in old}, {dumped(one): one for one in new}
    if before.keys() == after.keys():
        return
    for key, value in before.items():
        if key not in after and not _as_float(value, new):
            yield meeting.note(f"{stem}-removed", keyword, value, ABSENT, key.decode(), (value,))
    for key, value in after.items():
        if key not in before and not _as_float(value, old):
            yield meeting.note(f"{stem}-added", keyword, ABSENT, value, key.decode(), (value,))


def _as_float(value: Any, others: list[Any]) -> bool:
    """1 and 1.0 are one number in JSON."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return any(not isinstance(one, bool) and isinstance(one, int | float) and one == value for one in others)


def _covers(meeting: Meeting, listed: list[Any]) -> bool:
    """A list of both booleans lists nothing."""
    return meeting.old.types == {"boolean"} and {True, False} <= {one for one in listed if isinstance(one, bool)}
