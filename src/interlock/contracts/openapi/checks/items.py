"""Items of arrays, by position and the rest; what has to be contained; whether they may repeat."""

from __future__ import annotations

from collections.abc import Iterator

from interlock.contracts.openapi.meeting import Meeting, Note, Pair
from interlock.contracts.pointer import ABSENT

TRIGGERS = frozenset({"items", "prefixItems", "additionalItems", "unevaluatedItems", "contains", "uniqueItems"})


def check(meeting: Meeting) -> Iterator[Note | Pair]:
    if "array" not in meeting.shared:
        return
    old, new = meeting.old, meeting.new
    for index in (*range(max(old.listed_items, new.listed_items)), None):
        pair = (old.item(index), new.item(index))
        if pair != (None, None):
            yield meeting.pair(*pair)
    unique = tuple(any(value is True for value, _ in view.each("uniqueItems")) for view in (old, new))
    if unique[0] != unique[1]:
        word = "unique-items-added" if unique[1] else "unique-items-removed"
        yield meeting.note(word, "uniqueItems", *meeting.both("uniqueItems"), hints=(["text", "text"], [1, 1]))
    yield from _contains(meeting)


def _contains(meeting: Meeting) -> Iterator[Note | Pair]:
    before, after = meeting.both("contains")
    if before is ABSENT and after is ABSENT:
        return
    if before is ABSENT or after is ABSENT:
        yield meeting.changed("contains", "contains", before, after)
        return
    if not meeting.judge.same(before, after):
        effect, witness = meeting.judge.formal(meeting.old.node, meeting.new.node)
        if effect != "safe":
            hints = () if witness is ABSENT else (witness,)
            yield meeting.note("contains-changed", "contains", before, after, effect=effect, hints=hints)
