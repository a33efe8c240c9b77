"""Values that a conjunction probably takes: small, readable, at its edges. Who needs certainty validates them."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from heapq import heappop, heappush
from itertools import islice
from typing import Any

from interlock.contracts.json_schema import language
from interlock.contracts.json_schema.conjunction import Budget, Conjunction, Part
from interlock.contracts.json_schema.facts import Facts, matches
from interlock.contracts.json_schema.formats import EXAMPLES, long_example

MAX_DEPTH = 8
MAX_LEAVES = 24
MAX_SIZE = 20_000
# Deeper than this, a schema asks for itself without an end.
MAX_RECURSION = 20
_WORDS = ("text", "other", "a", "")


def fits(whole: Conjunction, value: Any) -> bool:
    """The validator's word for every part, given and denied."""
    return all(part.document.admits(part.schema, value) for part in whole.given) and not any(
        part.document.admits(part.schema, value) for part in whole.denied
    )


def seems(whole: Conjunction, value: Any) -> bool:
    """The same, but for what lies deep inside a large document: the whole is confirmed in the end."""
    return all(part.document.seems(part.schema, value) for part in whole.given) and not any(
        part.document.seems(part.schema, value) for part in whole.denied if part.document.is_exact(part.schema)
    )


def leaves(whole: Conjunction, limit: int = MAX_LEAVES) -> Iterator[Conjunction]:
    """The choices opened, at most `limit` times: all by their first branch, then one by another, then two …"""
    waiting: list[tuple[int, int, Conjunction]] = [(0, 0, whole)]
    found = steps = 0
    while waiting and found < limit:
        others, _, one = heappop(waiting)
        while not one.never and steps < 20 * limit:
            branches = one.branches()
            if branches is None:
                found += 1
                yield one
                break
            for branch in branches[1:]:
                steps += 1
                heappush(waiting, (others + 1, steps, branch))
            one = branches[0]


class Sampler:
    """`turn` rotates every choice, so that another turn gives other documents, and one turn always the same."""

    def __init__(self, budget: Budget, turn: int = 0) -> None:
        self.budget = budget
        self.turn = turn

    def values(self, whole: Conjunction, depth: int = 0, limit: int = 8) -> Iterator[Any]:
        self.budget.spend()
        if depth > MAX_RECURSION:
            return
        if whole.facts.finite is not None:
            yield from islice(self._turned(whole.facts.finite), limit)
            return
        yield from islice(self._said(whole), 2)
        count = 0
        for leaf in leaves(whole, 1 if depth > MAX_DEPTH else MAX_LEAVES):
            for value in islice(self._of(leaf, depth), limit):
                yield value
                count += 1
                if count >= limit * 3:
                    return

    def one(self, whole: Conjunction, depth: int) -> list[Any]:
        """A value that fits, in a list; or the empty list."""
        return next(([value] for value in self.values(whole, depth, 4) if seems(whole, value)), [])

    def _turned(self, values: list[Any]) -> list[Any]:
        at = self.turn % len(values) if values else 0
        return values[at:] + values[:at]

    def _said(self, whole: Conjunction) -> Iterator[Any]:
        for value, _ in whole.each("examples"):
            if isinstance(value, list):
                yield from self._turned(value)
        for keyword in ("example", "default"):
            for value, _ in whole.each(keyword):
                yield value

    def _of(self, leaf: Conjunction, depth: int) -> Iterator[Any]:
        facts = leaf.facts
        if facts.finite is not None:
            yield from self._turned(facts.finite)
            return
        if leaf.never:
            return
        kinds = [kind for kind in ("object", "string", "number", "array", "boolean", "null") if kind in facts.types]
        made = [self._kind(kind, facts, depth) for kind in self._turned(kinds)]
        # One of each type first, then the rest.
        while made:
            for source in tuple(made):
                try:
                    yield next(source)
                except StopIteration:
                    made.remove(source)

    def _kind(self, kind: str, facts: Facts, depth: int) -> Iterator[Any]:
        if kind == "object":
            return self.objects(facts, depth)
        if kind == "array":
            return self.arrays(facts, depth)
        if kind == "string":
            return self.texts(facts)
        if kind == "number":
            return self.numbers(facts)
        return iter([None] if kind == "null" else self._turned([True, False]))

    def numbers(self, facts: Facts) -> Iterator[Any]:
        step = Fraction(1) if facts.integral else None
        for one in facts.multiples:
            step = one if step is None else _common(step, one)
        low, high = facts.lower, facts.upper
        small = step or Fraction(1, 2)
        tried: list[Fraction] = []
        if low is not None:
            tried += [low[0], low[0] + small, low[0] + 1]
        if high is not None:
            tried += [high[0], high[0] - small, high[0] - 1]
        if low is not None and high is not None:
            tried.append((low[0] + high[0]) / 2)
        else:
            more = [Fraction(1 + self.turn), Fraction(0), Fraction(3, 2), Fraction(-1), Fraction(1000)]
            tried = more + tried if not tried else tried + more
        for one in tried:
            for value in (one,) if step is None else (-(-one // step) * step, one // step * step):
                if _inside(value, low, high):
                    yield number(value)

    def texts(self, facts: Facts) -> Iterator[str]:
        low, high = facts.least("minLength"), facts.most("maxLength")
        for name in sorted(facts.formats):
            fitting = [one for one in EXAMPLES.get(name, ()) if low <= len(one) and (high is None or len(one) <= high)]
            yield from self._turned(fitting)
            if not fitting and (long := long_example(name, low)) is not None:
                yield long
        if facts.patterns:
            for length in (low, low + 1 + self.turn % 3, high):
                try:
                    found = language.find(facts.patterns, min_length=length or 0, max_length=high)
                except language.LanguageUnknown:
                    found = None
                if found is not None:
                    yield found
        for word in self._turned(list(_WORDS)):
            if len(word) >= low and (high is None or len(word) <= high):
                yield word
        if low > 4 and low < 100_000:
            yield ("text" * (low // 4 + 1))[:low]
        if high is not None and high < 100_000:
            yield ("text" * (high // 4 + 1))[:high]

    def arrays(self, facts: Facts, depth: int) -> Iterator[list[Any]]:
        low, high = facts.least("minItems"), facts.most("maxItems")
        wanted = [
            (Part(value, part.document), int(part.schema.get("minContains", 1)))
            for value, part in facts.whole.each("contains")
        ]
        sizes = [
            max(low, sum(count for _, count in wanted), min(facts.prefix, high or facts.prefix) if depth < 4 else 0)
        ]
        if depth < MAX_DEPTH:
            sizes += [low, sizes[0] + 1, *([high] if high is not None and high < 50 else [])]
        for size in dict.fromkeys(sizes):
            if (high is None or size <= high) and size < MAX_SIZE:
                built = self.array(facts, size, wanted, depth)
                if built is not None:
                    yield built

    def array(self, facts: Facts, size: int, wanted: list[tuple[Part, int]], depth: int) -> list[Any] | None:
        if sum(count for _, count in wanted) > MAX_SIZE:
            return None
        owed = [part for part, count in wanted for _ in range(count)]
        built: list[Any] = []
        for index in range(size):
            at = facts.at_index(index)
            # What must be contained goes last, behind the tuple.
            pay = owed[len(owed) - (size - index)] if size - index <= len(owed) else None
            found = self._distinct(at.also(pay) if pay else at, built if facts.unique else [], depth + 1)
            if not found and pay:
                found = self._distinct(at, built if facts.unique else [], depth + 1)
            if not found:
                return None
            built += found
            if index >= facts.prefix and not owed and not facts.unique:
                return built + found * (size - len(built))  # the rest is like this one
        return built

    def _distinct(self, whole: Conjunction, taken: list[Any], depth: int) -> list[Any]:
        if not taken:
            return self.one(whole, depth)
        for value in self.values(whole, depth, 8):
            if value not in taken and seems(whole, value):
                return [value]
        if "number" in whole.facts.types:
            for number_ in range(len(taken) + 2):
                if number_ not in taken and seems(whole, number_):
                    return [number_]
        text = f"text-{len(taken)}"
        return [text] if text not in taken and seems(whole, text) else []

    def objects(self, facts: Facts, depth: int) -> Iterator[dict[str, Any]]:
        needed = sorted(facts.required)
        optional = [name for name in self._ordered(facts) if name not in facts.required]
        plans = [needed] if depth > 3 else [needed + optional, needed, needed + optional[self.turn % 2 :: 2]]
        seen: list[list[str]] = []
        for plan in plans:
            if plan in seen:
                continue
            seen.append(plan)
            built = self.object(facts, plan, depth)
            if built is not None:
                yield built

    def _ordered(self, facts: Facts) -> list[str]:
        return list(dict.fromkeys(name for value, _ in facts.whole.each("properties") for name in value))

    def object(self, facts: Facts, plan: list[str], depth: int) -> dict[str, Any] | None:
        low, high = facts.least("minProperties"), facts.most("maxProperties")
        built: dict[str, Any] = {}
        for name in plan:
            needed = name in facts.required
            if not needed and high is not None and len(built) >= high:
                continue
            found = [] if depth > MAX_DEPTH * 2 else self.one(facts.at_name(name), depth + 1)
            if not found and needed:
                return None
            if found:
                built[name] = found[0]
        for name in self.other_names(facts):
            if len(built) >= low:
                break
            found = self.one(facts.at_name(name), depth + 1) if name not in built else []
            if found:
                built[name] = found[0]
        return built

    def other_names(self, facts: Facts) -> Iterator[str]:
        """Names that nobody mentions: by the patterns, by the rules for names, and plain ones."""
        limits = [Part(value, part.document) for value, part in facts.whole.each("propertyNames")]
        if limits:
            named = facts.whole.made(limits)
            yield from (one for one in self.values(named, MAX_DEPTH) if isinstance(one, str))
        for one in sorted(facts.name_patterns):
            try:
                found = language.find((one,))
                longer = language.find((one,), min_length=len(found or "") + 3)
            except language.LanguageUnknown:
                continue
            yield from (text for text in (found, longer) if text is not None)
        for word in ("extra", "more", "x", "EXTRA", "0", "and-more", "_"):
            if not any(matches(one, word) for one in facts.name_patterns):
                yield word
        yield from (f"extra{count}" for count in range(1, 40))


def _common(one: Fraction, other: Fraction) -> Fraction:
    """The least number that is a multiple of both."""
    step = one
    for _ in range(1000):
        if (step / other).denominator == 1:
            return step
        step += one
    return one


def _inside(value: Fraction, low: tuple[Fraction, bool] | None, high: tuple[Fraction, bool] | None) -> bool:
    if low is not None and (value < low[0] or (value == low[0] and low[1])):
        return False
    return high is None or value < high[0] or (value == high[0] and not high[1])


def number(value: Fraction) -> int | float:
    return int(value) if value.denominator == 1 else float(value)
