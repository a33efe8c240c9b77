"""Avro through `interlock diff`, as a user of a registry has it: resolution rules, modes, places, messages."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from diff_command.conftest import Desk
from diff_command.conftest import desk as desk

from avro_schemas.wire import decoded, reads
from interlock.contracts.diff import compare, compare_with_all

A = {"name": "a", "type": "string"}
B = {"name": "b", "type": "string"}
B_X = B | {"default": "x"}


def record(*fields: Any, **others: Any) -> dict[str, Any]:
    return {"type": "record", "name": "Order", **others, "fields": list(fields)}


def enum(*symbols: str, **others: Any) -> dict[str, Any]:
    return {"type": "enum", "name": "State", "symbols": list(symbols), **others}


# Old, new, verdict of BACKWARD, verdict of FORWARD. True: compatible.
CASES: dict[str, tuple[Any, Any, bool, bool]] = {
    "field with default": (record(A), record(A, B_X), True, True),
    "field without default": (record(A), record(A, B), False, True),
    "field with default removed": (record(A, B_X), record(A), True, True),
    "field without default removed": (record(A, B), record(A), True, False),
    "default removed": (record(A, B_X), record(A, B), True, True),
    "field renamed": (record(A), record(A | {"name": "c"}), False, False),
    "field renamed with alias": (record(A), record(A | {"name": "c", "aliases": ["a"]}), True, False),
    "fields reordered": (record(A, B), record(B, A), True, True),
    "record renamed": (record(A), record(A, name="Purchase"), False, False),
    "record renamed with alias": (record(A), record(A, name="Purchase", aliases=["Order"]), True, False),
    "namespace": (record(A, namespace="x"), record(A, namespace="y"), True, True),
    "int to long": ("int", "long", True, False),
    "int to float": ("int", "float", True, False),
    "int to double": ("int", "double", True, False),
    "long to float": ("long", "float", True, False),
    "float to double": ("float", "double", True, False),
    "double to long": ("double", "long", False, True),
    "string to bytes": ("string", "bytes", True, True),
    "boolean to int": ("boolean", "int", False, False),
    "to a union": ("string", ["null", "string"], True, False),
    "from a union": (["null", "string"], "string", False, True),
    "branch added": (["null", "string"], ["null", "string", "int"], True, False),
    "branch removed": (["null", "string", "int"], ["null", "string"], False, True),
    "union reordered": (["null", "string"], ["string", "null"], True, True),
    "union widened": (["null", "int"], ["null", "long"], True, False),
    "union of one": (["int"], "int", True, True),
    "every branch is read": (["int", "long", "float", "double"], "double", True, True),
    "symbol added": (enum("A"), enum("A", "B"), True, False),
    "symbol added, with a default before": (enum("A", default="A"), enum("A", "B", default="A"), True, True),
    "symbol removed": (enum("A", "B"), enum("A"), False, True),
    "symbol removed, with a default now": (enum("A", "B"), enum("A", default="A"), True, True),
    "items": ({"type": "array", "items": "int"}, {"type": "array", "items": "long"}, True, False),
    "values": ({"type": "map", "values": "long"}, {"type": "map", "values": "int"}, False, True),
    "array to map": ({"type": "array", "items": "int"}, {"type": "map", "values": "int"}, False, False),
    "fixed size": ({"type": "fixed", "name": "F", "size": 4}, {"type": "fixed", "name": "F", "size": 8}, False, False),
    "recursion": (
        record(A, {"name": "next", "type": ["null", "Order"]}),
        record(A, B_X, {"name": "next", "type": ["null", "Order"]}), True, True,
    ),
    "recursion, broken beneath": (
        record(A, {"name": "next", "type": ["null", "Order"]}),
        record(A | {"type": "int"}, {"name": "next", "type": ["null", "Order"]}), False, False,
    ),
    "doc": (record(A, doc="one"), record(A, doc="two"), True, True),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "backward", "forward"), CASES.values(), ids=CASES.keys())
def test_schema_resolution(desk: Desk, old: Any, new: Any, backward: bool, forward: bool) -> None:
    modes = {"BACKWARD": backward, "FORWARD": forward, "FULL": backward and forward, "NONE": True}
    for mode, fine in modes.items():
        answer = desk.judged(old, new, "--kind", "avro", "--mode", mode)
        assert (answer["kind"], answer["verdict"]) == ("avro", "compatible" if fine else "breaking"), mode
    for finding in desk.judged(old, new, "--kind", "avro", "--mode", "FULL")["findings"]:
        if finding["severity"] == "ERR":
            writer, reader = (old, new) if finding["direction"] == "backward" else (new, old)
            assert finding["witnessed"]
            assert not reads(writer, reader, decoded(writer, finding["witness"]))


def test_text_names_line_place_value_and_step(desk: Desk) -> None:
    old = desk.put("1.avsc", record(A))
    new = desk.put("2.avsc", record(A, B))
    code, out, err = desk.run(old, new)
    assert (code, err) == (1, "")
    head, message, _, witness, summary, _ = out.splitlines()
    assert head == "2.avsc:9  field-added-without-default  error"
    assert message.startswith("   /fields/1: A field without a default was added")
    assert message.endswith("(Order.b).")
    assert witness == '   2.avsc refuses a document of 1.avsc: {"a":"a"}'
    assert summary == "1.avsc → 2.avsc   major, breaking (BACKWARD): 1 error"


@pytest.mark.parametrize(
    ("old", "new", "level"),
    [
        (record(A), record(A, B_X), "minor"),
        (record(A, doc="one"), record(A, doc="two"), "patch"),
        (record(A), record(A | {"order": "ignore"}), "patch"),
        (record(A, B_X), record(A, B), "minor"),
        (record(A), record(A, B), "major"),
    ],
)
def test_levels(desk: Desk, old: Any, new: Any, level: str) -> None:
    assert desk.judged(old, new)["level"] == level


def test_a_default_that_went_is_worth_a_look_and_transitive_modes_refuse_it(desk: Desk) -> None:
    names = [desk.put(f"{at}.avsc", one) for at, one in enumerate([record(A), record(A, B_X), record(A, B)])]
    code, out, _ = desk.run(*names[1:], "--json")
    assert code == 0
    (finding,) = json.loads(out)["findings"]
    assert (finding["rule"], finding["severity"]) == ("default-removed", "WARN")
    code, out, _ = desk.run(*names, "--json", "--mode", "BACKWARD_TRANSITIVE")
    assert code == 1
    assert json.loads(out)["findings"][0]["against"] == ["0.avsc"]


MILLIS, MICROS = ({"type": "long", "logicalType": f"timestamp-{unit}"} for unit in ("millis", "micros"))
DECIMAL = {"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2}


@pytest.mark.parametrize(
    ("old", "new", "verdict"),
    [
        (MILLIS, MICROS, "breaking"),
        (DECIMAL, DECIMAL | {"scale": 1}, "breaking"),
        (DECIMAL, DECIMAL | {"precision": 6}, "breaking"),
        (["null", MILLIS], ["null", MICROS], "breaking"),
        ({"type": "int", "logicalType": "date"}, MILLIS, "breaking"),
        ({"type": "long"}, MILLIS, "compatible"),
        ({"type": "long", "logicalType": "ours"}, {"type": "long", "logicalType": "theirs"}, "compatible"),
    ],
)
def test_what_is_read_and_misread_breaks(desk: Desk, old: Any, new: Any, verdict: str) -> None:
    old, new = record({"name": "at", "type": old}), record({"name": "at", "type": new})
    assert desk.judged(old, new)["verdict"] == verdict
    assert desk.judged(old, new, "--reading", "LENIENT")["verdict"] == "compatible"


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        (record(A, A), "bad.avsc:9  /fields/1: The record Order has two fields a."),
        (record({"name": "a", "type": "Nope"}), 'bad.avsc:7  /fields/0/type: The type "Nope" is not defined'),
        (record({"name": "a", "type": "int", "default": "x"}), "bad.avsc:8  /fields/0/default: The default of a"),
    ],
)
def test_what_is_no_schema(desk: Desk, schema: Any, said: str) -> None:
    good, bad = desk.put("good.avsc", record(A)), desk.put("bad.avsc", schema)
    for words in ((good, bad), (bad, good)):
        assert said in desk.refused(*words)


def test_hostile_schemas_end_in_time() -> None:
    """Values of exponential size, unions of unions of records, long lists: bounded, and decided."""
    begun = time.process_time()
    for old, new in hostile():
        assert compare(old, new, mode="FULL", kind="avro").verdict == "breaking"
    assert time.process_time() - begun < 20


def hostile() -> list[tuple[Any, Any]]:
    return [
        (bomb("int"), bomb("string")),
        (tangle("int"), tangle("string")),
        (enum(*(f"S{n}" for n in range(30_000))), enum(*(f"T{n}" for n in range(30_000)))),
        (wide("int"), wide("string")),
        (deep("int"), deep("string")),
        (defaults("int"), defaults("string")),
        (crowd("R", "int"), crowd("S", "string")),
        (record(A, aliases=[f"R{n}" for n in range(20_000)]), record(B, aliases=[f"S{n}" for n in range(20_000)])),
    ]


def bomb(leaf: str) -> Any:
    """Each record holds two of the one before: 2^60 leaves."""
    made: Any = record({"name": "leaf", "type": leaf}, name="R0")
    for level in range(1, 61):
        made = record({"name": "x", "type": made}, {"name": "y", "type": f"R{level - 1}"}, name=f"R{level}")
    return made


def tangle(leaf: str) -> Any:
    """Forty records, each of which may hold any other."""
    names = [f"R{number}" for number in range(40)]
    made: list[Any] = [record({"name": "leaf", "type": leaf}, name="Leaf")]
    for number, name in enumerate(names):
        made.append(record({"name": "next", "type": ["null", "Leaf", *names[: number + 1]]}, name=name))
    return made


def crowd(prefix: str, kind: str) -> Any:
    """A union of three thousand records, every other one of them renamed."""
    return [
        record({"name": "a", "type": kind}, name=f"{'R' if number % 2 else prefix}{number}") for number in range(3000)
    ]


def wide(kind: str) -> Any:
    return record(*({"name": f"f{number}", "type": kind} for number in range(3000)))


def deep(leaf: str) -> Any:
    made: Any = leaf
    for _ in range(200):
        made = {"type": "array", "items": made}
    return made


def defaults(kind: str) -> Any:
    """A default that is deep, for a union of two records that hold such a union."""
    value: Any = {"f": None}
    for _ in range(60):
        value = {"f": value}
    one = record({"name": "f", "type": ["null", "One", "Two"]}, name="One")
    two = record({"name": "f", "type": ["null", "One", "Two"]}, name="Two")
    one["fields"][0]["type"] = ["null", "One", two]
    return record({"name": "a", "type": ["null", one], "default": value}, {"name": "b", "type": kind})


def test_nesting_without_end_is_an_error_not_a_crash() -> None:
    schema: Any = "int"
    for _ in range(5000):
        schema = {"type": "array", "items": schema}
    with pytest.raises(Exception, match="nests too deep"):
        compare(schema, "int", kind="avro")


def test_the_library_call_over_a_history() -> None:
    olds = [record(A), record(A, B_X)]
    assert compare_with_all(olds, record(A, B), mode="BACKWARD").verdict == "compatible"
    assert compare_with_all(olds, record(A, B), mode="BACKWARD_TRANSITIVE").verdict == "breaking"
