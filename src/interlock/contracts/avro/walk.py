"""What was changed between two Avro schemas, place by place: the structure only; whom it hurts is decided elsewhere.

Fields are paired by name, then by an alias of either side; branches of unions by type and name. Each pair of types is
looked at once, so recursion ends.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from interlock.contracts import pointer
from interlock.contracts.avro.node import Field, Node
from interlock.contracts.avro.resolution import PROMOTIONS
from interlock.contracts.pointer import ABSENT
from interlock.model.classification import KEYWORD, Classification

_CLASSES = tuple(str(one.value) for one in Classification)
# Said by facts of their own.
_APART = frozenset({"logicalType", "precision", "scale", KEYWORD})
_WORDS = {"doc": "doc-changed", "order": "order-changed"}
# Doubles hold no more than 53 bits of a number, floats 24.
_LOSSY = frozenset({("int", "float"), ("long", "float"), ("long", "double")})


@dataclass(frozen=True, slots=True)
class Fact:
    """The places are pointers; None where the side has none. `advice`: worth a person's look even where it is safe."""

    rule: str
    old_place: str | None
    new_place: str | None
    name: str = ""
    advice: bool = False


class Walk:
    """One walk over one pair of schemas."""

    def __init__(self) -> None:
        self._seen: set[tuple[int, int]] = set()

    def facts(self, old: Node, new: Node) -> Iterator[Fact]:
        """In the order of the old schema."""
        return self._pair(old, new, old.place, new.place)

    def _pair(self, old: Node, new: Node, was: str, at: str) -> Iterator[Fact]:
        if old.kind == "union" or new.kind == "union":
            yield from self._union(old, new, was, at)
        elif old.kind != new.kind:
            yield _retyped(old, new, was, at)
            yield from _logical(old, new, was, at)
        elif (id(old), id(new)) not in self._seen:
            self._seen.add((id(old), id(new)))
            yield from self._same_kind(old, new, was, at)

    def _same_kind(self, old: Node, new: Node, was: str, at: str) -> Iterator[Fact]:
        if old.name:
            yield from _names(old, new, was, at)
        yield from _logical(old, new, was, at)
        yield from _attributes(old.attributes, new.attributes, old.place, new.place, old.label)
        if old.kind == "record":
            yield from self._fields(old, new)
        elif old.kind == "enum":
            yield from _symbols(old, new)
        elif old.kind == "fixed" and old.size != new.size:
            yield Fact("fixed-size-changed", was, at, old.name)
        elif old.items is not None and new.items is not None:
            member = "items" if old.kind == "array" else "values"
            yield from self._pair(old.items, new.items, f"{old.place}/{member}", f"{new.place}/{member}")

    def _union(self, old: Node, new: Node, was: str, at: str) -> Iterator[Fact]:
        olds, news = _branches(old, was), _branches(new, at)
        pairs = _partners([one for one, _ in olds], [one for one, _ in news])
        if old.kind != new.kind and not pairs:
            yield Fact("type-changed", was, at, f"{old.said} → {new.said}")
            return
        if old.kind != new.kind:
            yield Fact(
                "union-removed" if old.kind == "union" else "union-introduced", was, at, f"{old.said} → {new.said}"
            )
        else:
            yield from (Fact("union-branch-removed", place, None, branch.label)
                        for index, (branch, place) in enumerate(olds) if index not in pairs)  # fmt: skip
            kept = set(pairs.values())
            yield from (Fact("union-branch-added", None, place, branch.label)
                        for index, (branch, place) in enumerate(news) if index not in kept)  # fmt: skip
            if list(pairs.values()) != sorted(pairs.values()):
                yield Fact("union-reordered", was, at)
        for left, right in pairs.items():
            yield from self._pair(olds[left][0], news[right][0], olds[left][1], news[right][1])

    def _fields(self, old: Node, new: Node) -> Iterator[Fact]:
        pairs = _field_partners(old.fields, new.fields)
        for index, field in enumerate(old.fields):
            if index not in pairs:
                rule = "field-without-default-removed" if field.default is ABSENT else "field-removed"
                yield Fact(rule, field.place, None, f"{old.short_name}.{field.name}")
        taken = set(pairs.values())
        for index, field in enumerate(new.fields):
            if index not in taken:
                rule = "field-added-without-default" if field.default is ABSENT else "field-added"
                yield Fact(rule, None, field.place, f"{new.short_name}.{field.name}")
        if list(pairs.values()) != sorted(pairs.values()):
            yield Fact("fields-reordered", f"{old.place}/fields", f"{new.place}/fields", old.short_name)
        for left, right in pairs.items():
            yield from self._field(old.fields[left], new.fields[right], old.short_name)

    def _field(self, old: Field, new: Field, record: str) -> Iterator[Fact]:
        name = f"{record}.{new.name}"
        if old.name != new.name:
            yield Fact("field-renamed", old.place, new.place, f"{record}.{old.name} → {new.name}")
        yield from _listed("alias", old.aliases, new.aliases, f"{old.place}/aliases", f"{new.place}/aliases", name)
        yield from _valued("default", old.default, new.default, f"{old.place}/default", f"{new.place}/default", name)
        yield from _attributes(old.attributes, new.attributes, old.place, new.place, name)
        yield from self._pair(old.node, new.node, f"{old.place}/type", f"{new.place}/type")


def _retyped(old: Node, new: Node, was: str, at: str) -> Fact:
    name = f"{old.said} → {new.said}"
    forth = new.kind in PROMOTIONS.get(old.kind, ())
    back = old.kind in PROMOTIONS.get(new.kind, ())
    if forth and back:
        return Fact("string-bytes-exchanged", was, at, name, advice=True)
    if forth:
        return Fact("type-widened", was, at, name, advice=(old.kind, new.kind) in _LOSSY)
    if back:
        return Fact("type-narrowed", was, at, name, advice=(new.kind, old.kind) in _LOSSY)
    return Fact("type-changed", was, at, name)


def _names(old: Node, new: Node, was: str, at: str) -> Iterator[Fact]:
    if old.short_name != new.short_name:
        yield Fact("type-renamed", was, at, f"{old.name} → {new.name}")
    elif old.name != new.name:
        yield Fact("namespace-changed", was, at, f"{old.name} → {new.name}", advice=True)
    yield from _listed("alias", old.aliases, new.aliases, f"{old.place}/aliases", f"{new.place}/aliases", new.name)


def _logical(old: Node, new: Node, was: str, at: str) -> Iterator[Fact]:
    if old.logical == new.logical:
        if old.decimal != new.decimal:
            yield Fact("decimal-changed", was, at, f"{old.decimal} → {new.decimal}")
    elif old.logical and new.logical:
        yield Fact("logical-type-changed", was, at, f"{old.logical} → {new.logical}")
    else:
        rule = "logical-type-removed" if old.logical else "logical-type-added"
        yield Fact(rule, was, at, old.logical or new.logical, advice=True)


def _symbols(old: Node, new: Node) -> Iterator[Fact]:
    for symbol, position in old.symbols.items():
        if symbol not in new.symbols:
            yield Fact("enum-symbol-removed", f"{old.place}/symbols/{position}", None, f"{old.short_name}.{symbol}")
    for symbol, position in new.symbols.items():
        if symbol not in old.symbols:
            yield Fact("enum-symbol-added", None, f"{new.place}/symbols/{position}", f"{new.short_name}.{symbol}")
    if [one for one in old.symbols if one in new.symbols] != [one for one in new.symbols if one in old.symbols]:
        yield Fact("enum-symbols-reordered", f"{old.place}/symbols", f"{new.place}/symbols", old.short_name)
    before, after = (ABSENT if one.default is None else one.default for one in (old, new))
    yield from _valued("enum-default", before, after, f"{old.place}/default", f"{new.place}/default", old.short_name)


def _attributes(old: dict[str, Any], new: dict[str, Any], was: str, at: str, name: str) -> Iterator[Fact]:
    for word in (*old, *(one for one in new if one not in old)):
        before, after = old.get(word, ABSENT), new.get(word, ABSENT)
        if _equal(before, after) or word in _APART - {KEYWORD}:
            continue
        rule = _WORDS.get(word, "attribute-changed")
        if word == KEYWORD:
            lower = after is ABSENT or _level(after) < _level(before)
            rule = "classification-lowered" if lower else "classification-raised"
        token = pointer.join([word])
        yield Fact(
            rule, None if before is ABSENT else f"{was}{token}", None if after is ABSENT else f"{at}{token}",
            name if word in _WORDS or word == KEYWORD else f"{name}: {word}", advice=rule == "classification-lowered",
        )  # fmt: skip


def _level(value: Any) -> int:
    return _CLASSES.index(value) if value in _CLASSES else -1


def _listed(word: str, old: Sequence[str], new: Sequence[str], was: str, at: str, name: str) -> Iterator[Fact]:
    """Members that came and went. Aliases are sets."""
    before, after = set(old), set(new)
    for index, one in enumerate(old):
        if one not in after:
            yield Fact(f"{word}-removed", f"{was}/{index}", None, f"{name}: {one}")
    for index, one in enumerate(new):
        if one not in before:
            yield Fact(f"{word}-added", None, f"{at}/{index}", f"{name}: {one}")


def _valued(word: str, old: Any, new: Any, was: str, at: str, name: str) -> Iterator[Fact]:
    """A default that is no longer there, or another, is felt by who reads what lacks the value."""
    if _equal(old, new):
        return
    if old is ABSENT:
        yield Fact(f"{word}-added", None, at, name)
    elif new is ABSENT:
        yield Fact(f"{word}-removed", was, None, name, advice=True)
    else:
        yield Fact(f"{word}-changed", was, at, name, advice=True)


def _equal(old: Any, new: Any) -> bool:
    return bool(old is new or (old == new and repr(old) == repr(new)))


def _branches(node: Node, place: str) -> list[tuple[Node, str]]:
    """Of a union its branches; any other type counts as the only branch of itself."""
    if node.kind != "union":
        return [(node, place)]
    return [(branch, f"{node.place}/{index}") for index, branch in enumerate(node.branches)]


def _partners(olds: Sequence[Node], news: Sequence[Node]) -> dict[int, int]:
    """Which new branch each old one became: the same name or kind first, then another namespace, then an alias."""
    found: dict[int, int] = {}
    taken: set[int] = set()
    for names_of in (_label, _short_name, _names_and_aliases):
        free: dict[tuple[str, str], list[int]] = defaultdict(list)
        for right, new in enumerate(news):
            for name in names_of(new) if right not in taken else ():
                free[new.kind, name].append(right)
        for left, old in enumerate(olds):
            candidates = (one for name in names_of(old) for one in free[old.kind, name] if one not in taken)
            right = next(candidates, -1) if left not in found else -1
            if right >= 0:
                found[left] = right
                taken.add(right)
    return dict(sorted(found.items()))


def _label(node: Node) -> tuple[str, ...]:
    return (node.label,)


def _short_name(node: Node) -> tuple[str, ...]:
    return (node.short_name,) if node.name else ()


def _names_and_aliases(node: Node) -> tuple[str, ...]:
    return (node.name, *node.aliases) if node.name else ()


def _field_partners(olds: Sequence[Field], news: Sequence[Field]) -> dict[int, int]:
    """By name; what is left, by an alias of the new side, then of the old one."""
    names = {field.name: index for index, field in enumerate(news)}
    found = {left: names[field.name] for left, field in enumerate(olds) if field.name in names}
    taken = set(found.values())
    aliases = {alias: index for index, field in enumerate(news) if index not in taken for alias in field.aliases}
    for left, field in enumerate(olds):
        if left not in found:
            right = _by_alias(field, aliases, names, taken)
            if right is not None:
                found[left] = right
                taken.add(right)
    return dict(sorted(found.items()))


def _by_alias(field: Field, aliases: dict[str, int], names: dict[str, int], taken: Iterable[int]) -> int | None:
    candidates = [aliases.get(field.name), *(names.get(alias) for alias in field.aliases)]
    return next((one for one in candidates if one is not None and one not in taken), None)
