"""The difference of two Avro schemas: each changed place, and whom it hurts, shown by a value.

The verdict is that of schema resolution, each schema as the reader of what the other one writes. Each mismatch that it
finds is laid at the door of the change that caused it; one that no change explains is told all the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from interlock.contracts import pointer
from interlock.contracts.avro.node import Node
from interlock.contracts.avro.resolution import Cause, Mismatch, Resolution
from interlock.contracts.avro.rules import BY_ID, RULES
from interlock.contracts.avro.sample import Sampler
from interlock.contracts.avro.schema import read
from interlock.contracts.avro.walk import Fact, Walk
from interlock.contracts.comparison import Change, Direction, Effect, Reading
from interlock.contracts.contract_invalid import ContractInvalid
from interlock.contracts.pointer import ABSENT

__all__ = ["RULES", "changes"]
MAX_FACTS = 5000
# Which changes a mismatch may come from.
_ACCUSED: dict[Cause, tuple[str, ...]] = {
    "type": ("type-changed", "type-narrowed", "type-widened", "union-removed", "union-introduced",
             "union-branch-removed", "union-branch-added"),
    "branch": ("type-changed", "type-narrowed", "type-widened", "union-branch-removed", "union-branch-added",
               "union-removed", "union-introduced"),
    "name": ("type-renamed", "union-removed", "union-introduced", "union-branch-removed", "union-branch-added"),
    "size": ("fixed-size-changed",),
    "symbols": ("enum-symbol-removed", "enum-symbol-added"),
    "field": ("field-added-without-default", "field-without-default-removed", "field-renamed"),
    "decimal": ("decimal-changed",),
    "logical": ("logical-type-changed",),
    "ambiguous": ("alias-ambiguous",),
}  # fmt: skip


def changes(old: Any, new: Any, reading: Reading = "SETS") -> list[Change]:
    """Raises ContractInvalid for what is no schema. With LENIENT logical types do not decide, as in Java's checker: see
    docs/explanation/avro-compatibility.md."""
    before, after = read(old), read(new)
    if old == new and repr(old) == repr(new):
        return []
    try:
        return _Difference(old, new, before, after, reading).changes()
    except RecursionError:
        raise ContractInvalid("", "The schema nests too deep to be compared.") from None


class _Difference:
    def __init__(self, old: Any, new: Any, before: Node, after: Node, reading: Reading) -> None:
        self._documents = (old, new)
        self._facts = list(islice(Walk().facts(before, after), MAX_FACTS))
        logical = reading != "LENIENT"
        self._sides = (
            _Side("backward", Resolution(after, before, logical_types=logical), before, self._facts),
            _Side("forward", Resolution(before, after, logical_types=logical), after, self._facts),
        )

    def changes(self) -> list[Change]:
        stated: list[Change] = []
        harmful: set[Fact] = set()
        for side in self._sides:
            for fact, witness in side.harm():
                harmful.add(fact)
                stated.append(self._change(fact, side.direction, witness))
        return stated + [self._change(fact) for fact in self._facts if fact not in harmful]

    def _change(self, fact: Fact, direction: Direction = "none", witness: Any = ABSENT) -> Change:
        rule = BY_ID[fact.rule]
        effect: Effect = "annotation" if rule.effect == "annotation" else "safe"
        if direction != "none":
            effect = "breaking"
        return Change(
            rule=fact.rule, direction=direction, effect=effect,
            message=f"{rule.purpose}{f' ({fact.name})' if fact.name else ''}.",
            old_path=fact.old_place, new_path=fact.new_place, old=self._value(0, fact.old_place),
            new=self._value(1, fact.new_place), witness=witness, advice=fact.advice,
        )  # fmt: skip

    def _value(self, side: int, place: str | None) -> Any:
        return ABSENT if place is None else pointer.find(self._documents[side], pointer.split(place))


class _Side:
    """One direction: one schema reads what the other one writes."""

    def __init__(self, direction: Direction, resolution: Resolution, writer: Node, facts: Iterable[Fact]) -> None:
        self.direction = direction
        self._resolution = resolution
        self._sampler = Sampler(writer)
        self._olds: dict[str | None, list[Fact]] = defaultdict(list)
        self._news: dict[str | None, list[Fact]] = defaultdict(list)
        for fact in facts:
            self._olds[fact.old_place].append(fact)
            self._news[fact.new_place].append(fact)

    def harm(self) -> Iterator[tuple[Fact, Any]]:
        """Each change that hurts, once, with the first value that shows it."""
        told: set[Fact] = set()
        for mismatch in islice(self._resolution.mismatches(), MAX_FACTS):
            for fact in self._facts_of(mismatch):
                if fact not in told:
                    told.add(fact)
                    yield fact, self._sampler.value(mismatch.trail)

    def _facts_of(self, mismatch: Mismatch) -> list[Fact]:
        if mismatch.cause == "symbols":
            return [self._of_symbol(mismatch, symbol) for symbol in mismatch.symbols]
        return [self._accused(mismatch, mismatch.reader_place, mismatch.writer_place)]

    def _of_symbol(self, mismatch: Mismatch, symbol: str) -> Fact:
        """The symbol stands at the writer; the reader is known by its list."""
        place = f"{mismatch.writer.place}/symbols/{mismatch.writer.symbols[symbol]}"
        return self._accused(mismatch, f"{mismatch.reader.place}/symbols", place, symbol)

    def _accused(self, mismatch: Mismatch, reader_place: str, writer_place: str, name: str = "") -> Fact:
        wanted = _ACCUSED[mismatch.cause]
        reading, writing = (self._news, self._olds) if self.direction == "backward" else (self._olds, self._news)
        sought = [(reading, reader_place)] if mismatch.cause == "field" else [
            (writing, writer_place), (reading, reader_place), (writing, _above(writer_place)),
            (reading, _above(reader_place)),
        ]  # fmt: skip
        for places, place in sought:
            for fact in places[place]:
                if fact.rule in wanted:
                    return fact
        return self._made_up(mismatch, reader_place, writer_place, name)

    def _made_up(self, mismatch: Mismatch, reader_place: str, writer_place: str, name: str) -> Fact:
        """No change was seen there, such as where the walk was cut short."""
        backward = self.direction == "backward"
        rules = {
            "type": "type-changed", "branch": "type-changed", "name": "type-renamed", "size": "fixed-size-changed",
            "symbols": "enum-symbol-removed" if backward else "enum-symbol-added",
            "field": "field-added-without-default" if backward else "field-without-default-removed",
            "decimal": "decimal-changed", "logical": "logical-type-changed", "ambiguous": "alias-ambiguous",
        }  # fmt: skip
        if mismatch.field is not None:
            name = mismatch.field.name
        olds, news = (writer_place, reader_place) if backward else (reader_place, writer_place)
        return Fact(rules[mismatch.cause], olds, news, name or f"{mismatch.writer.said} → {mismatch.reader.said}")


def _above(place: str) -> str:
    return place.rpartition("/")[0]
