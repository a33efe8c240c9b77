"""Edits in a JSON text, in the manner of what stands around them."""

from __future__ import annotations

import json

from interlock.contracts.lint.edit import Edit, Insert, Patch, Remove, Scalar
from interlock.contracts.positions import JsonLines, Span

_DECODER = json.JSONDecoder()


class JsonEditor:
    def __init__(self, text: str) -> None:
        self._text = text
        self._places = JsonLines(text)

    def patch(self, edit: Edit) -> Patch | None:
        span = self._places.span(edit.place)
        if span is None:
            return None
        if isinstance(edit, Insert):
            return self._insert(span, edit) if self._text[span.start] == "{" else None
        if isinstance(edit, Remove):
            return self._remove(edit.place, span)
        return Patch(span.start, span.end, _written(edit.value))

    def _insert(self, span: Span, edit: Insert) -> Patch:
        members = list(self._places.members(span).values())
        if not members:
            return Patch(span.start, span.end, "{" + f"{_written(edit.name)}: {_written(edit.value)}" + "}")
        member = f"{_written(edit.name)}{self._colon(members[-1])}{_written(edit.value)}"
        if edit.first:
            return Patch(members[0].name, members[0].name, member + self._between(span, members))
        return Patch(members[-1].end, members[-1].end, self._between(span, members) + member)

    def _between(self, span: Span, members: list[Span]) -> str:
        """The comma and the space that part two members here."""
        if len(members) > 1:
            return self._text[members[-2].end : members[-1].name]
        narrow = self._colon(members[0]) == ":"
        return "," + (self._text[span.start + 1 : members[0].name] or ("" if narrow else " "))

    def _colon(self, member: Span) -> str:
        """The colon of a member with the space around it."""
        _, after = _DECODER.raw_decode(self._text, member.name)
        return self._text[after : member.start]

    def _remove(self, place: str, span: Span) -> Patch | None:
        owner, _, last = place.rpartition("/")
        before = self._places.span(f"{owner}/{int(last) - 1}") if last.isdecimal() and int(last) else None
        return Patch(before.end, span.end, "") if before else None


def _written(value: Scalar) -> str:
    return json.dumps(value, ensure_ascii=False)
