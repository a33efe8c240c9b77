"""What counts as an Avro schema, held against fastavro; where the two differ, the specification says why."""

from __future__ import annotations

import copy
from typing import Any

import fastavro
import pytest

from interlock.contracts.avro.schema import read
from interlock.contracts.contract_invalid import ContractInvalid


def record(*fields: Any, **others: Any) -> dict[str, Any]:
    return {"type": "record", "name": "R", **others, "fields": list(fields)}


def field(kind: Any, **others: Any) -> dict[str, Any]:
    return {"name": "a", "type": kind, **others}


def enum(*symbols: Any, **others: Any) -> dict[str, Any]:
    return {"type": "enum", "name": "E", "symbols": list(symbols), **others}


def fixed(size: Any) -> dict[str, Any]:
    return {"type": "fixed", "name": "F", "size": size}


GOOD: list[Any] = [
    "int", "null", ["null", "int"], [], {"type": "int"}, {"type": "array", "items": "int"},
    {"type": "map", "values": "int"}, record(), record(field("int")), record(field("R")),
    record(field(["null", "R"])), record(name="x.y"), record(namespace="x.y"), enum("A"), enum(),
    enum("A", default="A"), fixed(4), fixed(0), record(field("int", default=1)),
    record(field(["null", "int"], default=None)), record(field(["null", "int"], default=1)),
    record(field(["int", "null"], default=None)), record(field("bytes", default="\u00ff")),
    record(field("float", default=1)), record(field({"type": "array", "items": "int"}, default=[1])),
    record(field("int", aliases=["b"])), record(aliases=["S", "x.y"]),
    [record(namespace="x"), record(namespace="y")], {"type": "error", "name": "R", "fields": []},
    {"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2}, {"type": "string", "logicalType": "nope"},
    record(field("int", order="ascending")), {"type": "record", "name": "x.int", "fields": []},
    record(field(enum("A")), {"name": "b", "type": "E"}), record(field(fixed(2)), {"name": "b", "type": ["null", "F"]}),
]  # fmt: skip
# Schema, place of the mistake.
BAD: list[tuple[Any, str]] = [
    ("foo", ""), ({"type": "foo"}, "/type"), ({}, ""), (7, ""), (None, ""), ({"type": "array"}, ""),
    ({"type": "map"}, ""), ({"type": "record", "fields": []}, ""), (record(field("S")), "/fields/0/type"),
    (record({"type": "int"}), "/fields/0"), (record({"name": "a"}), "/fields/0"), (record("a"), "/fields/0"),
    (enum("A", "A"), "/symbols/1"), (enum("A-B"), "/symbols/0"), (enum(1), "/symbols/0"),
    ({"type": "enum", "name": "E"}, ""), (enum("A", default="B"), "/default"), ({"type": "fixed", "name": "F"}, ""),
    (record(field("int", default="x")), "/fields/0/default"), (record(field("int", default=None)), "/fields/0/default"),
    (record(field({"type": "array", "items": "int"}, default={})), "/fields/0/default"),
    (record(field("int", aliases="b")), "/fields/0/aliases"), (record(field(record())), "/fields/0/type"),
]  # fmt: skip
# fastavro takes these. The section is that of the specification 1.12.0.
STRICTER: list[tuple[Any, str, str]] = [
    (["int", "int"], "/1", "Unions: no two of one type, but for named ones"),
    ([["int"], "null"], "/0", "Unions: may not immediately contain other unions"),
    (record(field("int"), field("int")), "/fields/1", "Records: fields have names of their own"),
    ({"type": "record", "name": "R"}, "", "Records: fields is required"),
    (record({"name": "1a", "type": "int"}), "/fields/0", "Names: no digit first"),
    (record(name="a-b"), "/name", "Names: letters, digits and _"),
    (record(name="a..b"), "/name", "Names: a sequence of names"),
    (record(namespace="x-y"), "/name", "Names: a namespace is a sequence of names"),
    (record(name=""), "", "Names"),
    (record(namespace=7), "/namespace", "Records: namespace is a JSON string"),
    (fixed(-1), "", "Fixed: the number of bytes"),
    (fixed("4"), "", "Fixed: size is an integer"),
    (record(field("bytes", default="\u0100")), "/fields/0/default", "Records: code points 0-255 are bytes"),
    (record(aliases=[1]), "/aliases", "Aliases: names"),
    ([record(), record()], "/1", "Names: may not be redefined"),
    (record(name="int"), "", "Names: primitive type names may not be defined"),
]
# fastavro refuses these.
LAXER: list[tuple[Any, str]] = [
    ({"type": "bytes", "logicalType": "decimal", "precision": 2, "scale": 4}, "Logical Types: a wrong one is ignored"),
    ({"type": {"type": "int"}}, "a schema within a schema, which other readers take"),
]


def fastavro_takes(schema: Any) -> bool:
    try:
        fastavro.parse_schema(copy.deepcopy(schema))
    except Exception:
        return False
    return True


@pytest.mark.parametrize("schema", GOOD, ids=str)
def test_both_take(schema: Any) -> None:
    assert fastavro_takes(schema)
    read(schema)


@pytest.mark.parametrize(("schema", "place"), BAD, ids=str)
def test_both_refuse(schema: Any, place: str) -> None:
    assert not fastavro_takes(schema)
    assert refused(schema) == place


@pytest.mark.parametrize(("schema", "place", "section"), STRICTER, ids=str)
def test_only_we_refuse(schema: Any, place: str, section: str) -> None:
    assert fastavro_takes(schema), f"no difference any more: {section}"
    assert refused(schema) == place


@pytest.mark.parametrize(("schema", "reason"), LAXER, ids=str)
def test_only_we_take(schema: Any, reason: str) -> None:
    assert not fastavro_takes(schema), f"no difference any more: {reason}"
    read(schema)


def refused(schema: Any) -> str:
    with pytest.raises(ContractInvalid) as caught:
        read(schema)
    assert caught.value.detail.endswith(".")
    return caught.value.pointer
