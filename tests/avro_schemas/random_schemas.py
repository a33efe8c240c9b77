"""Avro schemas, what people do to them, and values that they write; from a seed."""

from __future__ import annotations

import copy
from random import Random
from typing import Any

PRIMITIVES = ("null", "boolean", "int", "long", "float", "double", "bytes", "string")
LOGICAL = (("int", "date"), ("long", "timestamp-millis"), ("long", "timestamp-micros"), ("int", "time-millis"))
_VALUES: dict[str, Any] = {
    "null": None, "boolean": True, "int": 7, "long": 8, "float": 0.5, "double": 0.25, "bytes": "ab", "string": "ab",
}  # fmt: skip


class Schemas:
    """One schema a call; names are few, so that changes meet."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._names: dict[str, Any] = {}

    def schema(self, depth: int = 3) -> Any:
        self._names = {}
        return self._record(depth) if self._random.random() < 0.7 else self._any(depth)

    def _any(self, depth: int) -> Any:
        kinds = ["primitive"] * 3 + ["logical", "enum", "fixed", "named"]
        if depth > 0:
            kinds += ["record", "record", "array", "map", "union", "union"]
        kind = self._random.choice(kinds)
        if kind == "primitive":
            return self._random.choice(PRIMITIVES)
        if kind == "logical":
            base, name = self._random.choice(LOGICAL)
            return {"type": base, "logicalType": name}
        if kind == "named":
            return self._random.choice(list(self._names)) if self._names else "string"
        if kind == "array":
            return {"type": "array", "items": self._any(depth - 1)}
        if kind == "map":
            return {"type": "map", "values": self._any(depth - 1)}
        made: Any = {"record": self._record, "union": self._union, "enum": self._enum, "fixed": self._fixed}[kind](
            depth
        )
        return made

    def _name(self, kind: str) -> str | None:
        """Of its kind alone: fastavro takes types of one name for one, whatever they are."""
        free = [name for name in (f"{kind}A", f"{kind}B", f"{kind}C") if name not in self._names]
        return self._random.choice(free) if free else None

    def _record(self, depth: int) -> Any:
        name = self._name("R")
        if name is None:
            return "int"
        made: dict[str, Any] = {"type": "record", "name": name, "fields": []}
        for field in self._random.sample(("a", "b", "c", "d"), self._random.randint(0, 4)):
            one: dict[str, Any] = {"name": field, "type": self._any(depth - 1)}
            default = plain_default(one["type"])
            if default is not None and self._random.random() < 0.5:
                one["default"] = default[0]
            made["fields"].append(one)
        self._names[name] = made  # known after its end: recursion is made by hand, where it has an end
        if self._random.random() < 0.2:
            made["fields"].append({"name": "next", "type": ["null", name], "default": None})
        return made

    def _union(self, depth: int) -> Any:
        branches: dict[str, Any] = {}
        for _ in range(self._random.randint(1, 4)):
            made = self._any(depth - 1)
            if not isinstance(made, list):
                branches.setdefault(label(made), made)
        return list(branches.values()) or ["null"]

    def _enum(self, depth: int) -> Any:
        name = self._name("E")
        if name is None:
            return "int"
        symbols = self._random.sample(("X", "Y", "Z"), self._random.randint(1, 3))
        made = {"type": "enum", "name": name, "symbols": symbols}
        if self._random.random() < 0.3:
            made["default"] = symbols[0]
        self._names[name] = made
        return made

    def _fixed(self, depth: int) -> Any:
        name = self._name("F")
        if name is None:
            return "int"
        self._names[name] = made = {"type": "fixed", "name": name, "size": self._random.randint(1, 3)}
        return made


def label(schema: Any) -> str:
    if isinstance(schema, str):
        return schema
    return str(schema.get("name", schema["type"]))


def plain_default(schema: Any) -> tuple[Any] | None:
    """A default that is easy to say."""
    kind = schema if isinstance(schema, str) else schema[0] if isinstance(schema, list) else schema["type"]
    if isinstance(kind, str) and kind in _VALUES:
        return (_VALUES[kind],)
    return ([],) if kind == "array" else ({},) if kind == "map" else None


def changed(random: Random, schema: Any) -> Any:
    """One to three things that people do, anywhere in it."""
    new = copy.deepcopy(schema)
    for _ in range(random.randint(1, 3)):
        places = list(_places(new))
        kind, where, key = random.choice(places) if places else ("type", None, None)
        if where is None:
            new = random.choice([random.choice(PRIMITIVES), ["null", new] if not isinstance(new, list) else new])
        else:
            _change(random, kind, where, key)
    return new


def _places(schema: Any) -> Any:
    if isinstance(schema, list):
        yield "union", schema, None
        for index, branch in enumerate(schema):
            yield "type", schema, index
            yield from _places(branch)
    elif isinstance(schema, dict):
        kind = schema["type"]
        if kind == "record":
            yield "record", schema, None
            for field in schema["fields"]:
                yield "field", field, None
                yield "type", field, "type"
                yield from _places(field["type"])
        elif kind in ("array", "map"):
            member = "items" if kind == "array" else "values"
            yield "type", schema, member
            yield from _places(schema[member])
        elif kind in ("enum", "fixed"):
            yield kind, schema, None


def _change(random: Random, kind: str, where: Any, key: Any) -> None:
    if kind == "type":
        if isinstance(where[key], str) or random.random() < 0.2:
            where[key] = random.choice(
                [*PRIMITIVES, ["null", "string"], {"type": "long", "logicalType": "timestamp-millis"}]
            )
            if isinstance(where, dict):
                where.pop("default", None)
    elif kind == "union":
        if len(where) > 1 and random.random() < 0.5:
            where.pop(random.randrange(len(where)))
        else:
            where.append(random.choice(PRIMITIVES))
        random.shuffle(where)
    elif kind == "record":
        _change_record(random, where)
    elif kind == "field":
        name = where["name"]
        where["name"] = random.choice(["a", "e", "f"])
        if random.random() < 0.7:
            where["aliases"] = [name]
    elif kind == "enum":
        symbol = random.choice(["W", "X", "Y", "Z"])
        if symbol in where["symbols"] and len(where["symbols"]) > 1:
            where["symbols"].remove(symbol)
        elif symbol not in where["symbols"]:
            where["symbols"].insert(0, symbol)
    else:
        where["size"] = random.randint(1, 3)


def _change_record(random: Random, record: Any) -> None:
    act = random.choice(["add", "default", "remove", "shuffle", "rename"])
    fields = record["fields"]
    if act in ("add", "default"):
        kind = random.choice(["int", "string", "boolean"])
        fields.append(
            {"name": random.choice("efgh"), "type": kind} | ({"default": _VALUES[kind]} if act == "default" else {})
        )
    elif act == "remove" and fields:
        fields.pop(random.randrange(len(fields)))
    elif act == "shuffle":
        random.shuffle(fields)
    elif act == "rename":
        record["aliases"], record["name"] = [record["name"]], random.choice(["RG", "RH"])


def value(random: Random, schema: Any, depth: int = 6) -> Any:
    """A Python value that fastavro writes by the schema; branches of unions are named."""
    return _value(random, schema, named_types(schema), depth)


def named_types(schema: Any) -> dict[str, Any]:
    """By name, wherever they are defined."""
    if isinstance(schema, list):
        parts = schema
    elif isinstance(schema, dict):
        parts = [*(one["type"] for one in schema.get("fields", ())), schema.get("items"), schema.get("values")]
    else:
        return {}
    found = {name: one for part in parts for name, one in named_types(part).items()}
    return found | ({schema["name"]: schema} if isinstance(schema, dict) and "name" in schema else {})


def _value(random: Random, schema: Any, names: dict[str, Any], depth: int) -> Any:
    if isinstance(schema, list):
        branch = "null" if depth <= 0 and "null" in schema else random.choice(schema)
        return label(branch), _value(random, branch, names, depth - 1)
    if isinstance(schema, str):
        if schema in PRIMITIVES:
            return _primitive(random, schema)
        return _value(random, names[schema], names, depth - 1)
    kind = schema["type"]
    if kind == "record":
        return {one["name"]: _value(random, one["type"], names, depth - 1) for one in schema["fields"]}
    if kind == "enum":
        return random.choice(schema["symbols"])
    if kind == "fixed":
        return bytes(random.choices(b"abc", k=schema["size"]))
    if kind in ("array", "map"):
        member = schema["items" if kind == "array" else "values"]
        made = [_value(random, member, names, depth - 1) for _ in range(random.randint(0, 2) if depth > 0 else 0)]
        return made if kind == "array" else dict(zip("xy", made, strict=False))
    return 86_400 if "logicalType" in schema else _primitive(random, kind)


def _primitive(random: Random, kind: str) -> Any:
    values: dict[str, list[Any]] = {
        "null": [None], "boolean": [True, False], "int": [0, -1, 2**31 - 1], "long": [0, 2**62, -5],
        "float": [0.5, -2.0], "double": [0.25, 1e300], "bytes": [b"", b"ab"], "string": ["", "ab", "é"],
    }  # fmt: skip
    return random.choice(values[kind])
