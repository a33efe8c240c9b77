"""What it takes to prove a keyword of arrays; see goals.py for the table and the contract of these functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from interlock.contracts.json_schema.conjunction import Conjunction, Part
from interlock.contracts.json_schema.facts import Facts, in_place

if TYPE_CHECKING:
    from interlock.contracts.json_schema.proof import Prover


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
    demands = positions_demanded(goal)
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


def positions_demanded(goal: Part) -> tuple[list[Any], Any]:
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
