"""Where each value of a JSON text stands, by JSON Pointer: found when it is asked for, not before.

Only the containers on the way to what is asked are indexed, each once; what lies beside the way is skipped at the speed
of the decoder. So a few places in a text of megabytes cost a few passes over it, and no table of all its values.
"""

from __future__ import annotations

import json
import re
from array import array
from bisect import bisect_left
from collections.abc import Callable
from typing import Any, NamedTuple

from interlock.contracts import pointer

_SPACE = re.compile(r"[ \t\n\r]*")
# Both are the decoder's own, in C; neither has a type of its own.
_skip: Callable[[str, int], tuple[Any, int]] = vars(json.JSONDecoder())["scan_once"]
_string: Callable[[str, int], tuple[str, int]] = vars(json.decoder)["scanstring"]


class Span(NamedTuple):
    """Offsets into the text. `name` is that of the member's name, or of the element itself; `end` is exclusive."""

    name: int
    start: int
    end: int


class JsonLines:
    """Of a text that is valid JSON. A pointer that is not there has the place of its nearest parent."""

    def __init__(self, text: str) -> None:
        self.text = text
        start = self._blank(0)
        self._root = Span(start, start, len(text.rstrip()))
        self._containers: dict[int, dict[str, Span]] = {}
        self._breaks: array[int] | None = None
        self._repeated: list[int] = []

    @property
    def repeated(self) -> int | None:
        """The first line that gives a name of an object a second time, or None. Looks through the whole text."""
        spans = [self._root]
        while spans:
            spans.extend(self.members(spans.pop()).values())
        return self.line_at(min(self._repeated)) if self._repeated else None

    def line(self, place: str) -> int:
        """From 1."""
        return self.line_at(self.nearest(place).name)

    def line_at(self, offset: int) -> int:
        if self._breaks is None:
            self._breaks = array("L", [match.start() for match in re.finditer("\n", self.text)])
        return bisect_left(self._breaks, offset) + 1

    def nearest(self, place: str) -> Span:
        """The span of a value, or of its nearest parent that is there."""
        span = self._root
        for token in pointer.split(place):
            found = self.members(span).get(token)
            if found is None:
                break
            span = found
        return span

    def span(self, place: str) -> Span | None:
        """Of a value that is there."""
        span: Span | None = self._root
        for token in pointer.split(place):
            span = self.members(span).get(token) if span else None
        return span

    def members(self, of: Span) -> dict[str, Span]:
        """Of an object by name, of an array by index; none of a scalar."""
        known = self._containers.get(of.start)
        if known is None:
            opener = self.text[of.start]
            known = self._object(of.start) if opener == "{" else self._array(of.start) if opener == "[" else {}
            self._containers[of.start] = known
        return known

    def _object(self, at: int) -> dict[str, Span]:
        text = self.text
        found: dict[str, Span] = {}
        at = self._blank(at + 1)
        while text[at] != "}":
            name, after = _string(text, at + 1)
            start = self._blank(self._blank(after) + 1)
            end = _skip(text, start)[1]
            if name in found:
                self._repeated.append(at)
            found.setdefault(name, Span(at, start, end))
            at = self._next(end)
        return found

    def _array(self, at: int) -> dict[str, Span]:
        text = self.text
        found: dict[str, Span] = {}
        at = self._blank(at + 1)
        while text[at] != "]":
            end = _skip(text, at)[1]
            found[str(len(found))] = Span(at, at, end)
            at = self._next(end)
        return found

    def _next(self, end: int) -> int:
        """Of the next member, or of the closing bracket."""
        at = self._blank(end)
        return self._blank(at + 1) if self.text[at] == "," else at

    def _blank(self, at: int) -> int:
        match = _SPACE.match(self.text, at)
        assert match is not None
        return match.end()
