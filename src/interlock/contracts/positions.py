"""Which line each value of a JSON text stands on, by JSON Pointer."""

from __future__ import annotations

import json
import re

from interlock.contracts import pointer

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')


class JsonLines:
    """Lines, from 1, of a text that is valid JSON. A pointer that is not there has the line of its nearest parent.

    repeated  the first line that gives a place a second time, or None
    """

    def __init__(self, text: str) -> None:
        self.repeated: int | None = None
        self._lines: dict[str, int] = {}
        self._scan(text)

    def line(self, place: str) -> int:
        while place and place not in self._lines:
            place = place.rpartition("/")[0]
        return self._lines.get(place, 1)

    def _scan(self, text: str) -> None:
        """Keeps a stack of the open containers: a name for objects, a count for arrays. A member stands at its name."""
        stack: list[str | int | None] = []
        line, seen, name_next = 1, 0, False
        for match in _TOKEN.finditer(text):
            line += text.count("\n", seen, match.start())
            seen = match.start()
            piece = match.group()
            if piece in "}]":
                stack.pop()
                name_next = False
            elif piece == ",":
                top = stack[-1]
                name_next = not isinstance(top, int)
                stack[-1] = top + 1 if isinstance(top, int) else None
            elif piece != ":":
                is_name = name_next and piece[0] == '"'
                if is_name:
                    stack[-1] = json.loads(piece)
                    name_next = False
                place = pointer.join(part for part in stack if part is not None)
                if is_name and place in self._lines:
                    self.repeated = self.repeated or line
                self._lines.setdefault(place, line)
                if piece in "{[":
                    stack.append(None if piece == "{" else 0)
                    name_next = piece == "{"
