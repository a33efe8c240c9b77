"""Searches a value of a conjunction that a schema refuses, aimed at the keyword that was not proved.

It only proposes; what leaves it has been confirmed by the validator on both sides.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, islice
from typing import Any

from interlock.contracts.json_schema import language
from interlock.contracts.json_schema.array_goals import positions_demanded
from interlock.contracts.json_schema.conjunction import Conjunction, Part
from interlock.contracts.json_schema.facts import Facts, exact, matches
from interlock.contracts.json_schema.formats import long_example
from interlock.contracts.json_schema.proof import Prover
from interlock.contracts.json_schema.samples import MAX_SIZE, Sampler, fits, leaves, number, seems
from interlock.contracts.json_schema.schema_document import SchemaDocument

# Searched to these depths in turn: a shallow witness is easier to read, and found sooner.
DEPTHS = (2, 5, 12, 30)
_STRANGE = ("not-a-valid-value", "", "!", " ", "ß", "a\nb", "0", "A", "x" * 40)


class Refuter:
    """Shares the prover, so that it looks only where nothing was proved, and its budget."""

    def __init__(self, prover: Prover) -> None:
        self.prover = prover
        self.budget = prover.budget
        self.sampler = Sampler(prover.budget)
        self._limit = DEPTHS[-1]

    def search(self, whole: Conjunction, goal: Part) -> Iterator[Any]:
        """Confirmed values of the whole that the goal refuses, shallow ones first. Raises Budget.Spent."""
        for self._limit in DEPTHS:
            yield from self.witnesses(whole, goal)

    def witnesses(self, whole: Conjunction, goal: Part, depth: int = 0) -> Iterator[Any]:
        """Confirmed: each fits the whole and not the goal."""
        finite = whole.facts.finite is not None
        for count, value in enumerate(self._proposed(whole, goal, depth)):
            self.budget.spend(not finite or count % 64 == 0)
            if depth == 0:
                shows = not goal.document.admits(goal.schema, value) and fits(whole, value)
            else:
                shows = not goal.document.seems(goal.schema, value) and seems(whole, value)
            if shows:
                yield value

    def _proposed(self, whole: Conjunction, goal: Part, depth: int) -> Iterator[Any]:
        if depth > self._limit or goal.schema is True:
            return
        if whole.facts.finite is not None:
            yield from whole.facts.finite
            return
        for leaf in leaves(whole):
            yield from self._aimed(leaf, goal, depth)
        yield from self.sampler.values(whole, min(depth, 4), 12)

    def _aimed(self, leaf: Conjunction, goal: Part, depth: int) -> Iterator[Any]:
        goal = goal.spoken()
        schema, document = goal.schema, goal.document
        facts: Facts = leaf.facts
        if not isinstance(schema, dict):
            yield from self.sampler.values(leaf, depth)
            return
        if "$ref" in schema:
            yield from self._aimed(leaf, Part(document.target(schema, schema["$ref"]), document), depth + 1)
            if document.ref_alone:
                return
        # Near a bound first: that is where a reader looks.
        if "number" in facts.types:
            yield from self._numbers(leaf, goal)
        if "string" in facts.types:
            yield from self._texts(facts, schema)
        if "type" in schema or "enum" in schema or "const" in schema:
            yield from self._other_types(leaf, depth)
        if "array" in facts.types:
            yield from self._arrays(facts, goal, depth)
        if "object" in facts.types:
            yield from self._objects(facts, goal, depth)
        yield from self._combined(leaf, goal, depth)

    def _other_types(self, leaf: Conjunction, depth: int) -> Iterator[Any]:
        yield from self.sampler.values(leaf, depth, 12)
        if "number" in leaf.facts.types:
            yield from (0.5, 1, -1, 1e300)

    def _combined(self, leaf: Conjunction, goal: Part, depth: int) -> Iterator[Any]:
        schema, document = goal.schema, goal.document
        for keyword in ("allOf", "anyOf", "oneOf"):
            for branch in schema.get(keyword, ()):
                yield from islice(self._aimed(leaf, Part(branch, document), depth + 1), 60)
        for one, other in combinations(schema.get("oneOf", ()), 2):
            yield from self.sampler.values(leaf.also(Part(one, document), Part(other, document)), depth)
        if len(schema.get("anyOf", ())) + len(schema.get("oneOf", ())) > 1:
            # Outside every branch at once.
            for keyword in ("anyOf", "oneOf"):
                denied = [Part(branch, document) for branch in schema.get(keyword, ())]
                for branch in denied:
                    yield from islice(self._aimed(leaf.also(denied=denied), branch, depth + 1), 30)
        if "not" in schema:
            yield from self.sampler.values(leaf.also(Part(schema["not"], document)), depth)
        if "if" in schema:
            condition = Part(schema["if"], document)
            if "then" in schema:
                yield from self.witnesses(leaf.also(condition), Part(schema["then"], document), depth + 1)
            if "else" in schema:
                yield from self.witnesses(leaf.also(denied=[condition]), Part(schema["else"], document), depth + 1)

    def _numbers(self, leaf: Conjunction, goal: Part) -> Iterator[Any]:
        schema, facts = goal.schema, leaf.facts
        step = max([*facts.multiples, exact(1)] if facts.integral else facts.multiples, default=None)
        for keyword in ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"):
            bound = schema.get(keyword)
            if isinstance(bound, bool) or bound is None:
                continue
            at = exact(bound)
            if step is not None:
                down, up = at // step * step, -(-at // step) * step
                yield from (number(one) for one in (down, up, down - step, up + step))
            else:
                yield from (number(one) for one in (at, at - 1, at + 1, at - exact(0.001), at + exact(0.001)))
        if "multipleOf" in schema:
            base = number(step) if step is not None else 1
            wanted = schema["multipleOf"]
            yield from (base, base * 2, base * 3, wanted / 2, wanted + base, 0.5 + wanted)
            for value in (facts.lower, facts.upper):
                if value is not None:
                    yield from (number(value[0] + shift) for shift in range(-3, 4))
        yield from self.sampler.numbers(facts)

    def _texts(self, facts: Facts, schema: dict[str, Any]) -> Iterator[str]:
        least, most = facts.least("minLength"), facts.most("maxLength")
        windows: list[tuple[int, int | None, tuple[str, ...]]] = [(least, most, ())]
        if "maxLength" in schema:
            windows.append((max(least, int(schema["maxLength"]) + 1), most, ()))
        if schema.get("minLength"):
            shorter = int(schema["minLength"]) - 1
            windows.append((least, shorter if most is None else min(most, shorter), ()))
        if "pattern" in schema:
            windows.append((least, most, (schema["pattern"],)))
        for values in (schema.get("enum"), [schema["const"]] if "const" in schema else None):
            choice = language.one_of(values) if values is not None else None
            if choice is not None:
                windows.append((least, most, (choice,)))
        for low, high, avoid in reversed(windows):
            for name in sorted(facts.formats):
                if low > 0 and (long := long_example(name, low)) is not None:
                    yield long
            try:
                found = language.find(facts.patterns, avoid, min_length=low, max_length=high)
            except language.LanguageUnknown:
                continue
            if found is not None:
                yield found
            if (low < 100_000 and not facts.patterns and high is None) or (high or 0) >= low:
                yield "x" * low
        yield from self.sampler.texts(facts)
        yield from _STRANGE

    def _arrays(self, facts: Facts, goal: Part, depth: int) -> Iterator[list[Any]]:
        schema, document = goal.schema, goal.document
        first, rest = positions_demanded(goal)
        bases = list(islice(self.sampler.arrays(facts, depth), 4))
        for index in range(max(len(first), facts.prefix) + 1):
            wanted = first[index] if index < len(first) else rest
            if wanted is None:
                continue
            at, part = facts.at_index(index), Part(wanted, document)
            if self._proved(at, part):
                continue
            for value in islice(self.witnesses(at, part, depth + 1), 3):
                for base in bases or [[]]:
                    yield from self.placed(facts, base, index, value, depth)
        for size in self._sizes(schema):
            built = self.sampler.array(facts, size, [], depth)
            if built is not None:
                yield built
                if facts.prefix == 0 and size > 1:
                    yield [built[0]] * size
        if schema.get("uniqueItems") is True:
            for base in bases:
                yield from ([*base, *base[-1:]], base[:1] * max(2, len(base)))
            one = self.sampler.one(facts.at_index(facts.prefix), depth + 1)
            if one and facts.least("minItems") < MAX_SIZE:
                yield one * max(2, facts.least("minItems"))
        if "contains" in schema:
            yield from self._uncontained(facts, Part(schema["contains"], document), schema, depth)
        yield from bases

    def _sizes(self, schema: dict[str, Any]) -> Iterator[int]:
        if "maxItems" in schema and schema["maxItems"] < MAX_SIZE:
            yield int(schema["maxItems"]) + 1
        if 0 < schema.get("minItems", 0) < MAX_SIZE:
            yield int(schema["minItems"]) - 1
        yield from (0, 1, 2)

    def placed(self, facts: Facts, base: list[Any], index: int, value: Any, depth: int) -> Iterator[list[Any]]:
        built = list(base)
        while len(built) <= index:
            found = self.sampler.one(facts.at_index(len(built)), depth + 1)
            if not found:
                return
            built += found
        yield [*built[:index], value, *built[index + 1 :]]
        yield [*built[:index], value]

    def _uncontained(self, facts: Facts, wanted: Part, schema: dict[str, Any], depth: int) -> Iterator[list[Any]]:
        at = facts.at_index(facts.prefix)
        out = list(islice(self.witnesses(at, wanted, depth + 1), 2))
        into = self.sampler.one(at.also(wanted), depth + 1)
        least = facts.least("minItems")
        counts = [schema.get("minContains", 1), schema.get("maxContains", 1)]
        if max(least, *counts) > MAX_SIZE:
            return
        for value in out:
            yield from ([value] * max(least, 1), [value] * max(least, 2), [])
            few = int(schema.get("minContains", 1)) - 1
            if into and few > 0:
                yield into * few + [value] * max(0, least - few)
        if into and schema.get("maxContains") is not None:
            yield into * (int(schema["maxContains"]) + 1)
        if into:
            few = int(schema.get("minContains", 1)) - 1
            yield into * max(few, least)

    def _objects(self, facts: Facts, goal: Part, depth: int) -> Iterator[dict[str, Any]]:
        bases = list(islice(self.sampler.objects(facts, depth), 3))
        yield from self._wrong_values(facts, goal, depth, bases)
        yield from self._wrong_names(facts, goal, depth, bases)
        yield from self._dependents(facts, goal, depth, bases)
        for base in bases:
            for name in goal.schema.get("required", ()) if isinstance(goal.schema.get("required"), list) else ():
                yield {key: value for key, value in base.items() if key != name}
        yield from bases
        most = goal.schema.get("maxProperties")
        if most is not None and most < 200:
            yield from self._padded(facts, bases, int(most) + 1, depth)
        yield {}

    def _wrong_values(
        self, facts: Facts, goal: Part, depth: int, bases: list[dict[str, Any]]
    ) -> Iterator[dict[str, Any]]:
        schema, document = goal.schema, goal.document
        named = schema.get("properties", {})
        patterns = schema.get("patternProperties", {})
        rest = next((schema[one] for one in ("additionalProperties", "unevaluatedProperties") if one in schema), None)
        for name in [*named, *sorted(facts.names - set(named))]:
            wanted = [found for one, found in patterns.items() if matches(one, name)]
            if name in named:
                wanted.append(named[name])
            elif not wanted and rest is not None:
                wanted.append(rest)
            at = facts.at_name(name)
            for one in wanted:
                part = Part(one, document)
                if not self._proved(at, part):
                    yield from self._set(facts, name, self.witnesses(at, part, depth + 1), bases)

    def _set(
        self, facts: Facts, name: str, values: Iterator[Any], bases: list[dict[str, Any]]
    ) -> Iterator[dict[str, Any]]:
        for value in islice(values, 4):
            for base in bases or [{}]:
                yield {**base, name: value}
            needed = {key: kept for key, kept in bases[-1].items() if key in facts.required} if bases else {}
            yield {**needed, name: value}

    def _wrong_names(
        self, facts: Facts, goal: Part, depth: int, bases: list[dict[str, Any]]
    ) -> Iterator[dict[str, Any]]:
        schema, document = goal.schema, goal.document
        patterns = schema.get("patternProperties", {})
        rest = next((schema[one] for one in ("additionalProperties", "unevaluatedProperties") if one in schema), None)
        limits = schema.get("propertyNames", True)
        if not patterns and rest in (None, True) and limits is True:
            return
        for name in islice(dict.fromkeys(self._names(facts, schema, depth)), 40):
            at = facts.at_name(name)
            if at.never:
                continue
            wanted = [found for one, found in patterns.items() if matches(one, name)]
            if not wanted and rest is not None and name not in schema.get("properties", {}):
                wanted = [rest]
            if not document.admits(limits, name):
                wanted.append(False)
            for one in wanted:
                yield from self._set(facts, name, self.witnesses(at, Part(one, document), depth + 1), bases)

    def _names(self, facts: Facts, schema: dict[str, Any], depth: int) -> Iterator[str]:
        every = sorted(set(schema.get("patternProperties", {})) | facts.name_patterns)
        for one in every:
            for others in ((), tuple(other for other in every if other != one)):
                try:
                    found = language.find((one,), others)
                except language.LanguageUnknown:
                    continue
                if found is not None:
                    yield found
        for one, other in combinations(every[:6], 2):
            try:
                both = language.find((one, other))
            except language.LanguageUnknown:
                continue
            if both is not None:
                yield both
        if "propertyNames" in schema:
            limits = facts.whole.made([Part(value, part.document) for value, part in facts.whole.each("propertyNames")])
            for leaf in leaves(limits, 4):
                wanted = schema["propertyNames"] if isinstance(schema["propertyNames"], dict) else {}
                yield from self._texts(leaf.facts, wanted)
        yield from sorted(facts.names)
        yield from islice(self.sampler.other_names(facts), 12)

    def _dependents(
        self, facts: Facts, goal: Part, depth: int, bases: list[dict[str, Any]]
    ) -> Iterator[dict[str, Any]]:
        schema, document = goal.schema, goal.document
        for keyword in ("dependentRequired", "dependentSchemas", "dependencies"):
            for name, wanted in schema.get(keyword, {}).items():
                found = self.sampler.one(facts.at_name(name), depth + 1)
                if not found:
                    continue
                missing = wanted if isinstance(wanted, list) else []
                for base in [*bases, {}]:
                    full = {**base, name: found[0]}
                    yield full
                    for gone in missing:
                        yield {key: value for key, value in full.items() if key != gone}
                if isinstance(wanted, dict):
                    yield from islice(
                        self.witnesses(self._with(facts, name, document), Part(wanted, document), depth + 1), 3
                    )

    @staticmethod
    def _with(facts: Facts, name: str, document: SchemaDocument) -> Conjunction:
        return facts.whole.also(Part(document.made({"required": [name]}), document))

    def _padded(self, facts: Facts, bases: list[dict[str, Any]], size: int, depth: int) -> Iterator[dict[str, Any]]:
        built = dict(bases[0]) if bases else {}
        for name in [*sorted(facts.names), *islice(self.sampler.other_names(facts), 60)]:
            if len(built) >= size:
                break
            found = self.sampler.one(facts.at_name(name), depth + 1) if name not in built else []
            if found:
                built[name] = found[0]
        yield built
        small = dict(list(built.items())[:size])
        yield small

    def _proved(self, whole: Conjunction, goal: Part) -> bool:
        return self.prover.proves(whole, goal)
