"""Values that a schema probably takes, small and at its edges. Who needs certainty checks them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from interlock.contracts.json_schema import language
from interlock.contracts.json_schema.formats import EXAMPLES
from interlock.contracts.openapi.checks.branches import alternatives
from interlock.contracts.openapi.schema_view import SchemaView

MAX_DEPTH = 6
MAX_NESTED = 20
MAX_STATES = 500
_WORD = "text"


class Sampler:
    """`edges` are views whose bounds matter too, `longest` is in characters; `steps` ends a search that grows."""

    def __init__(self, edges: tuple[SchemaView, ...], longest: int = 1000, steps: int = 600) -> None:
        self._edges = edges
        self._longest = longest
        self._left = steps
        self._nested = 0

    def values(self, view: SchemaView, depth: int = 0) -> Iterator[Any]:
        self._left -= 1
        if view.never or self._left < 0:
            return
        if view.values is not None:
            yield from view.values[:20]
            return
        if view.choices:
            self._nested += 1
            for node in alternatives(view)[:6] if self._nested < MAX_NESTED else ():
                yield from islice(self.values(view.schemas.view(node), depth), 3)
            self._nested -= 1
            return
        for kind in ("object", "array", "string", "integer", "number", "boolean"):
            if kind in view.types:
                yield from _MAKERS[kind](self, view, depth)
        if view.nullable:
            yield None

    def one(self, view: SchemaView, depth: int) -> Any:
        return next(self.values(view, depth), _WORD)

    def objects(self, view: SchemaView, depth: int) -> Iterator[Any]:
        if depth > MAX_DEPTH:
            yield {}
            return
        least = {name: self._at(view, name, depth) for name in sorted(view.required)}
        yield least
        if depth < 2:
            yield {**least, "undeclared": self._beside(view, depth)}
            optional = [name for name in view.properties if name not in least][:30]
            for name in optional:
                yield {**least, name: self._at(view, name, depth)}
            if len(optional) > 1:
                yield {**least, **{name: self._at(view, name, depth) for name in optional}}
            for name in self._named(view):
                yield {**least, name: self._at(view, name, depth)}
                yield {**least, name: 1}
            wanted = [size for size in self._sizes(view, "Properties", depth) if len(least) < size <= 20]
            for size in wanted:
                yield {**least, **{f"undeclared{at}": self._beside(view, depth) for at in range(size - len(least))}}

    def _named(self, view: SchemaView) -> Iterator[str]:
        """Undeclared names that something is said of: what asks for others, and what matches a pattern."""
        for one in (view, *self._edges):
            for value, _ in (*one.each("dependentRequired"), *one.each("dependentSchemas")):
                yield from value
            for value, _ in one.each("patternProperties"):
                for pattern in value:
                    try:
                        found = language.find((pattern,), max_states=MAX_STATES)
                    except language.LanguageUnknown:
                        continue
                    if found is not None:
                        yield found

    def _at(self, view: SchemaView, name: str, depth: int) -> Any:
        if name not in view.declared:
            return _WORD
        return self.one(view.schemas.view(view.at_name(name)), depth + 1)

    def _beside(self, view: SchemaView, depth: int) -> Any:
        return 1 if view.additional is None else self.one(view.schemas.view(view.additional), depth + 1)

    def arrays(self, view: SchemaView, depth: int) -> Iterator[Any]:
        for size in self._sizes(view, "Items", depth):
            if size <= 20 and depth <= MAX_DEPTH:
                yield [self._item(view, at, depth) for at in range(size)]

        if depth == 0:
            yield from self._containing(view)

    def _containing(self, view: SchemaView) -> Iterator[Any]:
        for one in (view, *self._edges):
            for schema, place in one.each("contains"):
                part = one.schemas.view(one.schemas.node(schema, (place, "contains")))
                for size in self._sizes(view, "Contains", 0):
                    if size <= 20:
                        yield [self.one(part, 1) for _ in range(size)]

    def _item(self, view: SchemaView, at: int, depth: int) -> Any:
        node = view.item(at if at < view.listed_items else None)
        if node is None:
            return f"{_WORD}{at}"
        made = list(islice(self.values(view.schemas.view(node), depth + 1), at + 1))
        return made[at % len(made)] if made else _WORD

    def texts(self, view: SchemaView, depth: int) -> Iterator[Any]:
        patterns = tuple(value for value, _ in view.each("pattern") if isinstance(value, str))
        sizes = self._sizes(view, "Length", depth)
        if patterns:
            for size in sizes[:4]:
                try:
                    found = language.find(patterns, min_length=size, max_states=MAX_STATES)
                except language.LanguageUnknown:
                    continue
                if found is not None:
                    yield found
            return
        for named, _ in view.each("format"):
            yield from EXAMPLES.get(str(named), ())
        yield _WORD
        yield from ("a" * size for size in sizes if size <= self._longest)

    def numbers(self, view: SchemaView, depth: int) -> Iterator[Any]:
        edges: list[Any] = []
        for one in (view, *(self._edges if depth == 0 else ())):
            for word in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"):
                for value, _ in one.each(word):
                    if isinstance(value, int | float) and not isinstance(value, bool):
                        edges += [value, value + 1, value - 1, value + 0.5]
        whole = "number" not in view.types
        yield from (
            (int(one) if float(one).is_integer() else one) for one in edges if not whole or float(one).is_integer()
        )
        yield from (0, 1, *(() if whole else (0.5,)))
        if depth == 0:
            yield from (2**31, 2**63)

    def _sizes(self, view: SchemaView, word: str, depth: int) -> list[int]:
        """Sizes at the bounds, the view's own first."""
        found = []
        for one in (view, *(self._edges if depth == 0 else ())):
            for value, _ in (*one.each(f"min{word}"), *one.each(f"max{word}")):
                if isinstance(value, int) and not isinstance(value, bool):
                    found += [value, value + 1, max(0, value - 1)]
        if word == "Items" and depth:
            return list(dict.fromkeys([*found[:1], 0, 1]))
        return list(dict.fromkeys([*found, 0, 1, 2])) if word != "Length" else list(dict.fromkeys([*found, 0]))


_MAKERS: dict[str, Any] = {
    "object": Sampler.objects, "array": Sampler.arrays, "string": Sampler.texts, "integer": Sampler.numbers,
    "number": Sampler.numbers, "boolean": lambda *_: iter((True, False)),
}  # fmt: skip
