"""What was changed between two schemas, place by place: the structure only; what it means is decided elsewhere.

Sub-schemas are paired by property name, position, and, for branches, by what they share most. References are followed
and each pair of schemas is looked at once, so recursion ends.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from interlock.contracts.json_schema.conjunction import Part
from interlock.contracts.pointer import ABSENT
from interlock.model.classification import Classification

BOUNDS = {
    "minimum": "minimum", "maximum": "maximum", "exclusiveMinimum": "exclusive-minimum",
    "exclusiveMaximum": "exclusive-maximum", "minLength": "min-length", "maxLength": "max-length",
    "minItems": "min-items", "maxItems": "max-items", "minProperties": "min-properties",
    "maxProperties": "max-properties", "minContains": "min-contains", "maxContains": "max-contains",
}  # fmt: skip
WHOLE = {"pattern": "pattern", "format": "format", "const": "const", "multipleOf": "multiple-of"}
SINGLE = {
    "items": "items", "additionalItems": "additional-items", "contains": "contains", "propertyNames": "property-names",
    "not": "not", "if": "if", "then": "then", "else": "else", "unevaluatedProperties": "unevaluated-properties",
    "unevaluatedItems": "unevaluated-items",
}  # fmt: skip
BRANCHES = {"allOf": "all-of", "anyOf": "any-of", "oneOf": "one-of"}
MAPPED = {"patternProperties": "pattern-property", "dependentSchemas": "dependent-schema"}
ANNOTATIONS = {
    "title": "title", "description": "description", "default": "default", "examples": "examples",
    "deprecated": "deprecated", "readOnly": "read-only", "writeOnly": "write-only", "$comment": "comment",
    "$id": "id", "id": "id", "$schema": "dialect",
}  # fmt: skip
# An enum that changed in more values than these is told as a whole.
MAX_VALUES = 50
Tokens = tuple[str, ...]
_Next = tuple[tuple[Part, Part], tuple[Tokens, Tokens], "Way | None", Tokens]
_CLASSES = tuple(str(one.value) for one in Classification)


@dataclass(frozen=True, slots=True)
class Way:
    """How the walk came to a pair of schemas: by `step`, the tokens from the pair above. The root has no step."""

    above: Way | None
    step: tuple[str, ...]
    old: Part
    new: Part


@dataclass(frozen=True, slots=True)
class Fact:
    """One place that changed. The places are where its keyword stands or would stand, on both sides.

    olds, news  the schemas around it, for the question what it means here
    name        the property, for `required` and its kin
    at, to      the places of the schemas around it
    way         how the walk came there, a shortest one
    """

    rule: str
    old_place: tuple[str, ...]
    new_place: tuple[str, ...]
    old: Any
    new: Any
    olds: Part
    news: Part
    name: str = ""
    at: tuple[str, ...] = ()
    to: tuple[str, ...] = ()
    way: Way | None = None


class Walk:
    """One walk over one pair of documents."""

    def __init__(self) -> None:
        self._seen: set[tuple[int, int]] = set()
        self._below: deque[_Next] = deque()

    def facts(self, old: Part, new: Part) -> Iterator[Fact]:
        """Of two whole documents, those near the root first."""
        self._below.append(((old, new), ((), ()), None, ()))
        while self._below:
            yield from self._pair(*self._below.popleft())

    def _pair(
        self, pair: tuple[Part, Part], places: tuple[Tokens, Tokens], above: Way | None, step: Tokens
    ) -> Iterator[Fact]:
        old, at = _followed(pair[0], places[0])
        new, to = _followed(pair[1], places[1])
        key = (id(old.schema), id(new.schema))
        if key in self._seen or _alike(old, new):
            return
        self._seen.add(key)
        way = Way(above, step, old, new)
        sides = (old.schema, new.schema)
        if not all(isinstance(one, dict) for one in sides) or sum("$ref" in one for one in sides) == 1:
            empty = [one is True or one == {} for one in sides]
            rule = "schema-constrained" if empty[0] else "schema-freed" if empty[1] else "schema-changed"
            if not all(empty):
                yield Fact(rule, at, to, old.schema, new.schema, old, new, "", at, to, way)
            return
        place = _Place(old, new, at, to, way)
        if "$ref" in old.schema:
            # Beside a reference other keywords stand: both count.
            (before, over), (after, under) = _target(old, at), _target(new, to)
            self._below.append(((before, after), (over, under), way, ("$ref",)))
        yield from _own(place)
        yield from self._children(place)

    def _children(self, place: _Place) -> Iterator[Fact]:
        yield from self._properties(place)
        for keyword, word in SINGLE.items():
            yield from self._single(place, keyword, word)
        yield from self._additional(place)
        for keyword in ("prefixItems", "items"):
            yield from self._positions(place, keyword)
        moved = _became(place)
        if moved is not None:
            yield from self._moved(place, *moved)
        for keyword, word in BRANCHES.items():
            if moved is None or keyword not in moved:
                yield from self._branches(place, keyword, keyword, word)
        for keyword, word in MAPPED.items():
            yield from self._mapped(place, keyword, word)
        yield from self._dependencies(place)

    def _properties(self, place: _Place) -> Iterator[Fact]:
        old, new = place.both("properties", {})
        for name in dict.fromkeys([*old, *new]):
            tokens = ("properties", name)
            if name in old and name in new:
                self._down(place, tokens, old[name], new[name])
            elif name in new:
                needed = name in (place.new.schema.get("required") or ())
                rule = "property-added-required" if needed else "property-added-optional"
                yield place.fact(rule, tokens, ABSENT, new[name], name)
            else:
                yield place.fact("property-removed", tokens, old[name], ABSENT, name)

    def _single(self, place: _Place, keyword: str, word: str) -> Iterator[Fact]:
        old, new = place.both(keyword, ABSENT)
        if isinstance(old, list) or isinstance(new, list):
            return  # the older `items` by position
        if keyword in ("then", "else") and ("if" in place.old.schema) != ("if" in place.new.schema):
            return  # said by the condition
        if old is ABSENT and new is not ABSENT:
            yield place.fact(f"{word}-added", (keyword,), ABSENT, new)
        elif new is ABSENT and old is not ABSENT:
            yield place.fact(f"{word}-removed", (keyword,), old, ABSENT)
        elif old is not ABSENT:
            self._down(place, (keyword,), old, new)

    def _additional(self, place: _Place) -> Iterator[Fact]:
        old, new = place.both("additionalProperties", True)
        if isinstance(old, bool) and isinstance(new, bool):
            if old != new:
                rule = "additional-properties-opened" if new else "additional-properties-closed"
                yield place.fact(rule, ("additionalProperties",), old, new)
        elif isinstance(old, bool) or isinstance(new, bool):
            narrower = old is True or new is False
            rule = "additional-properties-constrained" if narrower else "additional-properties-freed"
            yield place.fact(rule, ("additionalProperties",), old, new)
        else:
            self._down(place, ("additionalProperties",), old, new)

    def _positions(self, place: _Place, keyword: str) -> Iterator[Fact]:
        old, new = place.both(keyword, ABSENT)
        if not isinstance(old, list) and not isinstance(new, list):
            return
        before, after = (one if isinstance(one, list) else [] for one in (old, new))
        for index in range(max(len(before), len(after))):
            tokens = (keyword, str(index))
            if index >= len(before):
                yield place.fact("prefix-item-added", tokens, ABSENT, after[index])
            elif index >= len(after):
                yield place.fact("prefix-item-removed", tokens, before[index], ABSENT)
            else:
                self._down(place, tokens, before[index], after[index])

    def _moved(self, place: _Place, before: str, after: str) -> Iterator[Fact]:
        """The same branches under the other word."""
        rule = f"{BRANCHES[before]}-became-{BRANCHES[after]}"
        old, new = place.old.schema[before], place.new.schema[after]
        yield place.fact(rule, (before,), old, new, new_tokens=(after,))
        yield from self._branches(place, before, after, BRANCHES[after])

    def _branches(self, place: _Place, before: str, after: str, word: str) -> Iterator[Fact]:
        """`before` and `after` are the keyword on either side."""
        old, new = place.old.schema.get(before, []), place.new.schema.get(after, [])
        pairs, gone, come = _matched(old, new)
        for i, j in pairs:
            below = Part(old[i], place.old.document), Part(new[j], place.new.document)
            places = (*place.at, before, str(i)), (*place.to, after, str(j))
            self._below.append((below, places, place.way, (before, str(i))))
        for i in gone:
            yield place.fact(f"{word}-branch-removed", (before, str(i)), old[i], ABSENT, new_tokens=(after, str(i)))
        for j in come:
            yield place.fact(f"{word}-branch-added", (before, str(j)), ABSENT, new[j], new_tokens=(after, str(j)))

    def _mapped(self, place: _Place, keyword: str, word: str) -> Iterator[Fact]:
        old, new = place.both(keyword, {})
        for name in dict.fromkeys([*old, *new]):
            tokens = (keyword, name)
            if name in old and name in new:
                self._down(place, tokens, old[name], new[name])
            else:
                rule = f"{word}-added" if name in new else f"{word}-removed"
                yield place.fact(rule, tokens, old.get(name, ABSENT), new.get(name, ABSENT), name)

    def _dependencies(self, place: _Place) -> Iterator[Fact]:
        for keyword in ("dependencies", "dependentRequired"):
            old, new = place.both(keyword, {})
            for name in dict.fromkeys([*old, *new]):
                before, after = old.get(name, ABSENT), new.get(name, ABSENT)
                if isinstance(before, (dict, bool)) and isinstance(after, (dict, bool)):
                    self._down(place, (keyword, name), before, after)
                elif before is ABSENT or after is ABSENT or before != after:
                    action = "added" if before is ABSENT else "removed" if after is ABSENT else "changed"
                    yield place.fact(f"dependency-{action}", (keyword, name), before, after, name)

    def _down(self, place: _Place, tokens: tuple[str, ...], old: Any, new: Any) -> None:
        """To be looked at next."""
        parts = Part(old, place.old.document), Part(new, place.new.document)
        self._below.append((parts, ((*place.at, *tokens), (*place.to, *tokens)), place.way, tokens))


@dataclass(frozen=True, slots=True)
class _Place:
    old: Part
    new: Part
    at: tuple[str, ...]
    to: tuple[str, ...]
    way: Way

    def both(self, keyword: str, default: Any) -> tuple[Any, Any]:
        return self.old.schema.get(keyword, default), self.new.schema.get(keyword, default)

    def fact(
        self,
        rule: str,
        tokens: tuple[str, ...],
        old: Any,
        new: Any,
        name: str = "",
        new_tokens: tuple[str, ...] | None = None,
    ) -> Fact:
        places = (*self.at, *tokens), (*self.to, *(tokens if new_tokens is None else new_tokens))
        return Fact(rule, *places, old, new, self.old, self.new, name, self.at, self.to, self.way)


def _became(place: _Place) -> tuple[str, str] | None:
    """oneOf that became anyOf, or anyOf that became oneOf."""
    for before, after in (("oneOf", "anyOf"), ("anyOf", "oneOf")):
        old, new = place.old.schema, place.new.schema
        if before in old and after not in old and after in new and before not in new:
            return before, after
    return None


def _own(place: _Place) -> Iterator[Fact]:
    """The keywords that have no schema inside."""
    yield from _types(place)
    yield from _enum(place)
    for keyword, word in BOUNDS.items():
        yield from _bound(place, keyword, word)
    for keyword, word in WHOLE.items():
        old, new = place.both(keyword, ABSENT)
        if not _equal(old, new):
            action = "added" if old is ABSENT else "removed" if new is ABSENT else "changed"
            yield place.fact(f"{word}-{action}", (keyword,), old, new)
    before, after = (one if isinstance(one, list) else [] for one in place.both("required", []))
    known = [side.schema.get("properties", {}) for side in (place.old, place.new)]
    for name in dict.fromkeys([*before, *after]):
        # Where the property itself came or went, that is the change.
        if (name in before) != (name in after) and (name in known[0]) == (name in known[1]):
            rule = "required-added" if name in after else "required-removed"
            yield place.fact(rule, ("required",), _there(name in before, name), _there(name in after, name), name)
    old, new = place.both("uniqueItems", False)
    if bool(old) != bool(new):
        yield place.fact("unique-items-added" if new else "unique-items-removed", ("uniqueItems",), old, new)
    yield from _annotations(place)


def _there(present: bool, value: Any) -> Any:
    return value if present else ABSENT


def _types(place: _Place) -> Iterator[Fact]:
    old, new = place.both("type", ABSENT)
    if _equal(old, new):
        return
    before, after = _kinds(old), _kinds(new)
    if before == after:
        return
    rule = "type-widened" if before <= after else "type-narrowed" if after <= before else "type-changed"
    yield place.fact(rule, ("type",), old, new)


def _kinds(stated: Any) -> set[str]:
    if stated is ABSENT:
        return {"null", "boolean", "number", "integer", "string", "array", "object"}
    named = {stated} if isinstance(stated, str) else set(stated)
    return named | {"integer"} if "number" in named else named


def _enum(place: _Place) -> Iterator[Fact]:
    old, new = place.both("enum", ABSENT)
    if _equal(old, new):
        return
    if not isinstance(old, list) or not isinstance(new, list):
        yield place.fact("enum-added" if old is ABSENT else "enum-removed", ("enum",), old, new)
        return
    before, after = {repr(one): one for one in old}, {repr(one): one for one in new}
    gone = [one for text, one in before.items() if text not in after]
    come = [one for text, one in after.items() if text not in before]
    if max(len(gone), len(come)) > MAX_VALUES:
        yield place.fact("enum-changed", ("enum",), old, new)
        return
    for one in gone:
        yield place.fact("enum-value-removed", ("enum",), one, ABSENT, repr(one))
    for one in come:
        yield place.fact("enum-value-added", ("enum",), ABSENT, one, repr(one))


def _bound(place: _Place, keyword: str, word: str) -> Iterator[Fact]:
    old, new = place.both(keyword, ABSENT)
    if _equal(old, new):
        return
    if isinstance(old, bool) or isinstance(new, bool):  # draft 4: a mark on the bound beside it
        rule = f"{word}-added" if new is True else f"{word}-removed"
    elif old is ABSENT or new is ABSENT:
        rule = f"{word}-added" if old is ABSENT else f"{word}-removed"
    else:
        rule = f"{word}-raised" if new > old else f"{word}-lowered"
    yield place.fact(rule, (keyword,), old, new)


def _annotations(place: _Place) -> Iterator[Fact]:
    for keyword, word in ANNOTATIONS.items():
        old, new = place.both(keyword, ABSENT)
        if not _equal(old, new):
            yield place.fact(f"{word}-changed", (keyword,), old, new)
    old, new = place.both("x-classification", ABSENT)
    if not _equal(old, new):
        lower = new is ABSENT or _level(new) < _level(old)
        yield place.fact(
            "classification-lowered" if lower else "classification-raised", ("x-classification",), old, new
        )


def _level(value: Any) -> int:
    return _CLASSES.index(value) if value in _CLASSES else -1


def _equal(old: Any, new: Any) -> bool:
    return bool(old is new or (old == new and repr(old) == repr(new)))


def _alike(old: Part, new: Part) -> bool:
    """Equal by text, and nothing in it is said elsewhere."""
    return _equal(old.schema, new.schema) and (
        not isinstance(old.schema, dict) or old.document.refers_to_nothing(old.schema)
    )


def _followed(part: Part, place: tuple[str, ...]) -> tuple[Part, tuple[str, ...]]:
    for _ in range(64):
        part = part.spoken()
        schema = part.schema
        if not isinstance(schema, dict) or not isinstance(schema.get("$ref"), str):
            break
        told = schema.keys() - ANNOTATIONS.keys() - {"$ref", "$defs", "definitions"}
        if told and not part.document.ref_alone:
            break
        part, place = _target(part, place)
    return part, place


def _target(part: Part, place: tuple[str, ...]) -> tuple[Part, tuple[str, ...]]:
    reference = part.schema["$ref"]
    found = part.document.target(part.schema, reference)
    return Part(found, part.document), part.document.place(part.schema, reference, found)


def _matched(old: list[Any], new: list[Any]) -> tuple[list[tuple[int, int]], list[int], list[int]]:
    """Branches that mean each other: equal ones, then those that share most."""
    left, right = list(range(len(old))), list(range(len(new)))
    scored = sorted(
        ((-_likeness(old[i], new[j]), abs(i - j), i, j) for i in left for j in right)
        if len(left) * len(right) <= 2500
        else ((-1.0, 0, i, i) for i in range(min(len(left), len(right))))
    )
    pairs: list[tuple[int, int]] = []
    for score, _, i, j in scored:
        if score < -0.3 and i in left and j in right:
            pairs.append((i, j))
            left.remove(i)
            right.remove(j)
    return sorted(pairs), left, right


def _likeness(old: Any, new: Any) -> float:
    """0 to 1. Equal references, titles and discriminating constants say more than the rest."""
    if _equal(old, new):
        return 1.0
    if not isinstance(old, dict) or not isinstance(new, dict):
        return 0.0
    for name in ("$ref", "title", "type", "const"):
        if name in old and name in new and not _equal(old[name], new[name]):
            return 0.0
        if name in ("$ref", "title") and name in old and name in new:
            return 0.9
    fixed = [_fixed(schema) for schema in (old, new)]
    shared = fixed[0].keys() & fixed[1].keys()
    if shared:
        return 0.95 if all(fixed[0][name] == fixed[1][name] for name in shared) else 0.0
    words = [set(schema) | set(schema.get("properties", {})) for schema in (old, new)]
    return 0.8 * len(words[0] & words[1]) / max(1, len(words[0] | words[1]))


def _fixed(schema: dict[str, Any]) -> dict[str, str]:
    """The properties that have one value only."""
    properties = schema.get("properties", {})
    return {name: repr(one["const"]) for name, one in properties.items() if isinstance(one, dict) and "const" in one}
