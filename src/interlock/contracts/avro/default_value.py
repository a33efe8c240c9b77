"""Whether a JSON value is a default of an Avro type (specification 1.12.0, 'Complex Types', table of defaults)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from interlock.contracts.avro.node import Field, Node
from interlock.contracts.pointer import ABSENT

_INT = 2**31
_LONG = 2**63


class Defaults:
    """Of one schema, whose values live as long. Each value is held to each type once: unions of records that hold
    unions of records would otherwise be asked exponentially often."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], bool] = {}

    def fits(self, node: Node, value: Any) -> bool:
        """A default of a union may be of any of its branches (so since 1.12; before, of the first)."""
        if not isinstance(value, dict | list):
            return self._fits(node, value)
        pair = (id(node), id(value))
        if pair not in self._known:
            self._known[pair] = self._fits(node, value)
        return self._known[pair]

    def _fits(self, node: Node, value: Any) -> bool:
        if node.kind == "union":
            return any(self.fits(branch, value) for branch in node.branches)
        if node.kind == "record":
            return isinstance(value, dict) and all(self._field_fits(value, one) for one in node.fields)
        if node.kind == "array":
            return isinstance(value, list) and all(self.fits(_items(node), member) for member in value)
        if node.kind == "map":
            return isinstance(value, dict) and all(self.fits(_items(node), member) for member in value.values())
        if node.kind == "enum":
            return isinstance(value, str) and value in node.symbols
        if node.kind == "fixed":
            return _is_latin(value) and len(value) == node.size
        return _PRIMITIVE[node.kind](value)

    def _field_fits(self, value: dict[str, Any], field: Field) -> bool:
        return self.fits(field.node, value[field.name]) if field.name in value else field.default is not ABSENT


def _items(node: Node) -> Node:
    assert node.items is not None
    return node.items


def _is_number(value: Any) -> bool:
    """Java and Python readers take the texts NaN and Infinity too, for which JSON has no number."""
    return (isinstance(value, int | float) and not isinstance(value, bool)) or value in ("NaN", "Infinity", "-Infinity")


def _is_whole(value: Any, bound: int) -> bool:
    return type(value) is int and -bound <= value < bound


def _is_latin(value: Any) -> bool:
    """Bytes stand as a text, one character for each."""
    return isinstance(value, str) and all(character <= "\xff" for character in value)


_PRIMITIVE: dict[str, Callable[[Any], bool]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "int": lambda value: _is_whole(value, _INT),
    "long": lambda value: _is_whole(value, _LONG),
    "float": _is_number,
    "double": _is_number,
    "bytes": _is_latin,
    "string": lambda value: isinstance(value, str),
}
