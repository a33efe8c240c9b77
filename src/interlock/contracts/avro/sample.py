"""A small value of an Avro schema that goes where it is led, in Avro's JSON encoding (1.12.0, 'JSON Encoding')."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from interlock.contracts.avro.node import Node
from interlock.contracts.avro.resolution import Step
from interlock.contracts.pointer import ABSENT

_MAX_PARTS = 2_000
_PRIMITIVE: dict[str, Any] = {
    "null": None, "boolean": False, "int": 0, "long": 0, "float": 0.5, "double": 0.5, "bytes": "a", "string": "a",
}  # fmt: skip


def sample(root: Node, trail: Sequence[Step] = ()) -> Any:
    """ABSENT where the schema has no finite value, or none of a readable size."""
    try:
        return _Sampler().led(root, list(trail))
    except (_TooLarge, RecursionError):
        return ABSENT


class _TooLarge(Exception):
    """Exponential schemas have small texts and huge values."""


class _Sampler:
    def __init__(self) -> None:
        self._parts = 0
        self._heights: dict[int, float] = {}

    def led(self, node: Node, trail: list[Step]) -> Any:
        """Along the trail; what lies beside it is the smallest that there is."""
        if not trail:
            return self.smallest(node)
        part, rest = trail[0].part, trail[1:]
        if node.kind == "union":
            assert isinstance(part, int)
            return _branch(node.branches[part], self.led(node.branches[part], rest))
        if node.kind == "record":
            return {
                one.name: self.led(one.node, rest) if one.name == part else self.smallest(one.node)
                for one in node.fields
            }
        if node.kind == "enum":
            return part
        assert node.items is not None
        member = self.led(node.items, rest)
        return [member] if node.kind == "array" else {"key": member}

    def smallest(self, node: Node) -> Any:
        self._parts += 1
        if self._parts > _MAX_PARTS:
            raise _TooLarge
        if node.kind == "array":
            return []
        if node.kind == "map":
            return {}
        if node.kind == "enum":
            return next(iter(node.symbols), None)
        if node.kind == "fixed":
            if node.size > _MAX_PARTS:
                raise _TooLarge
            return "a" * node.size
        if node.kind == "union":
            return self._smallest_branch(node)
        if node.kind == "record":
            return {one.name: self.smallest(one.node) for one in node.fields}
        return _PRIMITIVE[node.kind]

    def _smallest_branch(self, node: Node) -> Any:
        if not node.branches:
            raise _TooLarge
        branch = min(node.branches, key=lambda one: self._height(one, frozenset()))
        return _branch(branch, self.smallest(branch))

    def _height(self, node: Node, above: frozenset[int]) -> float:
        """How deep the smallest value goes; infinite for a record that always holds another of its own."""
        if node.kind not in ("record", "union"):
            return 0
        if id(node) in above:
            return float("inf")
        if not above and id(node) in self._heights:
            return self._heights[id(node)]
        within = above | {id(node)}
        if node.kind == "union":
            height = min((self._height(branch, within) for branch in node.branches), default=float("inf"))
        else:
            height = 1 + max((self._height(one.node, within) for one in node.fields), default=0)
        if not above:
            self._heights[id(node)] = height
        return height


def _branch(branch: Node, value: Any) -> Any:
    return value if branch.kind == "null" else {branch.label: value}
