"""Proves that every value of a conjunction is a value of a schema; a failed proof says nothing.

The judgement is `S holds T`: all values of S are values of T. T is a conjunction of its keywords, so each is proved by
itself, from the facts of S; where facts do not suffice, S is split at its first choice and each branch has to do.
Recursion is by induction on the depth of the value: a goal that is met again beneath itself, one level deeper in the
value, may be taken as proved. Every step here is a theorem about JSON Schema; tests/json_schema/test_soundness.py
plants wrong ones and sees them caught.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

from interlock.contracts.json_schema import language
from interlock.contracts.json_schema.conjunction import Budget, Conjunction, Part
from interlock.contracts.json_schema.facts import Facts, in_place
from interlock.contracts.json_schema.goals import GOALS
from interlock.contracts.json_schema.schema_document import SchemaDocument

MAX_SPLITS = 12
MAX_CASES = 40
MAX_BRANCHES = 2_000
# Of the value, before a question is put off.
MAX_DEPTH = 10
_COUNTING = frozenset({"minProperties", "maxProperties"})
_Key = tuple[Any, Any]
# They say nothing about validity, or are read together with another keyword.
_SILENT = frozenset({
    "$schema", "$id", "id", "$anchor", "$dynamicAnchor", "$recursiveAnchor", "$comment", "$defs", "definitions",
    "$vocabulary", "title", "description", "default", "examples", "example", "deprecated", "readOnly", "writeOnly",
    "contentEncoding", "contentMediaType", "contentSchema", "then", "else", "minContains", "maxContains", "xml",
    "externalDocs", "discriminator", "nullable",
})  # fmt: skip


class Prover:
    """Keeps what it proved for as long as it lives; one per question, or one per pair of documents."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        # The values keep the keys' objects alive: a key is made of identities.
        self._known: dict[_Key, tuple[bool, Any, Any]] = {}
        self._open: dict[_Key, tuple[int, int]] = {}
        self._trail: list[_Key] = []
        self._depth = 0
        self._nothing = Part(False, SchemaDocument(False))
        self._later: dict[_Key, tuple[Conjunction, Part]] = {}

    def holds(self, whole: Conjunction, goal: Part, splits: int = MAX_SPLITS) -> bool:
        """Raises Budget.Spent."""
        self.budget.spend(1 + len(whole.parts) // 8)
        goal = goal.meant()
        if goal.schema is True or whole.never:
            return True
        if _among(whole, goal):
            return True
        key = (whole.key, goal.key)
        if key in self._known:
            return self._known[key][0]
        if key in self._open:
            depth, _ = self._open[key]
            return self._depth > depth
        return self._prove(key, whole, goal, splits)

    def _prove(self, key: _Key, whole: Conjunction, goal: Part, splits: int) -> bool:
        mark = len(self._trail)
        self._open[key] = (self._depth, mark)
        proved = False
        try:
            proved = self._attempt(whole, goal, splits)
        finally:
            del self._open[key]
            if not proved:
                # What was proved meanwhile may rest on this goal.
                for stale in self._trail[mark:]:
                    self._known.pop(stale, None)
                del self._trail[mark:]
        if proved or splits == MAX_SPLITS:
            self._known[key] = (proved, whole, goal)
            if proved:
                self._trail.append(key)
        return proved

    def proves(self, whole: Conjunction, goal: Part) -> bool:
        """As `holds`, for the one who asks from outside. Raises Budget.Spent.

        Deep inside a value a question is taken as proved at first, and asked by itself later: by induction on the depth
        of the value that is as good, and a chain of thousands of definitions needs no stack. If one of these fails, all
        that was proved meanwhile is forgotten, and the proof begins anew with that known.
        """
        while True:
            self._later = {}
            if not self.holds(whole, goal):
                return False
            if self._settled():
                return True
            for key in [key for key, known in self._known.items() if known[0]]:
                del self._known[key]
            self._trail.clear()

    def _settled(self) -> bool:
        """Whether all that was put off is proved; what fails is known from then on."""
        asked: set[_Key] = set()
        while waiting := [key for key in self._later if key not in asked]:
            for key in waiting:
                asked.add(key)
                if not self.holds(*self._later[key]):
                    return False
        return True

    def empty(self, whole: Conjunction, splits: int = MAX_SPLITS) -> bool:
        """No value at all."""
        return whole.never or self.holds(whole, self._nothing, splits)

    def beneath(self, whole: Conjunction, goal: Part) -> bool:
        """The same question about a value inside the value."""
        if self._depth >= MAX_DEPTH:
            return self._put_off(whole, goal)
        self._depth += 1
        try:
            return self.holds(whole, goal)
        finally:
            self._depth -= 1

    def _put_off(self, whole: Conjunction, goal: Part) -> bool:
        goal = goal.meant()
        key = (whole.key, goal.key)
        known = self._known.get(key)
        if known is not None:
            return known[0]
        self._later[key] = (whole, goal)
        return True

    def nothing_beneath(self, whole: Conjunction) -> bool:
        if whole.never:
            return True
        # Rarely so, and nothing to take for granted: deep inside, the answer is no.
        return self._depth < MAX_DEPTH and self.beneath(whole, self._nothing)

    def _attempt(self, whole: Conjunction, goal: Part, splits: int) -> bool:
        finite = whole.facts.finite
        if finite is not None:
            return all(goal.document.admits(goal.schema, value) for value in finite)
        schema = goal.schema
        if isinstance(schema, dict):
            try:
                if self._conjuncts(whole, goal, splits):
                    return True
            except language.LanguageUnknown:
                pass
        if self._contradiction(whole):
            return True
        return self._by_cases(whole, goal, splits)

    def _conjuncts(self, whole: Conjunction, goal: Part, splits: int) -> bool:
        schema, document = goal.schema, goal.document
        if "$ref" in schema:
            target = Part(document.target(schema, schema["$ref"]), document)
            if not self.holds(whole, target, splits):
                return False
            if document.ref_alone:
                return True
        done: set[Any] = set()
        for keyword in schema:
            if keyword in _SILENT or keyword == "$ref" or keyword.startswith("x-"):
                continue
            check = GOALS.get(keyword)
            if check is None:
                # An unknown keyword says nothing; a dynamic reference says what we do not follow.
                if keyword in ("$dynamicRef", "$recursiveRef"):
                    return False
                continue
            if check in done:
                continue
            done.add(check)
            if not check(self, whole, goal, schema[keyword]):
                return False
        return True

    def _by_cases(self, whole: Conjunction, goal: Part, splits: int) -> bool:
        if splits <= 0:
            return False
        for cases in _cases(whole, goal):
            if len(cases) <= MAX_BRANCHES and all(self.holds(case, goal, splits - 1) for case in cases):
                return True
        return False

    def _contradiction(self, whole: Conjunction) -> bool:
        """Whether the facts leave no value of any type, or a denied part takes them all."""
        facts: Facts = whole.facts
        if all(self._none_of(kind, facts) for kind in facts.types):
            return True
        for denied in whole.denied:
            rest = whole.made(whole.given, [one for one in whole.denied if one is not denied], whole.opened)
            if denied.schema is not False and self.holds(rest, denied, 2):
                return True
        return False

    def _none_of(self, kind: str, facts: Facts) -> bool:
        return bool(_NONE[kind](self, facts)) if kind in _NONE else False

    def no_number(self, facts: Facts) -> bool:
        if facts.lower is None or facts.upper is None:
            return False
        (low, open_low), (high, open_high) = facts.lower, facts.upper
        if low > high or (low == high and (open_low or open_high)):
            return True
        for step in (*facts.multiples, *([Fraction(1)] if facts.integral else [])):
            first = -(-low // step) * step
            if first == low and open_low:
                first += step
            if first > high or (first == high and open_high):
                return True
        return False

    def no_text(self, facts: Facts) -> bool:
        low, high = facts.least("minLength"), facts.most("maxLength")
        if high is not None and low > high:
            return True
        if not facts.patterns:
            return False
        try:
            return language.find(facts.patterns, min_length=low, max_length=high) is None
        except language.LanguageUnknown:
            return False

    def no_array(self, facts: Facts) -> bool:
        low, high = facts.least("minItems"), facts.most("maxItems")
        if high is not None and low > high:
            return True
        if any(self.nothing_beneath(facts.at_index(index)) for index in range(min(low, facts.prefix + 1))):
            return True
        for wanted, part in facts.whole.each("contains"):
            if int(part.schema.get("minContains", 1)) > 0:
                places = [facts.at_index(index) for index in range(facts.prefix + 1)]
                if high == 0 or all(self.nothing_beneath(one.also(Part(wanted, part.document))) for one in places):
                    return True
        return False

    def no_object(self, facts: Facts) -> bool:
        low, high = facts.least("minProperties"), facts.most("maxProperties")
        if high is not None and max(low, len(facts.required)) > high:
            return True
        if 0 < low <= MAX_CASES and self._fewer(facts, low):
            return True
        return any(self.nothing_beneath(facts.at_name(name)) for name in sorted(facts.required))

    def _fewer(self, facts: Facts, low: int) -> bool:
        """Whether so many properties cannot be there."""
        if not self.nothing_beneath(facts.at_class(frozenset())) or facts.name_patterns:
            return False
        possible = sum(not self.nothing_beneath(facts.at_name(name)) for name in sorted(facts.names))
        return possible < low


_NONE: dict[str, Callable[[Prover, Facts], bool]] = {
    "number": Prover.no_number,
    "string": Prover.no_text,
    "array": Prover.no_array,
    "object": Prover.no_object,
}


def _among(whole: Conjunction, goal: Part) -> bool:
    """T is one of the parts of S, by identity or, where nothing is referred to, by text."""
    for part in (*whole.given, *whole.parts):
        if part.schema is goal.schema and part.document is goal.document:
            return True
        if (
            isinstance(goal.schema, dict)
            and part.document.dialect == goal.document.dialect
            and _same(part.schema, goal.schema)
            and goal.document.refers_to_nothing(goal.schema)
        ):
            return True
    return False


def _same(one: Any, other: Any) -> bool:
    # 1 == True in Python and not in JSON; repr tells them apart, and is only asked for what is equal already.
    return bool(one == other) and repr(one) == repr(other)


def _cases(whole: Conjunction, goal: Part) -> Iterator[list[Conjunction]]:
    branches = whole.branches()
    if branches is not None:
        yield branches
        return
    facts: Facts = whole.facts
    if not _has_choice(goal) and not whole.denied:
        return
    document = whole.given[0].document if whole.given else goal.document
    if len(facts.types) > 1:
        yield [whole.also(Part(document.made({"type": kind}), document)) for kind in sorted(facts.types)]
        return
    if facts.types == {"object"}:
        for name in sorted(facts.required):
            values = facts.at_name(name).facts.finite
            if values is not None and (name, "split") not in whole.opened and 1 < len(values) <= MAX_CASES:
                yield [
                    whole.also(
                        Part(document.made({"properties": {name: {"const": value}}}), document), opened=(name, "split")
                    )
                    for value in values
                ]
                return
        telling = _telling([goal, *whole.denied])
        open_names = facts.names - facts.required
        optional = sorted(
            name for name in open_names if (name, "there") not in whole.opened and (telling is None or name in telling)
        )
        if optional and len(optional) <= 6:
            name = optional[0]
            there = Part(document.made({"required": [name]}), document)
            absent = Part(document.made({"properties": {name: False}}), document)
            mark: Any = (name, "there")
            yield [whole.also(there, opened=mark), whole.also(absent, opened=mark)]


def _telling(parts: list[Part]) -> set[str] | None:
    """Names whose presence alone these schemas ask about; None: the number of properties, so all of them."""
    names: set[str] = set()
    seen: set[tuple[int, int]] = set()
    stack = list(parts)
    while stack:
        part = stack.pop().spoken()
        schema = part.schema
        if not isinstance(schema, dict) or part.key in seen:
            continue
        seen.add(part.key)
        if not _COUNTING.isdisjoint(schema):
            return None
        if isinstance(schema.get("required"), list):
            names.update(schema["required"])
        for keyword in ("dependentRequired", "dependentSchemas", "dependencies"):
            names.update(schema.get(keyword, ()))
        names.update(name for name, one in schema.get("properties", {}).items() if one is False)
        inner = [*in_place(part), *([schema["not"]] if "not" in schema else [])]
        stack.extend(Part(one, part.document) for one in inner)
    return names


def _has_choice(goal: Part) -> bool:
    return goal.schema is False or any(name in goal.schema for name in ("anyOf", "oneOf", "if", "not"))
