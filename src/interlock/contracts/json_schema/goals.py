"""What it takes to prove one keyword from the facts of a conjunction: a table, keyword by keyword.

Each function answers True only when every value of `whole` passes the keyword `value` of `goal`; the keywords that
belong together (properties, items, contains) are one function.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import combinations
from typing import TYPE_CHECKING, Any

from interlock.contracts.json_schema import array_goals as arrays
from interlock.contracts.json_schema import language
from interlock.contracts.json_schema import object_goals as objects
from interlock.contracts.json_schema.conjunction import Conjunction, Part, told_apart
from interlock.contracts.json_schema.facts import Facts, exact
from interlock.contracts.json_schema.formats import ASSERTED, WITHIN

if TYPE_CHECKING:
    from interlock.contracts.json_schema.proof import Prover

MAX_BRANCHES = 40
Goal = Callable[["Prover", Conjunction, Part, Any], bool]


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
    if facts.types != {"string"} or not facts.patterns:
        return False
    choice = language.one_of(value)
    return choice is not None and _no_text(facts, avoid=(choice,))


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


def all_of(prover: Prover, whole: Conjunction, goal: Part, value: Any) -> bool:
    return all(prover.holds(whole, Part(one, goal.document)) for one in value)


def any_of(prover: Prover, whole: Conjunction, goal: Part, value: Any) -> bool:
    return _some(prover, whole, goal, "anyOf")


def _some(prover: Prover, whole: Conjunction, goal: Part, keyword: str) -> bool:
    branches = [Part(one, goal.document) for one in goal.schema[keyword]]
    apart = told_apart(goal, keyword)
    if apart is not None and whole.facts.types == {"object"} and apart.name in whole.facts.required:
        values = whole.facts.at_name(apart.name).facts.finite
        if values is not None and len(values) == 1:
            at = apart.branches.get(repr(values[0]))
            return at is not None and prover.holds(whole, branches[at])
        if values is not None and len(branches) > MAX_BRANCHES:
            return False  # first by cases of that property
    return any(prover.holds(whole, one) for one in branches)


def one_of(prover: Prover, whole: Conjunction, goal: Part, value: Any) -> bool:
    """At least one, and no two at once."""
    if not _some(prover, whole, goal, "oneOf"):
        return False
    if told_apart(goal, "oneOf") is not None:
        return True
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
    "minItems": arrays.fewest_items, "maxItems": arrays.most_items, "uniqueItems": arrays.unique,
    "contains": arrays.contains, "items": arrays.items, "prefixItems": arrays.items,
    "additionalItems": arrays.items, "unevaluatedItems": arrays.items,
    "required": objects.required, "minProperties": objects.fewest_properties,
    "maxProperties": objects.most_properties, "properties": objects.properties,
    "patternProperties": objects.properties, "additionalProperties": objects.properties,
    "unevaluatedProperties": objects.properties, "propertyNames": objects.names,
    "dependentRequired": objects.dependent, "dependentSchemas": objects.dependent, "dependencies": objects.dependent,
    "allOf": all_of, "anyOf": any_of, "oneOf": one_of, "not": not_, "if": if_,
}  # fmt: skip
