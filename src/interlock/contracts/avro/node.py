"""One type of an Avro schema."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from interlock.contracts.pointer import ABSENT

# Logical types ('Logical Types'), and what each may stand on. Anywhere else the word says nothing.
LOGICAL: dict[str, frozenset[str]] = {
    "decimal": frozenset({"bytes", "fixed"}),
    "big-decimal": frozenset({"bytes"}),
    "uuid": frozenset({"string", "fixed"}),
    "date": frozenset({"int"}),
    "time-millis": frozenset({"int"}),
    "time-micros": frozenset({"long"}),
    "timestamp-millis": frozenset({"long"}),
    "timestamp-micros": frozenset({"long"}),
    "timestamp-nanos": frozenset({"long"}),
    "local-timestamp-millis": frozenset({"long"}),
    "local-timestamp-micros": frozenset({"long"}),
    "local-timestamp-nanos": frozenset({"long"}),
    "duration": frozenset({"fixed"}),
}
PRIMITIVES = frozenset({"null", "boolean", "int", "long", "float", "double", "bytes", "string"})


@dataclass(slots=True, eq=False)
class Field:
    name: str
    node: Node
    place: str
    aliases: tuple[str, ...] = ()
    default: Any = ABSENT
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Node:
    """`kind` is a primitive, or record, enum, fixed, array, map, union; a named type is one node wherever it is used.

    place       JSON Pointer of the definition
    name        full name; aliases are full names too
    items       what an array or a map holds
    symbols     of an enum, with their positions; `default` is the symbol for unknown ones
    attributes  words without a part in the encoding, such as doc and logicalType
    """

    kind: str
    place: str
    name: str = ""
    aliases: tuple[str, ...] = ()
    fields: list[Field] = field(default_factory=list)
    branches: list[Node] = field(default_factory=list)
    items: Node | None = None
    symbols: dict[str, int] = field(default_factory=dict)
    default: str | None = None
    size: int = 0
    attributes: dict[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """What tells the branches of a union apart, and names one in Avro's JSON encoding."""
        return self.name or self.kind

    @property
    def short_name(self) -> str:
        """Without its namespace."""
        return self.name.rpartition(".")[2]

    @property
    def said(self) -> str:
        """For a sentence: the kind, with the name if it has one."""
        if self.kind == "union":
            return f"union of {', '.join(branch.label for branch in self.branches) or 'nothing'}"
        return f"{self.kind} {self.name}" if self.name else self.kind

    @property
    def logical(self) -> str:
        """The logical type that readers give its values, or "": one that is unknown or misplaced is ignored."""
        name = self.attributes.get("logicalType")
        if not isinstance(name, str) or self.kind not in LOGICAL.get(name, ()):
            return ""
        return "" if name == "decimal" and self.decimal is None else name

    @property
    def decimal(self) -> tuple[int, int] | None:
        """Precision and scale ('Decimal'), of a decimal that is one: wrong ones are ignored, as is asked."""
        if self.attributes.get("logicalType") != "decimal" or self.kind not in ("bytes", "fixed"):
            return None
        precision, scale = self.attributes.get("precision"), self.attributes.get("scale", 0)
        if type(precision) is not int or type(scale) is not int or not 0 <= scale <= precision or precision < 1:
            return None
        return (precision, scale)
