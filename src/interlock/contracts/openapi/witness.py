"""A value that shows a breaking change: valid for the giver, invalid for the taker, at the schema where it stands.

Where the field's reading and set inclusion differ (a property went from an open object) there is none.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from interlock.contracts.openapi.meeting import Note
from interlock.contracts.openapi.sample import Sampler
from interlock.contracts.openapi.schema_node import Side
from interlock.contracts.openapi.value_check import admits
from interlock.contracts.pointer import ABSENT

MAX_TRIES = 60
# A bound may be at many thousand characters; so long a text is shown, but not a hundred times.
LONGEST, MAX_CHARACTERS = 20_000, 500_000
# Values looked at in one comparison: tens of thousands of findings must not take minutes.
MAX_ALL = 60_000


class Witness:
    def __init__(self, side: Side) -> None:
        self._side = side
        self._left = MAX_ALL
        self._characters = MAX_CHARACTERS

    def of(self, note: Note) -> Any:
        """ABSENT where none was found."""
        if note.views is None or self._left <= 0 or note.word in _SHOWN_BY_NOTHING:
            return ABSENT
        giver, taker = note.views if self._side.direction == "request" else note.views[::-1]
        for value in islice(self._candidates(note, giver, taker), MAX_TRIES):
            self._left -= 1
            if admits(giver, value) and not admits(taker, value):
                self._characters -= len(value) if isinstance(value, str) else 0
                return value
        return ABSENT

    def _candidates(self, note: Note, giver: Any, taker: Any) -> Iterator[Any]:
        yield from note.hints
        sampler = Sampler((giver, taker), LONGEST if self._characters > 0 else LONGEST // 100)
        if note.alone is not None:
            yield from sampler.values(note.alone)
        yield from sampler.values(giver)


_SHOWN_BY_NOTHING = frozenset({"property-removed", "property-became-read-only", "property-became-write-only",
                               "sunset-shortened", "discriminator-property-changed"})  # fmt: skip
