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
        """Keeps the open containers: the place of each, and how far an array has come (-1: an object)."""
        places: list[str] = []
        counts: list[int] = []
        place, line, seen, name_next = "", 1, 0, False
        for match in _TOKEN.finditer(text):
            start = match.start()
            line += text.count("\n", seen, start)
            seen = start
            piece = match.group()
            first = piece[0]
            if first in "}]":
                place = places.pop()
                counts.pop()
                name_next = False
            elif first == ",":
                name_next = counts[-1] < 0
                if not name_next:
                    counts[-1] += 1
                    place = f"{places[-1]}/{counts[-1]}"
            elif first == ":":
                continue
            elif name_next and first == '"':  # a member stands at its name
                place = places[-1] + pointer.join([json.loads(piece) if "\\" in piece else piece[1:-1]])
                name_next = False
                if place in self._lines:
                    self.repeated = self.repeated or line
                self._lines.setdefault(place, line)
            else:
                self._lines.setdefault(place, line)
                if first in "{[":
                    places.append(place)
                    name_next = first == "{"
                    counts.append(-1 if name_next else 0)
                    place = place if name_next else f"{place}/0"
