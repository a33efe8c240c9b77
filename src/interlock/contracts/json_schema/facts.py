"""What a conjunction says outright, merged: its types, bounds, patterns, names and positions.

Everything here is necessary for a value of the conjunction, never more than what its schemas say; closed choices and
denied parts are left out. So a conclusion drawn from facts is sound, and a missing one only costs an answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Any

from interlock.contracts.json_schema.conjunction import Conjunction, Part
from interlock.contracts.json_schema.formats import ASSERTED, LANGUAGE
from interlock.contracts.json_schema.validator import compiled

TYPES = frozenset({"null", "boolean", "number", "string", "array", "object"})
FALSE = False
_ANYTHING = {"additionalProperties": True}
_IN_PLACE = ("allOf", "anyOf", "oneOf", "if", "then", "else", "$ref", "$dynamicRef", "dependentSchemas", "not")


@lru_cache(maxsize=20_000)
def matches(pattern: str, text: str) -> bool:
    """As the validator matches."""
    return bool(_pattern(pattern).is_valid(text))


@lru_cache(maxsize=2000)
def _pattern(pattern: str) -> Any:
    return compiled({"pattern": pattern})


def exact(number: Any) -> Fraction:
    """The number as it is written: 0.1 is a tenth."""
    return Fraction(str(number)) if isinstance(number, float) else Fraction(number)


class Facts:
    """Computed when asked, kept with the conjunction."""

    def __init__(self, whole: Conjunction) -> None:
        self.whole = whole
        self._at: dict[Any, Conjunction] = {}

    @cached_property
    def _stated(self) -> tuple[frozenset[str], bool]:
        types, integral = TYPES, False
        for value, _ in self.whole.each("type"):
            named = {value} if isinstance(value, str) else set(value)
            integral = integral or ("integer" in named and "number" not in named)
            types &= {"number" if one == "integer" else one for one in named}
        return types, integral

    @property
    def types(self) -> frozenset[str]:
        """integer counts as number."""
        return self._stated[0]

    @property
    def integral(self) -> bool:
        """Numbers, if any, are integers."""
        return self._stated[1] or any(one.denominator == 1 for one in self.multiples)

    @cached_property
    def finite(self) -> list[Any] | None:
        """All values that every part takes and no denied part does, when enum, const or the types list them."""
        listed: list[Any] | None = None
        for value, _ in self.whole.each("enum"):
            listed = value if listed is None or len(value) < len(listed) else listed
        for value, _ in self.whole.each("const"):
            listed = [value]
        if listed is None and self.types <= {"null", "boolean"}:
            listed = [*([None] if "null" in self.types else []), *([False, True] if "boolean" in self.types else [])]
        if listed is None:
            return None
        if self.whole.never:
            return []
        parts, denied = self.whole.given, self.whole.denied
        return [
            value
            for value in listed
            if all(part.document.admits(part.schema, value) for part in parts)
            and not any(part.document.admits(part.schema, value) for part in denied)
        ]

    # Numbers.

    @cached_property
    def lower(self) -> tuple[Fraction, bool] | None:
        """The greatest lower bound, and whether it is excluded."""
        return max(self._bounds("minimum", "exclusiveMinimum"), default=None)

    @cached_property
    def upper(self) -> tuple[Fraction, bool] | None:
        found = [(bound, not excluded) for bound, excluded in self._bounds("maximum", "exclusiveMaximum")]
        least = min(found, default=None)
        return None if least is None else (least[0], not least[1])

    def _bounds(self, plain: str, exclusive: str) -> Iterator[tuple[Fraction, bool]]:
        for value, part in self.whole.each(plain):
            yield exact(value), part.schema.get(exclusive) is True
        for value, _ in self.whole.each(exclusive):
            if not isinstance(value, bool):
                yield exact(value), True

    @cached_property
    def multiples(self) -> list[Fraction]:
        return [exact(value) for value, _ in self.whole.each("multipleOf")]

    # Bounds of size.

    def least(self, keyword: str) -> int:
        """The greatest of `minLength`, `minItems`, `minProperties`; 0 when there is none."""
        return max((int(value) for value, _ in self.whole.each(keyword)), default=0)

    def most(self, keyword: str) -> int | None:
        return min((int(value) for value, _ in self.whole.each(keyword)), default=None)

    # Texts.

    @cached_property
    def patterns(self) -> tuple[str, ...]:
        """What every text matches, by `pattern` or by what its format looks like."""
        found = {value for value, _ in self.whole.each("pattern")}
        return tuple(sorted(found | {LANGUAGE[one] for one in self.formats & LANGUAGE.keys()}))

    @cached_property
    def formats(self) -> frozenset[str]:
        """Those that the validator asserts."""
        return frozenset(value for value, part in self.whole.each("format") if value in ASSERTED[part.document.dialect])

    # Objects.

    @cached_property
    def required(self) -> frozenset[str]:
        names = {name for value, _ in self.whole.each("required") if isinstance(value, list) for name in value}
        while True:
            more = {
                wanted
                for keyword in ("dependentRequired", "dependencies")
                for value, _ in self.whole.each(keyword)
                for name, listed in value.items()
                if name in names and isinstance(listed, list)
                for wanted in listed
            }
            if more <= names:
                return frozenset(names)
            names |= more

    @cached_property
    def names(self) -> frozenset[str]:
        """Every property name that is mentioned."""
        found = {name for value, _ in self.whole.each("properties") for name in value}
        return frozenset(found | self.required | self._evaluable[0])

    @cached_property
    def name_patterns(self) -> frozenset[str]:
        found = {pattern for value, _ in self.whole.each("patternProperties") for pattern in value}
        return frozenset(found | self._evaluable[1])

    @cached_property
    def _evaluable(self) -> tuple[set[str], set[str]]:
        """Names and patterns that closed branches mention: what unevaluatedProperties says does not hold for them."""
        names: set[str] = set()
        patterns: set[str] = set()
        for _, part in self.whole.each("unevaluatedProperties"):
            for schema in _beside(part, {}).values():
                names |= set(schema.get("properties", {}))
                patterns |= set(schema.get("patternProperties", {}))
        return names, patterns

    def at_name(self, name: str) -> Conjunction:
        """What the value of this property has to be; never, when the property cannot be there."""
        if name in self._at:
            return self._at[name]
        parts = list(self._under(name, lambda pattern: matches(pattern, name)))
        for value, part in self.whole.each("propertyNames"):
            if not part.document.admits(value, name):
                parts.append(Part(FALSE, part.document))
        known = self._at[name] = self.whole.made(parts)
        return known

    def at_class(self, matched: frozenset[str]) -> Conjunction:
        """The same for the names that nobody mentions and that match exactly these patterns."""
        if matched not in self._at:
            self._at[matched] = self.whole.made(self._under(None, matched.__contains__))
        return self._at[matched]

    def _under(self, name: str | None, matching: Any) -> Iterator[Part]:
        for part in self.whole.parts:
            schema, document = part.schema, part.document
            hits = [found for pattern, found in schema.get("patternProperties", {}).items() if matching(pattern)]
            if name is not None and name in schema.get("properties", {}):
                hits.append(schema["properties"][name])
            if not hits and "additionalProperties" in schema:
                hits.append(schema["additionalProperties"])
            elif not hits and "unevaluatedProperties" in schema and not _may_evaluate(part, name, matching, set()):
                hits.append(schema["unevaluatedProperties"])
            yield from (Part(found, document) for found in hits)

    # Arrays.

    @cached_property
    def prefix(self) -> int:
        """From this position on, all positions are alike."""
        return max((len(_positions(part)[0]) for part in self.whole.parts), default=0)

    def at_index(self, index: int) -> Conjunction:
        if index not in self._at:
            self._at[index] = self.whole.made(self._placed(index))
        return self._at[index]

    def _placed(self, index: int) -> Iterator[Part]:
        for part in self.whole.parts:
            first, rest = _positions(part)
            found = first[index] if index < len(first) else rest
            if found is not None:
                yield Part(found, part.document)

    @cached_property
    def unique(self) -> bool:
        return any(value is True for value, _ in self.whole.each("uniqueItems"))


def _positions(part: Part) -> tuple[list[Any], Any]:
    """Schemas by position, and of the rest (None: anything)."""
    schema = part.schema
    if part.document.dialect == "2020-12":
        first, rest = schema.get("prefixItems", []), schema.get("items")
    elif isinstance(schema.get("items"), list):
        first, rest = schema["items"], schema.get("additionalItems")
    else:
        first, rest = [], schema.get("items")
    if rest is None and "unevaluatedItems" in schema and not any(name in schema for name in (*_IN_PLACE, "contains")):
        rest = schema["unevaluatedItems"]
    return first, rest


def _may_evaluate(part: Part, name: str | None, matching: Any, seen: set[tuple[int, int]]) -> bool:
    """Whether some branch in place could evaluate the name: then unevaluatedProperties says nothing sure of it."""
    schema, document = part.schema, part.document
    if not isinstance(schema, dict) or part.key in seen:
        return False
    seen.add(part.key)
    if name is not None and name in schema.get("properties", {}):
        return True
    if any(matching(pattern) for pattern in schema.get("patternProperties", {})):
        return True
    # Beneath the part that asks, these evaluate everything.
    if len(seen) > 1 and ("additionalProperties" in schema or "unevaluatedProperties" in schema):
        return True
    return any(_may_evaluate(Part(one, document), name, matching, seen) for one in in_place(part))


def _beside(part: Part, seen: dict[tuple[int, int], dict[str, Any]]) -> dict[tuple[int, int], dict[str, Any]]:
    """Every schema that may look at the same value."""
    if isinstance(part.schema, dict) and part.key not in seen:
        seen[part.key] = part.schema
        for one in in_place(part):
            _beside(Part(one, part.document), seen)
    return seen


def in_place(part: Part, *, sure: bool = False) -> Iterator[Any]:
    """The sub-schemas that look at the same value; `sure`: only those that must hold."""
    schema, document = part.schema, part.document
    if "$ref" in schema:
        yield document.target(schema, schema["$ref"])
    yield from schema.get("allOf", ())
    if sure:
        return
    if "$dynamicRef" in schema:
        yield _ANYTHING
    for keyword in ("anyOf", "oneOf"):
        yield from schema.get(keyword, ())
    for keyword in ("if", "then", "else"):
        if keyword in schema:
            yield schema[keyword]
    for keyword in ("dependentSchemas", "dependencies"):
        yield from (one for one in schema.get(keyword, {}).values() if isinstance(one, (dict, bool)))
