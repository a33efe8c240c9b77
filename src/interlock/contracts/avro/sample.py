"""Small values of an Avro schema that go where they are led, in Avro's JSON encoding (1.12.0, 'JSON Encoding')."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from interlock.contracts.avro.node import Node
from interlock.contracts.avro.resolution import Step
from interlock.contracts.pointer import ABSENT

_MAX_PARTS = 10_000
# Of all values together: a thousand changes in a record of a thousand fields are told without a value at the end.
_MAX_PARTS_IN_ALL = 300_000
_MAX_PASSES = 64
_PRIMITIVE: dict[str, Any] = {
    "null": None, "boolean": False, "int": 1, "long": 1, "float": 0.5, "double": 0.5, "bytes": "a", "string": "a",
}  # fmt: skip
_WIDE = 2**31  # a long that is no int


class _NoValue(Exception):
    """None that is finite, or none of a readable size: exponential schemas have small texts and huge values."""


class Sampler:
    """Of one schema. Values share their parts: do not change them."""

    def __init__(self, root: Node) -> None:
        self._root = root
        self._heights = _heights(root)
        self._made: dict[int, tuple[Any, int]] = {}
        self._left = _MAX_PARTS_IN_ALL

    def value(self, trail: Sequence[Step] = ()) -> Any:
        """One that goes along the trail; what lies beside it is the smallest that there is. ABSENT if there is none."""
        if self._left <= 0:
            return ABSENT
        try:
            value, size = self._led(self._root, trail, 0)
            self._left -= size
            return value
        except (_NoValue, RecursionError):
            self._left -= _MAX_PARTS
            return ABSENT

    def _led(self, node: Node, trail: Sequence[Step], at: int) -> tuple[Any, int]:
        """Value and number of parts."""
        if at == len(trail):
            return (_WIDE, 1) if node.kind == "long" else self._smallest(node)
        part = trail[at].part
        if node.kind == "union":
            assert isinstance(part, int)
            return _branch(node.branches[part], self._led(node.branches[part], trail, at + 1))
        if node.kind == "record":
            return _record(
                (one.name, self._led(one.node, trail, at + 1) if one.name == part else self._smallest(one.node))
                for one in node.fields
            )
        if node.kind == "enum":
            return part, 1
        assert node.items is not None
        member, size = self._led(node.items, trail, at + 1)
        return ([member] if node.kind == "array" else {"key": member}), size + 1

    def _smallest(self, node: Node) -> tuple[Any, int]:
        known = self._made.get(id(node))
        if known is None:
            if self._heights.get(id(node), math.inf) == math.inf:
                raise _NoValue
            known = self._made[id(node)] = self._make(node)
        return known

    def _make(self, node: Node) -> tuple[Any, int]:
        if node.kind == "union":
            branch = min(node.branches, key=lambda one: self._heights[id(one)])
            return _branch(branch, self._smallest(branch))
        if node.kind == "record":
            return _record((one.name, self._smallest(one.node)) for one in node.fields)
        if node.kind == "fixed":
            if node.size > _MAX_PARTS:
                raise _NoValue
            return "a" * node.size, 1
        if node.kind == "enum":
            return next(iter(node.symbols)), 1
        if node.kind in ("array", "map"):
            return ([] if node.kind == "array" else {}), 1
        return _PRIMITIVE[node.kind], 1


def _heights(root: Node) -> dict[int, float]:
    """How deep the smallest value of each type goes; infinite for a record that always holds another of its own.

    The least fixed point, by passes over the types, parts before wholes: one pass and a check where nothing recurs.
    """
    nodes = _parts_first(root)
    heights: dict[int, float] = {id(node): math.inf for node in nodes}
    for _ in range(_MAX_PASSES):
        changed = False
        for node in nodes:
            height = _height(node, heights)
            changed = changed or height != heights[id(node)]
            heights[id(node)] = height
        if not changed:
            break
    return heights


def _height(node: Node, heights: dict[int, float]) -> float:
    if node.kind == "union":
        return min((heights[id(branch)] for branch in node.branches), default=math.inf)
    if node.kind == "record":
        return 1 + max((heights[id(one.node)] for one in node.fields), default=0)
    return math.inf if node.kind == "enum" and not node.symbols else 0


def _parts_first(root: Node) -> list[Node]:
    """Every type once."""
    found: list[Node] = []
    seen = {id(root)}
    stack = [(root, iter(_parts(root)))]
    while stack:
        node, parts = stack[-1]
        for part in parts:
            if id(part) not in seen:
                seen.add(id(part))
                stack.append((part, iter(_parts(part))))
                break
        else:
            found.append(node)
            stack.pop()
    return found


def _parts(node: Node) -> list[Node]:
    return [*node.branches, *(one.node for one in node.fields), *([node.items] if node.items is not None else [])]


def _record(fields: Any) -> tuple[Any, int]:
    value, total = {}, 1
    for name, (part, size) in fields:
        value[name] = part
        total += size
        if total > _MAX_PARTS:
            raise _NoValue
    return value, total


def _branch(branch: Node, made: tuple[Any, int]) -> tuple[Any, int]:
    value, size = made
    return (value if branch.kind == "null" else {branch.label: value}), size + 1
