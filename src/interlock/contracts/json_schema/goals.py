"""What it takes to prove one keyword from the facts of a conjunction: a table, keyword by keyword.

Each function answers True only when every value of `whole` passes the keyword `value` of `goal`; the keywords that
belong together (properties, items, contains) are one function.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import combinations
from typing import TYPE_CHECKING, Any

from interlock.contracts.json_schema import language
from interlock.contracts.json_schema.conjunction import Conjunction, Part
from interlock.contracts.json_schema.facts import Facts, exact, in_place, matches
from interlock.contracts.json_schema.formats import ASSERTED, WITHIN

if TYPE_CHECKING:
    from interlock.contracts.json_schema.proof import Prover

Goal = Callable[["Prover", Conjunction, Part, Any], bool]
MAX_NAME_PATTERNS = 6
MAX_LISTED = 2000
_DEPENDENT = ("dependentRequired", "dependentSchemas", "dependencies")


def type_(_: Prover, whole: Conjunction, __: Part, value: Any) -> bool:
    named = {value} if isinstance(value, str) else set(value)
    for kind in whole.facts.types:
        if kind == "number":
            if "number" not in named and not ("integer" in named and whole.facts.integral):
                return False
        elif kind not in named:
            return False
    return True


def listed(_: Prover, whole: Conjunction, __: Part, value: Any) -> bool:
    """A finite conjunction has been decided before, value by value; left are patterns with few texts."""
    facts = whole.facts
    texts = [one for one in value if isinstance(one, str)]
    if facts.types != {"string"} or not facts.patterns or not texts:
        return False
    choice = f"^(?:{'|'.join(re.escape(one) for one in texts)})$"
    return len(choice) < MAX_LISTED and _no_text(facts, avoid=(choice,))


def fixed(prover: Prover, whole: Conjunction, goal: Part, value: Any) -> bool:
    return listed(prover, whole, goal, [value])


def at_least(_: Prover, whole: Conjunction, goal: Part, value: Any) -> bool:
    return _above(whole.facts, exact(value), excluded=goal.schema.get("exclusiveMinimum") is True)


def above(_: Prover, whole: Conjunction, __: Part, value: Any) -> bool:
    return isinstance(value, bool) or _above(whole.facts, exact(value), excluded=True)


def _above(facts: Facts, bound: Fraction, *, excluded: bool) -> bool:
    if "number" not in facts.types:
        return True
    if facts.lower is None:
        return False
    low, low_excluded = facts.lower
    if facts.integral and (low.denominator != 1 or low_excluded):
        low, low_excluded = Fraction(low // 1 + 1), False
    return low > bound or (low == bound and (low_excluded or not excluded))


def at_most(_: Prover, whole: Conjunction, goal: Part, value: Any) -> bool:
    return _below(whole.facts, exact(value), excluded=goal.schema.get("exclusiveMaximum") is True)


def below(_: Prover, whole: Conjunction, __: Part, value: Any) -> bool:
    return isinstance(value, bool) or _below(whole.facts, exact(value), excluded=True)


def _below(facts: Facts, bound: Fraction, *, excluded: bool) -> bool:
    if "number" not in facts.types:
        return True
    if facts.upper is None:
        return False
    high, high_excluded = facts.upper
    if facts.integral and (high.denominator != 1 or high_excluded):
        high, high_excluded = Fraction(-(-high // 1) - 1), False
    return high < bound or (high == bound and (high_excluded or not excluded))


def multiple(_: Prover, whole: Conjunction, __: Part, value: Any) -> bool:
    facts = whole.facts
    if "number" not in facts.types:
        return True
    step = exact(value)
    known = [*facts.multiples, *([Fraction(1)] if facts.integral else [])]
    return any((one / step).denominator == 1 for one in known)


def shortest(_: Prover, whole: Conjunction, __: Part, value: Any) -> bool:
    facts = whole.facts
    return "string" not in facts.types or facts.least("minLength") >= value or _no_text(facts, most=int(value) - 1)


def longest(_: Prover, whole: Conjunction, __: Part, value: Any) -> bool:
    facts = whole.facts
    most = facts.most("maxLength")
    if "string" not in facts.types or (most is not None and most <= value):
        return True
    return _no_text(facts, least=int(value) + 1)


def pattern(_: Prover, whole: Conjunction, __: Part, value: Any) -> bool:
    facts = whole.facts
    if "string" not in facts.types or value in facts.patterns:
        return True
    return _no_text(facts, avoid=(value,))


def _no_text(facts: Facts, avoid: tuple[str, ...] = (), least: int = 0, most: int | None = None) -> bool:
    lowest = max(least, facts.least("minLength"))
    bounds = [one for one in (most, facts.most("maxLength")) if one is not None]
    try:
        return language.find(facts.patterns, avoid, min_length=lowest, max_length=min(bounds, default=None)) is None
    except language.LanguageUnknown:
        return False


def format_(_: Prover, whole: Conjunction, goal: Part, value: Any) -> bool:
    if "string" not in whole.facts.types or value not in ASSERTED[goal.document.dialect]:
        return True
    known = whole.facts.formats
    return value in known or any(value in WITHIN.get(one, ()) for one in known)


def fewest_items(_: Prover, whole: Conjunction, __: Part, value: Any) -> bool:
    facts = whole.facts
    if "array" not in facts.types or facts.least("minItems") >= value:
        return True
    contained = [int(part.schema.get("minContains", 1)) for _, part in whole.each("contains")]
    return bool(max(contained, default=0) >= value)


def most_items(prover: Prover, whole: Conjunction, __: Part, value: Any) -> bool:
    facts = whole.facts
    most = facts.most("maxItems")
    if "array" not in facts.types or (most is not None and most <= value):
        return True
    if prover.nothing_beneath(facts.at_index(int(value))):
        return True
    places = [facts.at_index(index) for index in range(facts.prefix + 1)]
    return any(
        part.schema.get("maxContains", value + 1) <= value
        and all(prover.beneath(one, Part(wanted, part.document)) for one in places)
        for wanted, part in whole.each("contains")
    )


def unique(_: Prover, whole: Conjunction, __: Part, value: Any) -> bool:
    facts = whole.facts
    most = facts.most("maxItems")
    return value is not True or "array" not in facts.types or facts.unique or (most is not None and most <= 1)


def items(prover: Prover, whole: Conjunction, goal: Part, _: Any) -> bool:
    """items, prefixItems, additionalItems and unevaluatedItems: position by position."""
    facts = whole.facts
    if "array" not in facts.types:
        return True
    demands = _positions_demanded(goal)
    most = facts.most("maxItems")
    for index in range(max(facts.prefix, len(demands[0])) + 1):
        if most is not None and index >= most:
            return True
        wanted = demands[0][index] if index < len(demands[0]) else demands[1]
        if wanted is not None and not prover.beneath(facts.at_index(index), Part(wanted, goal.document)):
            return False
        if prover.nothing_beneath(facts.at_index(index)):
            return True  # the array ends here
    return True


def _positions_demanded(goal: Part) -> tuple[list[Any], Any]:
    schema = goal.schema
    if goal.document.dialect == "2020-12":
        first, rest = list(schema.get("prefixItems", [])), schema.get("items")
    elif isinstance(schema.get("items"), list):
        first, rest = list(schema["items"]), schema.get("additionalItems")
    else:
        first, rest = [], schema.get("items")
    if rest is None and "unevaluatedItems" in schema:
        # What a branch evaluates only sometimes is asked for always: more than needed, so never wrong.
        reach, everything = _evaluated_positions(goal, 0)
        if not everything:
            first += [True] * (reach - len(first))
            rest = schema["unevaluatedItems"]
    return first, rest


def _evaluated_positions(goal: Part, depth: int) -> tuple[int, bool]:
    schema = goal.schema
    if not isinstance(schema, dict) or depth > 16:
        return 0, False
    tuples = schema.get("prefixItems", [])
    listed = schema.get("items")
    reach, everything = len(tuples), isinstance(listed, (dict, bool))
    if isinstance(listed, list):
        reach, everything = len(listed), "additionalItems" in schema
    for inner in in_place(goal, sure=True):
        more, all_of_it = _evaluated_positions(Part(inner, goal.document), depth + 1)
        reach, everything = max(reach, more), everything or all_of_it
        everything = everything or (isinstance(inner, dict) and "unevaluatedItems" in inner)
    return reach, everything


def contains(prover: Prover, whole: Conjunction, goal: Part, value: Any) -> bool:
    facts = whole.facts
    if "array" not in facts.types:
        return True
    least, most = int(goal.schema.get("minContains", 1)), goal.schema.get("maxContains")
    wanted = Part(value, goal.document)
    return _enough(prover, facts, wanted, least) and (most is None or _not_too_many(prover, facts, wanted, int(most)))


def _enough(prover: Prover, facts: Facts, wanted: Part, least: int) -> bool:
    if least == 0:
        return True
    places = range(facts.prefix + 1)
    for value, part in facts.whole.each("contains"):
        if int(part.schema.get("minContains", 1)) >= least:
            found = Part(value, part.document)
            if all(prover.beneath(facts.at_index(index).also(found), wanted) for index in places):
                return True
    sure = facts.least("minItems")
    fitting = 0
    for index in range(min(sure, facts.prefix)):
        fitting += prover.beneath(facts.at_index(index), wanted)
    if sure > facts.prefix and prover.beneath(facts.at_index(facts.prefix), wanted):
        fitting += sure - facts.prefix
    return fitting >= least


def _not_too_many(prover: Prover, facts: Facts, wanted: Part, most: int) -> bool:
    limit = facts.most("maxItems")
    if limit is not None and limit <= most:
        return True
    places = [facts.at_index(index).also(wanted) for index in range(facts.prefix + 1)]
    if all(prover.nothing_beneath(one) for one in places):
        return True
    for value, part in facts.whole.each("contains"):
        bound = part.schema.get("maxContains")
        counted = bound is not None and bound <= most
        if counted and all(prover.beneath(one, Part(value, part.document)) for one in places):
            return True
    return False


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


def all_of(prover: Prover, whole: Conjunction, goal: Part, value: Any) -> bool:
    return all(prover.holds(whole, Part(one, goal.document)) for one in value)


def any_of(prover: Prover, whole: Conjunction, goal: Part, value: Any) -> bool:
    branches = [Part(one, goal.document) for one in value]
    return any(prover.holds(whole, one) for one in branches)


def one_of(prover: Prover, whole: Conjunction, goal: Part, value: Any) -> bool:
    """At least one, and no two at once."""
    if not any_of(prover, whole, goal, value):
        return False
    branches = [Part(one, goal.document) for one in value]
    return all(prover.empty(whole.also(one, other)) for one, other in combinations(branches, 2))


def not_(prover: Prover, whole: Conjunction, goal: Part, value: Any) -> bool:
    return prover.empty(whole.also(Part(value, goal.document)))


def if_(prover: Prover, whole: Conjunction, goal: Part, value: Any) -> bool:
    schema, document = goal.schema, goal.document
    condition = Part(value, document)
    then, otherwise = Part(schema.get("then", True), document), Part(schema.get("else", True), document)
    return prover.holds(whole.also(condition), then) and prover.holds(
        whole.also(denied=[condition]) if otherwise.schema is not True else whole, otherwise
    )


GOALS: dict[str, Goal] = {
    "type": type_, "enum": listed, "const": fixed,
    "minimum": at_least, "exclusiveMinimum": above, "maximum": at_most, "exclusiveMaximum": below,
    "multipleOf": multiple,
    "minLength": shortest, "maxLength": longest, "pattern": pattern, "format": format_,
    "minItems": fewest_items, "maxItems": most_items, "uniqueItems": unique, "contains": contains,
    "items": items, "prefixItems": items, "additionalItems": items, "unevaluatedItems": items,
    "required": required, "minProperties": fewest_properties, "maxProperties": most_properties,
    "properties": properties, "patternProperties": properties, "additionalProperties": properties,
    "unevaluatedProperties": properties, "propertyNames": names,
    "dependentRequired": dependent, "dependentSchemas": dependent, "dependencies": dependent,
    "allOf": all_of, "anyOf": any_of, "oneOf": one_of, "not": not_, "if": if_,
}  # fmt: skip
