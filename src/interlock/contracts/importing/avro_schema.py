"""An Avro schema as a JSON Schema of the same facts, in the JSON that people write.

Not Avro's own JSON encoding, which wraps the values of unions and writes bytes as Latin-1: a contract here is for JSON
documents. What changes on the wire is noted once for each schema. Bounds and names are the specification's (1.12.0,
'Primitive Types', 'Logical Types').
"""

from __future__ import annotations

from typing import Any

from interlock.contracts.avro.node import Field, Node
from interlock.contracts.importing.note import Notes
from interlock.contracts.importing.schema_upgrade import DIALECT
from interlock.contracts.pointer import ABSENT
from interlock.contracts.python_text import pascal

_INT32 = 2**31
_PLAIN: dict[str, dict[str, Any]] = {
    "null": {"type": "null"},
    "boolean": {"type": "boolean"},
    "int": {"type": "integer", "minimum": -_INT32, "maximum": _INT32 - 1},
    "long": {"type": "integer"},
    "float": {"type": "number"},
    "double": {"type": "number"},
    "string": {"type": "string"},
    "bytes": {"type": "string", "contentEncoding": "base64"},
}
# Logical type → what a JSON document says instead.
_LOGICAL: dict[str, dict[str, Any]] = {
    "decimal": {"type": "string", "format": "decimal"},
    "uuid": {"type": "string", "format": "uuid"},
    "date": {"type": "string", "format": "date"},
    "timestamp-millis": {"type": "string", "format": "date-time"},
    "timestamp-micros": {"type": "string", "format": "date-time"},
    "timestamp-nanos": {"type": "string", "format": "date-time"},
}
_ON: dict[str, tuple[str, ...]] = {"decimal": ("bytes", "fixed"), "uuid": ("string", "fixed"), "date": ("int",)}


def json_schema_of(root: Node, source: str, notes: Notes) -> dict[str, Any]:
    """Self-contained. Named types stand under `$defs`, but for the root."""
    made = _Converted(root, source, notes)
    schema = made.root()
    notes.add(
        source, "changed", f"The Avro {root.said} became a JSON Schema.",
        "A contract here is for JSON documents; what is written in Avro's binary encoding does not fit it as it is.",
        "Let producers send JSON to POST /events, or decode before.",
    )  # fmt: skip
    return {"$schema": DIALECT, **schema}


class _Converted:
    def __init__(self, root: Node, source: str, notes: Notes) -> None:
        self._root = root
        self._source = source
        self._notes = notes
        self._names: dict[int, str] = {id(root): ""}
        self._definitions: dict[str, Any] = {}

    def root(self) -> dict[str, Any]:
        made = self._named(self._root) if self._root.name else self._schema(self._root)
        return {**made, "$defs": self._definitions} if self._definitions else made

    def _schema(self, node: Node) -> dict[str, Any]:
        if logical := self._logical(node):
            return logical
        if node.kind == "union":
            return self._union(node)
        if node.kind == "array":
            return {"type": "array", "items": self._schema(_items(node))}
        if node.kind == "map":
            return {"type": "object", "additionalProperties": self._schema(_items(node))}
        if node.name:
            return self._reference(node)
        return {**_PLAIN[node.kind], **_words(node.attributes)}

    def _logical(self, node: Node) -> dict[str, Any] | None:
        name = node.attributes.get("logicalType")
        if name is None:
            return None
        if name == "decimal" and node.decimal is None:
            return None
        if name in _LOGICAL and node.kind in _ON.get(name, ("long",)):
            return {**_LOGICAL[name], **_words(node.attributes)}
        self._notes.add(
            self._source + node.place, "kept", f"The logical type {name}, as x-logicalType.",
            "JSON Schema has no word for it; the plain type is checked.",
            "Say it in a format or a pattern, if it matters.",
        )  # fmt: skip
        return None

    def _union(self, node: Node) -> dict[str, Any]:
        branches = [self._schema(branch) for branch in node.branches]
        plain = [one for one in branches if one.keys() == {"type"} and isinstance(one["type"], str)]
        if len(plain) == len(branches):
            kinds = [one["type"] for one in plain]
            return {"type": kinds if len(kinds) > 1 else kinds[0]}
        return {"anyOf": branches} if len(branches) != 1 else branches[0]

    def _reference(self, node: Node) -> dict[str, Any]:
        if id(node) not in self._names:
            name, number = pascal(node.short_name), 2
            while name in self._definitions or name in self._names.values():
                name, number = f"{pascal(node.short_name)}{number}", number + 1
            self._names[id(node)] = name
            self._definitions[name] = {}  # its place among the others, also where it holds itself
            self._definitions[name] = self._named(node)
        return {"$ref": f"#/$defs/{self._names[id(node)]}" if self._names[id(node)] else "#"}

    def _named(self, node: Node) -> dict[str, Any]:
        if node.kind == "enum":
            return {"type": "string", "enum": list(node.symbols), **_words(node.attributes)}
        if node.kind == "fixed":
            return {**_PLAIN["bytes"], "description": f"{node.size} bytes."} | _words(node.attributes)
        made = {
            "type": "object",
            "additionalProperties": False,
            **_words(node.attributes),
            "required": [one.name for one in node.fields if one.default is ABSENT],
            "properties": {one.name: self._field(one) for one in node.fields},
        }
        return made if made["required"] else {name: part for name, part in made.items() if name != "required"}

    def _field(self, one: Field) -> dict[str, Any]:
        made = {**self._schema(one.node), **_words(one.attributes)}
        written_alike = one.node.kind not in ("bytes", "fixed") and "logicalType" not in one.node.attributes
        if one.default is not ABSENT and written_alike:
            made["default"] = one.default
        return made


def _items(node: Node) -> Node:
    assert node.items is not None  # of an array or a map
    return node.items


def _words(attributes: dict[str, Any]) -> dict[str, Any]:
    """`doc` is the description; other words of others become extensions."""
    made: dict[str, Any] = {}
    for name, value in attributes.items():
        if name == "doc":
            made["description"] = value
        elif name.startswith("x-"):
            made[name] = value
        elif name not in ("order", "precision", "scale") and not (name == "logicalType" and value in _LOGICAL):
            made[f"x-{name}"] = value
    return made
