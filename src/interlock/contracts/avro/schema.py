"""An Avro schema (specification 1.12.0, 'Schema Declaration' and 'Names') as nodes whose every place is known.

Own reading instead of fastavro's: that one keeps no places for messages, and takes defaults that no reader could use.
Tests hold the two together where they must agree.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from interlock.contracts import pointer
from interlock.contracts.avro.default_value import Defaults
from interlock.contracts.avro.node import PRIMITIVES, Field, Node
from interlock.contracts.contract_invalid import ContractInvalid
from interlock.contracts.pointer import ABSENT

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_COMPLEX = ("record", "error", "enum", "fixed", "array", "map")
_KNOWN = {"type", "name", "namespace", "aliases", "doc", "fields", "symbols", "default", "size", "items", "values"}


def read(document: Any) -> Node:
    """The root of a schema that stands alone: every name that it uses is defined in it. Raises ContractInvalid."""
    reader = _Reader()
    try:
        root = reader.node(document, "", "")
        reader.check_defaults()
    except RecursionError:
        raise ContractInvalid("", "The schema nests too deep to be read.") from None
    return root


@dataclass
class _Reader:
    """Names are defined before they are used, in the order of the text, as the specification asks."""

    names: dict[str, Node] = field(default_factory=dict)
    fields: list[Field] = field(default_factory=list)

    def node(self, value: Any, place: str, namespace: str) -> Node:
        if isinstance(value, str):
            return self._named(value, place, namespace)
        if isinstance(value, list):
            return self._union(value, place, namespace)
        if not isinstance(value, dict):
            raise ContractInvalid(place, "A schema is a text, a list or an object.")
        if "type" not in value:
            raise ContractInvalid(place, 'The schema has no "type".')
        kind = value["type"]
        if isinstance(kind, dict | list):
            return self.node(kind, f"{place}/type", namespace)
        if kind in PRIMITIVES:
            return Node(kind=kind, place=place, attributes=_attributes(value))
        if kind in _COMPLEX:
            made: Node = getattr(self, f"_{'record' if kind == 'error' else kind}")(value, place, namespace)
            return made
        return self._named(kind, f"{place}/type", namespace)

    def check_defaults(self) -> None:
        """At the end, when all that recursive types refer to is known."""
        defaults = Defaults()
        for one in self.fields:
            if one.default is not ABSENT and not defaults.fits(one.node, one.default):
                said = f"The default of {one.name} is no value of its type."
                raise ContractInvalid(f"{one.place}/default", said)

    def _named(self, name: Any, place: str, namespace: str) -> Node:
        if not isinstance(name, str):
            raise ContractInvalid(place, "A type is a text, a list or an object.")
        if name in PRIMITIVES:
            return Node(kind=name, place=place)
        full = name if "." in name or not namespace else f"{namespace}.{name}"
        known = self.names.get(full)
        if known is None:
            raise ContractInvalid(place, f'The type "{name}" is not defined before this place.')
        return known

    def _union(self, value: list[Any], place: str, namespace: str) -> Node:
        node = Node(kind="union", place=place)
        seen: set[str] = set()
        for at, branch in enumerate(value):
            made = self.node(branch, f"{place}/{at}", namespace)
            if made.kind == "union":
                raise ContractInvalid(f"{place}/{at}", "A union holds no union directly.")
            if made.label in seen:
                raise ContractInvalid(f"{place}/{at}", f"The union holds {made.label} twice.")
            seen.add(made.label)
            node.branches.append(made)
        return node

    def _array(self, value: dict[str, Any], place: str, namespace: str) -> Node:
        return self._container(value, place, namespace, "array", "items")

    def _map(self, value: dict[str, Any], place: str, namespace: str) -> Node:
        return self._container(value, place, namespace, "map", "values")

    def _container(self, value: dict[str, Any], place: str, namespace: str, kind: str, member: str) -> Node:
        if member not in value:
            raise ContractInvalid(place, f'The {kind} has no "{member}".')
        items = self.node(value[member], f"{place}/{member}", namespace)
        return Node(kind=kind, place=place, items=items, attributes=_attributes(value))

    def _record(self, value: dict[str, Any], place: str, namespace: str) -> Node:
        node = self._define(value, "record", place, namespace)
        members = value.get("fields")
        if not isinstance(members, list):
            raise ContractInvalid(place, f'The record {node.name} has no list "fields".')
        inner = node.name.rpartition(".")[0]
        seen: set[str] = set()
        for at, member in enumerate(members):
            made = self._field(member, f"{place}/fields/{at}", inner)
            if made.name in seen:
                raise ContractInvalid(made.place, f"The record {node.name} has two fields {made.name}.")
            seen.add(made.name)
            node.fields.append(made)
        return node

    def _field(self, value: Any, place: str, namespace: str) -> Field:
        if not isinstance(value, dict):
            raise ContractInvalid(place, "A field is an object.")
        name = _name(value.get("name"), place)
        if "type" not in value:
            raise ContractInvalid(place, f'The field {name} has no "type".')
        aliases = tuple(_name(alias, f"{place}/aliases") for alias in _list(value, "aliases", place))
        node = self.node(value["type"], f"{place}/type", namespace)
        default = value.get("default", ABSENT)
        made = Field(name, node, place, aliases, default, _attributes(value))
        self.fields.append(made)
        return made

    def _enum(self, value: dict[str, Any], place: str, namespace: str) -> Node:
        node = self._define(value, "enum", place, namespace)
        symbols = value.get("symbols")
        if not isinstance(symbols, list):
            raise ContractInvalid(place, f'The enum {node.name} has no list "symbols".')
        for at, symbol in enumerate(symbols):
            if _name(symbol, f"{place}/symbols/{at}") in node.symbols:
                raise ContractInvalid(f"{place}/symbols/{at}", f"The enum {node.name} has {symbol} twice.")
            node.symbols[symbol] = at
        if "default" in value:
            if not isinstance(value["default"], str) or value["default"] not in node.symbols:
                raise ContractInvalid(f"{place}/default", f"The default of {node.name} is none of its symbols.")
            node.default = value["default"]
        return node

    def _fixed(self, value: dict[str, Any], place: str, namespace: str) -> Node:
        node = self._define(value, "fixed", place, namespace)
        size = value.get("size")
        if type(size) is not int or size < 0:
            raise ContractInvalid(place, f'The fixed {node.name} has no "size" in bytes.')
        node.size = size
        return node

    def _define(self, value: dict[str, Any], kind: str, place: str, namespace: str) -> Node:
        full = _full_name(value, place, namespace)
        if full in self.names:
            raise ContractInvalid(place, f"{full} is defined twice.")
        if full in PRIMITIVES:
            raise ContractInvalid(place, f"{full} is the name of a primitive type.")
        inner = full.rpartition(".")[0]
        aliases = []
        for alias in _list(value, "aliases", place):
            if not isinstance(alias, str) or not all(_NAME.fullmatch(part) for part in alias.split(".")):
                raise ContractInvalid(f"{place}/aliases", "An alias is a name.")
            aliases.append(alias if "." in alias or not inner else f"{inner}.{alias}")
        node = Node(kind=kind, place=place, name=full, aliases=tuple(aliases), attributes=_attributes(value))
        self.names[full] = node
        return node


def _full_name(value: dict[str, Any], place: str, namespace: str) -> str:
    """'Names': a name with dots is full; else the namespace given here counts, else that of the enclosing type."""
    name = value.get("name")
    if not isinstance(name, str) or not name:
        raise ContractInvalid(place, f'The {value["type"]} has no "name".')
    own = value.get("namespace")
    if own is not None and not isinstance(own, str):
        raise ContractInvalid(f"{place}/namespace", "A namespace is a text.")
    full = name
    if "." not in name:
        space = namespace if own is None else own
        full = f"{space}.{name}" if space else name
    for part in full.split("."):
        if not _NAME.fullmatch(part):
            raise ContractInvalid(f"{place}/name", f'"{full}" is no name: letters, digits and _, no digit first.')
    return full


def _name(value: Any, place: str) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise ContractInvalid(place, "A name has letters, digits and _, and begins with no digit.")
    return value


def _list(value: dict[str, Any], member: str, place: str) -> Iterator[Any]:
    found = value.get(member, [])
    if not isinstance(found, list):
        raise ContractInvalid(f"{place}{pointer.join([member])}", f'"{member}" is a list.')
    return iter(found)


def _attributes(value: dict[str, Any]) -> dict[str, Any]:
    """What says nothing about the encoding: doc, order, logicalType, and words of others."""
    return {name: member for name, member in value.items() if name not in _KNOWN or name == "doc"}
