"""What it takes to prove a keyword of objects; see goals.py for the table and the contract of these functions."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import TYPE_CHECKING, Any

from interlock.contracts.json_schema import language
from interlock.contracts.json_schema.conjunction import Conjunction, Part
from interlock.contracts.json_schema.facts import Facts, in_place, matches

if TYPE_CHECKING:
    from interlock.contracts.json_schema.proof import Prover

MAX_NAME_PATTERNS = 6
_DEPENDENT = ("dependentRequired", "dependentSchemas", "dependencies")


def required(_: Prover, whole: Conjunction, __: Part, value: Any) -> bool:
    if not isinstance(value, list):
        return True
    return "object" not in whole.facts.types or set(value) <= whole.facts.required


def fewest_properties(_: Prover, whole: Conjunction, __: Part, value: Any) -> bool:
    facts = whole.facts
    return "object" not in facts.types or max(facts.least("minProperties"), len(facts.required)) >= value


def most_properties(prover: Prover, whole: Conjunction, goal: Part, value: Any) -> bool:
    facts = whole.facts
    most = facts.most("maxProperties")
    if "object" not in facts.types or (most is not None and most <= value):
        return True
    possible = [name for name in sorted(facts.names) if not prover.nothing_beneath(facts.at_name(name))]
    return len(possible) <= value and all(
        prover.nothing_beneath(facts.at_class(matched)) for matched in _classes(facts, frozenset())
    )


def properties(prover: Prover, whole: Conjunction, goal: Part, _: Any) -> bool:
    """properties, patternProperties, additionalProperties and unevaluatedProperties: name by name, then the rest."""
    facts = whole.facts
    if "object" not in facts.types:
        return True
    schema, document = goal.schema, goal.document
    patterns = schema.get("patternProperties", {})
    named = schema.get("properties", {})
    rest = schema.get("additionalProperties")
    open_end = rest is None and "unevaluatedProperties" in schema
    evaluated = _Evaluated(prover, whole, goal) if open_end else None
    mentioned = set(facts.names) | set(named) | (evaluated.names if evaluated else set())
    for name in sorted(mentioned):
        wanted = [found for one, found in patterns.items() if matches(one, name)]
        if name in named:
            wanted.append(named[name])
        elif not wanted and rest is not None:
            wanted.append(rest)
        if not wanted and name not in named and evaluated and not evaluated.covers(name):
            wanted.append(schema["unevaluatedProperties"])
        at = facts.at_name(name) if any(one is not True for one in wanted) else None
        if at is not None and not all(prover.beneath(at, Part(one, document)) for one in wanted):
            return False
    if not patterns and rest in (None, True) and evaluated is None:
        return True
    mine = frozenset(patterns) | (evaluated.patterns if evaluated else frozenset())
    for matched in _classes(facts, mine, mentioned):
        wanted = [patterns[one] for one in matched if one in patterns]
        if not wanted and rest is not None:
            wanted.append(rest)
        if not wanted and evaluated and not evaluated.everything and not matched & evaluated.patterns:
            wanted.append(schema["unevaluatedProperties"])
        at = facts.at_class(matched)
        if not all(prover.beneath(at, Part(one, document)) for one in wanted):
            return False
    return True


class _Evaluated:
    """What branches that hold evaluate for sure: less than they may evaluate, so asking for the rest is never wrong."""

    def __init__(self, prover: Prover, whole: Conjunction, goal: Part) -> None:
        self.names: set[str] = set()
        self.patterns: frozenset[str] = frozenset()
        self.everything = False
        self._prover, self._whole = prover, whole
        self._gather(goal, 0)

    def covers(self, name: str) -> bool:
        return self.everything or name in self.names or any(matches(one, name) for one in self.patterns)

    def _gather(self, goal: Part, depth: int) -> None:
        schema = goal.schema
        if not isinstance(schema, dict) or depth > 16:
            return
        self.names |= set(schema.get("properties", {}))
        self.patterns |= frozenset(schema.get("patternProperties", {}))
        inner = depth > 0 and "unevaluatedProperties" in schema
        self.everything = self.everything or inner or "additionalProperties" in schema
        for one in (*in_place(goal, sure=True), *self._holding(goal)):
            self._gather(Part(one, goal.document), depth + 1)

    def _holding(self, goal: Part) -> Iterator[Any]:
        """Branches that every value of the whole passes, as it happens."""
        for keyword in ("anyOf", "oneOf"):
            for one in goal.schema.get(keyword, ()):
                if self._prover.holds(self._whole, Part(one, goal.document), 0):
                    yield one
        condition = goal.schema.get("if")
        if condition is not None and self._prover.holds(self._whole, Part(condition, goal.document), 0):
            yield condition
            yield goal.schema.get("then", True)
        for name, one in goal.schema.get("dependentSchemas", {}).items():
            if name in self._whole.facts.required:
                yield one


def _classes(facts: Facts, more: frozenset[str], mentioned: set[str] | None = None) -> Iterator[frozenset[str]]:
    """The sets of patterns that some name may match all of, and none of the others. Too many patterns: undecided."""
    every = sorted(facts.name_patterns | more)
    if len(every) > MAX_NAME_PATTERNS:
        raise language.LanguageUnknown("too many patternProperties")
    names = [Part(value, part.document) for value, part in facts.whole.each("propertyNames")]
    limits = facts.whole.made(names).facts
    if names and limits.finite is not None:
        # Only names from a list can be there: each is in a class of its own, unless it is mentioned.
        free = [one for one in limits.finite if isinstance(one, str) and one not in (mentioned or facts.names)]
        yield from {frozenset(one for one in every if matches(one, name)) for name in free}
        return
    for size in range(len(every) + 1):
        for chosen in combinations(every, size):
            if _some_name(chosen, [one for one in every if one not in chosen], limits):
                yield frozenset(chosen)


def _some_name(chosen: tuple[str, ...], others: list[str], limits: Facts) -> bool:
    if limits.whole.never or "string" not in limits.types:
        return False
    try:
        match = (*chosen, *limits.patterns)
        low, high = limits.least("minLength"), limits.most("maxLength")
        return language.find(match, tuple(others), min_length=low, max_length=high) is not None
    except language.LanguageUnknown:
        return True  # one class more to prove


def names(prover: Prover, whole: Conjunction, goal: Part, value: Any) -> bool:
    facts = whole.facts
    if "object" not in facts.types or value is True:
        return True
    document = goal.document
    for name in sorted(facts.names):
        if not document.admits(value, name) and not prover.nothing_beneath(facts.at_name(name)):
            return False
    given = [Part(one, part.document) for one, part in whole.each("propertyNames")]
    text = Part(document.made({"type": "string"}), document)
    for matched in _classes(facts, frozenset()):
        if prover.nothing_beneath(facts.at_class(matched)):
            continue
        shaped = [Part(document.made({"pattern": one}), document) for one in matched]
        if not prover.beneath(whole.made([text, *given, *shaped]), Part(value, document)):
            return False
    return True


def dependent(prover: Prover, whole: Conjunction, goal: Part, _: Any) -> bool:
    """dependentRequired, dependentSchemas and the older dependencies."""
    if "object" not in whole.facts.types:
        return True
    document = goal.document
    demands = [one for word in _DEPENDENT for one in goal.schema.get(word, {}).items()]
    for name, wanted in demands:
        there = whole.also(Part(document.made({"type": "object", "required": [name]}), document))
        then = document.made({"required": wanted}) if isinstance(wanted, list) else wanted
        if not prover.holds(there, Part(then, document)):
            return False
    return True
