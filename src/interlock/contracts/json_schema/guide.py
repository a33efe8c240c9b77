"""A witness made where the change is, and carried up to the root the way the walk came down.

The search for any document that shows a refusal looks at all that was not proved; here the changed place is known. Each
witness is confirmed by the validator on the whole documents, or it is none.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from interlock.contracts.comparison import Direction
from interlock.contracts.json_schema import language
from interlock.contracts.json_schema.conjunction import Budget, Conjunction, Part
from interlock.contracts.json_schema.facts import Facts
from interlock.contracts.json_schema.inclusion import Inclusion
from interlock.contracts.json_schema.refuter import Refuter
from interlock.contracts.json_schema.walk import Fact, Way
from interlock.contracts.pointer import ABSENT

STEPS = 2_000
TRIES = 4
# Nobody reads a document that is nested deeper.
MAX_LEVELS = 100
_ITEMS = ("items", "additionalItems", "unevaluatedItems", "contains")
_OTHERS = ("additionalProperties", "unevaluatedProperties")


class Guide:
    """`sub` and `sup` are the roots that the facts were found in."""

    def __init__(self, inclusion: Inclusion, sub: Any, sup: Any, direction: Direction) -> None:
        self._inclusion = inclusion
        self._sub, self._sup = sub, sup
        self._direction = direction

    def witness(self, fact: Fact) -> Any:
        """Or ABSENT."""
        if fact.way is None:
            return ABSENT
        refuter = self._inclusion.refuter(STEPS)
        try:
            for value in islice(self._carried(refuter, fact, fact.way), TRIES):
                if self._shows(value):
                    return value
        except (Budget.Spent, RecursionError):
            pass
        return ABSENT

    def _shows(self, value: Any) -> bool:
        takes = self._inclusion.sub.admits(self._sub, value)
        return takes and not self._inclusion.sup.admits(self._sup, value)

    def _carried(self, refuter: Refuter, fact: Fact, way: Way) -> Iterator[Any]:
        levels = self._levels(way)
        if len(levels) > MAX_LEVELS:
            return
        goal = way.new if self._direction == "backward" else way.old
        for value in refuter.search(self._focused(levels[-1][0], fact), goal.meant()):
            carried = [value]
            for (whole, _), (_, step) in zip(levels[-2::-1], levels[:0:-1], strict=True):
                carried = [one for inner in carried for one in islice(_around(refuter, whole, step, inner), 1)]
            yield from carried

    def _focused(self, whole: Conjunction, fact: Fact) -> Conjunction:
        """The values that the change is about: with that property, of that branch."""
        part, theirs = (fact.olds, fact.old) if self._direction == "backward" else (fact.news, fact.new)
        if theirs is ABSENT:
            return whole
        if "-branch-" in fact.rule:
            keyword = (fact.old_place if self._direction == "backward" else fact.new_place)[-2]
            return whole.also(Part(theirs, part.document), opened=(id(part.schema), keyword))
        if fact.rule.startswith("property-"):
            wanted = {"type": "object", "required": [fact.name]}
            return whole.also(Part(part.document.made(wanted), part.document))
        return whole

    def _levels(self, way: Way) -> list[tuple[Conjunction, tuple[str, ...]]]:
        """From the root down: what has to hold of the value there, and the step that led to it."""
        chain: list[Way] = []
        at: Way | None = way
        while at is not None:
            chain.append(at)
            at = at.above
        levels: list[tuple[Conjunction, tuple[str, ...]]] = []
        for one in reversed(chain):
            part = one.old if self._direction == "backward" else one.new
            if levels and not _goes_in(one.step):
                levels[-1] = (levels[-1][0].also(part), levels[-1][1])
            else:
                whole = levels[-1][0].made([part]) if levels else Conjunction([part])
                levels.append((whole, one.step))
        return levels


def _goes_in(step: tuple[str, ...]) -> bool:
    return step[:1] in (("properties",), ("patternProperties",), ("prefixItems",)) or step[0] in (*_ITEMS, *_OTHERS)


def _around(refuter: Refuter, whole: Conjunction, step: tuple[str, ...], value: Any) -> Iterator[Any]:
    """Values of `whole` that have `value` there."""
    facts: Facts = whole.facts
    keyword = step[0]
    if keyword in ("properties", "patternProperties", *_OTHERS):
        name = _name(refuter, facts, step)
        made = refuter.sampler.object(facts, sorted(facts.required - {name}), 4) if name is not None else None
        if made is not None:
            yield {**made, str(name): value}
    else:
        index = int(step[1]) if len(step) > 1 else facts.prefix
        for size in (facts.least("minItems"), index):
            base = refuter.sampler.array(facts, max(size, 0), [], 4)
            if base is not None:
                yield from refuter.placed(facts, base, index, value, 4)


def _name(refuter: Refuter, facts: Facts, step: tuple[str, ...]) -> str | None:
    if step[0] == "properties":
        return step[1]
    if step[0] == "patternProperties":
        try:
            return language.find((step[1],))
        except language.LanguageUnknown:
            return None
    return next((one for one in refuter.sampler.other_names(facts) if one not in facts.names), None)
