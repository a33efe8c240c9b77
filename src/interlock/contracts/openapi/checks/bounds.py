"""Bounds of numbers, lengths and sizes. OpenAPI 3.0 marks a bound as exclusive, 3.1 has an exclusive bound instead."""

from __future__ import annotations

from collections.abc import Iterator
from math import floor
from typing import Any, TypeGuard

from interlock.contracts.openapi.meeting import Meeting, Note
from interlock.contracts.openapi.schema_view import SchemaView
from interlock.contracts.pointer import ABSENT

SIZES = {
    "minLength": ("min-length", "string"), "maxLength": ("max-length", "string"), "minItems": ("min-items", "array"),
    "maxItems": ("max-items", "array"), "minProperties": ("min-properties", "object"),
    "maxProperties": ("max-properties", "object"), "minContains": ("min-contains", "array"),
    "maxContains": ("max-contains", "array"),
}  # fmt: skip
_NUMERIC = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
TRIGGERS = frozenset({*SIZES, *_NUMERIC})
Bound = tuple[float, bool]


def check(meeting: Meeting) -> Iterator[Note]:
    if "integer" in meeting.shared or "number" in meeting.shared:
        yield from _bound(meeting, "minimum", 1)
        yield from _bound(meeting, "maximum", -1)
        yield from _multiples(meeting)
    for keyword, (word, kind) in SIZES.items():
        if keyword in meeting.words and kind in meeting.shared:
            yield from _size(meeting, keyword, word)


def _bound(meeting: Meeting, keyword: str, sign: int) -> Iterator[Note]:
    """`sign` is 1 where a greater bound is narrower."""
    old, new = _read(meeting.old, keyword, sign), _read(meeting.new, keyword, sign)
    if old == new:
        return
    at = keyword if any(keyword in one.keywords for one in (meeting.old, meeting.new)) else _exclusive(keyword)
    told = (ABSENT if old is None else old[0] * sign, ABSENT if new is None else new[0] * sign)
    hints = tuple(_near(one, sign) for one in (old, new) if one is not None)
    flat = tuple(value for near in hints for value in near)
    if old is None or new is None:
        yield meeting.note(f"{keyword}-{'added' if old is None else 'removed'}", at, *told, _sentence(*told), flat)
        return
    narrower = new > old
    action = ("raised" if narrower else "lowered") if sign > 0 else ("lowered" if narrower else "raised")
    yield meeting.note(f"{keyword}-{action}", at, *told, _sentence(*told), flat)


def _read(view: SchemaView, keyword: str, sign: int) -> Bound | None:
    """The narrowest, times sign, so that greater is narrower; and whether it is excluded."""
    found: list[Bound] = []
    marked = _exclusive(keyword)
    for schema, _ in view.parts:
        value, mark = schema.get(keyword), schema.get(marked)
        if _is_number(value):
            found.append((value * sign, mark is True))
        if _is_number(mark):
            found.append((mark * sign, True))
    if not found:
        return None
    bound, excluded = max(found)
    if view.types and view.types <= {"integer"} and (excluded or bound != floor(bound)):
        return (floor(bound) + 1, False)
    return bound, excluded


def _exclusive(keyword: str) -> str:
    return f"exclusive{keyword.capitalize()}"


def _near(bound: Bound, sign: int) -> tuple[float, ...]:
    value = bound[0] * sign
    return (value, value - sign, value + sign, value - sign / 2)


def _multiples(meeting: Meeting) -> Iterator[Note]:
    old, new = meeting.both("multipleOf")
    if old is ABSENT and new is ABSENT:
        return
    before, after = (one if _is_number(one) and one > 0 else ABSENT for one in (old, new))
    if before == after or (before is ABSENT and after is ABSENT):
        return
    hints = tuple(one for one in (before, after, 1) if one is not ABSENT)
    if before is ABSENT or after is ABSENT:
        yield meeting.changed("multiple-of", "multipleOf", before, after, _sentence(before, after), hints)
        return
    word = "narrowed" if (after % before == 0) else "widened" if (before % after == 0) else "changed"
    yield meeting.note(f"multiple-of-{word}", "multipleOf", before, after, _sentence(before, after), hints)


def _size(meeting: Meeting, keyword: str, word: str) -> Iterator[Note]:
    is_least = keyword.startswith("min")
    old, new = (_narrowest(view, keyword, is_least) for view in (meeting.old, meeting.new))
    if old == new:
        return
    said = _sentence(old, new)
    if old is ABSENT or new is ABSENT:
        yield meeting.note(f"{word}-{'added' if old is ABSENT else 'removed'}", keyword, old, new, said)
        return
    yield meeting.note(f"{word}-{'raised' if new > old else 'lowered'}", keyword, old, new, said)


def _narrowest(view: SchemaView, keyword: str, is_least: bool) -> Any:
    found = [value for value, _ in view.each(keyword) if _is_number(value)]
    if is_least:
        # None at all is 0; but where something has to be contained, it is once.
        least = max(found, default=0)
        return ABSENT if least <= (1 if keyword == "minContains" else 0) else least
    return min(found, default=ABSENT)


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _sentence(old: Any, new: Any) -> str:
    return f"{'none' if old is ABSENT else old} became {'none' if new is ABSENT else new}"
