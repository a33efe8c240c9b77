"""Compares schemas pair by pair from a list of open pairs: each pair of schemas once for each side, however often used.

The list, not recursion, walks the graph, so its depth is no matter. Only alternatives ask recursively whether one fits
another; such a question assumes of a pair within itself that it fits, and forgets what rested on that when it fails.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from interlock.contracts.comparison import Effect
from interlock.contracts.openapi.api_document import ApiDocument
from interlock.contracts.openapi.checks import (
    about,
    additional,
    bounds,
    branches,
    conditions,
    discriminator,
    items,
    listed,
    properties,
    texts,
    types,
)
from interlock.contracts.openapi.formal import Formal
from interlock.contracts.openapi.lifecycle import is_over
from interlock.contracts.openapi.meeting import Meeting, Note, Pair
from interlock.contracts.openapi.place import Place
from interlock.contracts.openapi.schema_node import Key, Node, Side
from interlock.contracts.openapi.schema_view import Schemas
from interlock.contracts.openapi.twins import Twins
from interlock.contracts.openapi.value_check import admits
from interlock.contracts.pointer import ABSENT

# A family is asked only where one of its words stands on either side.
SCALARS = (bounds, listed, texts)
FAMILIES = (properties, additional, items, conditions)
MAX_NESTED_CHOICES = 25
# Pairs looked at to find out whether one alternative fits another, in one comparison.
MAX_TRIED = 20_000
_Pair = tuple[Key, Key]


class SchemaComparison:
    """All pairs of one side."""

    def __init__(self, old: ApiDocument, new: ApiDocument, side: Side, twins: Twins, today: date | None) -> None:
        self.side = side
        self.olds, self.news = Schemas(old, side), Schemas(new, side)
        self._twins = twins
        self._today = today
        self._formal = Formal(old, new, side)
        self._open: deque[tuple[Node, Node, str]] = deque()
        self._seen: set[_Pair] = set()
        self._fits: dict[_Pair, bool] = {}
        self._trail: list[_Pair] = []  # pairs that are taken as fitting within an open question
        self._depth = 0
        self._left = MAX_TRIED

    def add(self, old: Node, new: Node, label: str) -> None:
        """`label` says who uses them: the first user names what is found."""
        key = (old.key, new.key)
        if key not in self._seen:
            self._seen.add(key)
            self._open.append((old, new, label))

    def notes(self) -> Iterator[tuple[Note, str]]:
        while self._open:
            old, new, label = self._open.popleft()
            for one in self._steps(old, new):
                if isinstance(one, Pair):
                    self.add(one.old, one.new, label)
                else:
                    yield one, label

    def release(self) -> None:
        for schemas in (self.olds, self.news):
            schemas.release()

    def fits(self, old: Node, new: Node) -> bool:
        key = (old.key, new.key)
        known = self._fits.get(key)
        if known is not None:
            return known
        if self._depth >= MAX_NESTED_CHOICES or self.spent:
            return False
        mark = len(self._trail)
        self._assume(key)
        self._depth += 1
        try:
            fitting = self._fits_now(old, new)
        finally:
            self._depth -= 1
        if not fitting:
            for one in self._trail[mark:]:
                del self._fits[one]
            del self._trail[mark:]
            self._fits[key] = False
        elif not self._depth:
            self._trail.clear()
        return fitting

    def _assume(self, key: _Pair) -> None:
        self._fits[key] = True
        self._trail.append(key)

    def _fits_now(self, old: Node, new: Node) -> bool:
        queue = [(old, new)]
        while queue:
            self._left -= 1
            if self.spent:
                return False
            for one in self._steps(*queue.pop()):
                if isinstance(one, Note):
                    # An open object takes any other; but an alternative stands for its own properties.
                    if one.effect in ("breaking", "undecided") or one.word == "property-removed":
                        return False
                    continue
                key = (one.old.key, one.new.key)
                known = self._fits.get(key)
                if known is False:
                    return False
                if known is None:
                    self._assume(key)
                    queue.append((one.old, one.new))
        return True

    def _weighed(self, old: Node, new: Node, meeting: Meeting) -> Iterator[Note]:
        """What is said of the value itself. Where one word widens and another narrows, the whole decides: a bound may
        go harmlessly when the values that are listed now lie within it."""
        notes = list(types.check(meeting))
        if not meeting.old.anything and not meeting.new.anything:
            for family in SCALARS:
                if not meeting.words.isdisjoint(family.TRIGGERS):
                    notes += family.check(meeting)
        harmful = [one for one in notes if one.effect in ("breaking", "undecided")]
        if harmful and len(harmful) < len(notes) and self._included(old, new, meeting):
            for one in harmful:
                one.effect = "safe"
        yield from notes

    def _included(self, old: Node, new: Node, meeting: Meeting) -> bool:
        values = meeting.giver.values
        if values is not None:
            fitting = all(admits(meeting.taker, value) for value in values)
            return fitting and (meeting.taker.nullable or not meeting.giver.nullable)
        if meeting.giver.types & {"object", "array"}:
            return False
        return self._formal.effect(old, new)[0] == "safe"

    def _linked(self, references: Iterable[str]) -> Iterator[Pair]:
        """Of two that are written alike only what they refer to can differ."""
        for reference in references:
            yield Pair(*(views.node({"$ref": reference}, ()) for views in (self.olds, self.news)))

    @property
    def spent(self) -> bool:
        return self._left < 0

    def same(self, old: Any, new: Any) -> bool:
        return self._twins.same(old, new)

    def retired(self, value: Any) -> bool:
        return is_over(value, self._today)

    def formal(self, old: Node, new: Node) -> tuple[Effect, Any]:
        return self._formal.effect(old, new)

    def _steps(self, old: Node, new: Node) -> Iterator[Note | Pair]:
        if len(old.parts) == len(new.parts) == 1:
            (schema, place), (other, there) = old.parts[0], new.parts[0]
            words = self._twins.texts(schema, other)
            if words is not None:
                yield from (_text(word, place, there, schema, other) for word in words)
                yield from self._linked(self._twins.links(schema, schema) or ())
                return
        elif len(old.parts) == len(new.parts):
            links = [self._twins.links(one[0], more[0]) for one, more in zip(old.parts, new.parts, strict=True)]
            if None not in links:
                yield from self._linked(link for some in links for link in some or ())
                return
        before, after = self.olds.view(old), self.news.view(new)
        meeting = Meeting(self, self.side, before, after)
        if before.choices or after.choices:
            yield from types.nullable(meeting)
            yield from branches.check(meeting)
        else:
            yield from self._weighed(old, new, meeting)
            if not before.anything and not after.anything:
                for family in FAMILIES:
                    if not meeting.words.isdisjoint(family.TRIGGERS):
                        yield from family.check(meeting)
        if "discriminator" in meeting.words:
            yield from discriminator.check(meeting)
        yield from about.check(meeting)


def _text(word: str, place: Place, there: Place, old: Any, new: Any) -> Note:
    return Note(
        "texts-changed", "annotation", (place, word), (there, word), old.get(word, ABSENT), new.get(word, ABSENT), word
    )
