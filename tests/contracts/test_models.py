"""Generated classes: what they say, that they decode and encode what the contract takes, that tools find them clean."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest

from interlock.contracts.event_contract import EventContract
from interlock.contracts.models import generate

from .schemas import CLASS, DATA, LINE, ORDER, contract, order

EVERYTHING: dict[str, Any] = {
    "a": {"type": "string", "format": "date", **CLASS},
    "class": {"type": "integer", **CLASS},
    "str": {"type": "string", **CLASS},
    "order-no": {"type": "string", **CLASS},
    "2nd": {"type": "boolean", **CLASS},
    "datetime": {"type": "string", "format": "date-time", **CLASS},
    "_private": {"type": "string", **CLASS},
    "tags": {"type": "array", "items": {"type": "string"}, **CLASS},
    "labels": {"type": "object", "additionalProperties": {"type": "string"}, **CLASS},
    "either": {"anyOf": [{"type": "string"}, {"type": "integer"}], **CLASS},
    "fixed": {"const": 3, **CLASS},
    "level": {"enum": ["low", 'hi"gh', None], **CLASS},
    "ratio": {"type": ["number", "null"], **CLASS},
    "tree": {"$ref": "#/$defs/node"},
    "choices": {"enum": [f"a-rather-long-choice-number-{number}" for number in range(9)], **CLASS},
}
TREE = {
    "node": {
        "type": "object",
        "description": 'A "node" \\ of a tree',
        "additionalProperties": False,
        "required": ["value"],
        "properties": {
            "value": {"type": "integer", **CLASS},
            "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
        },
    }
}


def everything() -> EventContract:
    extension = {"owner": "t", "partition_key": "/order-no"}
    return contract(
        "ThingSeen", required=["order-no", "a"], properties=EVERYTHING, **{"$defs": TREE, "x-interlock": extension}
    )


def load(source: str, name: str = "generated_models") -> ModuleType:
    module = ModuleType(name)
    sys.modules[name] = module
    exec(compile(source, name, "exec"), module.__dict__)
    return module


def test_a_document_becomes_an_instance_and_comes_back_the_same() -> None:
    subject = contract()
    model = load(generate("orders", [subject])).OrderPlaced
    made = msgspec.convert(DATA, model)
    assert (made.total, made.placed_at) == (Decimal("12.00"), datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    assert made.gift_note is msgspec.UNSET
    assert (model.__contract__, model.__version__) == ("orders.OrderPlaced", "1.0.0")
    assert msgspec.json.decode(msgspec.json.encode(made)) == DATA
    subject.check(msgspec.json.decode(msgspec.json.encode(made)))


def test_null_stays_null_and_absent_stays_absent() -> None:
    model = load(generate("orders", [contract()])).OrderPlaced
    data = order(gift_note=None, payment=None)
    assert msgspec.json.decode(msgspec.json.encode(msgspec.convert(data, model))) == data


def test_difficult_names_and_kinds_come_back_the_same() -> None:
    subject = everything()
    model = load(generate("orders", [subject])).ThingSeen
    data = {
        "a": "2026-01-02",
        "class": 1,
        "str": "s",
        "order-no": "7",
        "2nd": True,
        "datetime": "2026-01-02T00:00:00Z",
        "_private": "p",
        "tags": ["x"],
        "labels": {"k": "v"},
        "either": 4,
        "fixed": 3,
        "level": 'hi"gh',
        "ratio": None,
        "tree": {"value": 1, "children": [{"value": 2}]},
    }
    subject.check(data)
    made = msgspec.convert(data, model)
    assert (made.class_, made.order_no, made.tree.children[0].value) == (1, "7", 2)
    assert msgspec.json.decode(msgspec.json.encode(made)) == data


def test_nested_objects_of_one_shape_are_one_class_with_a_name_per_event() -> None:
    module = load(
        generate(
            "orders",
            [
                contract("OrderPlaced"),
                contract("StockReserved"),
                contract(
                    "ReturnReceived",
                    properties={
                        **ORDER["properties"],
                        "lines": {"type": "array", "items": {**LINE, "properties": {"sku": {"type": "string"}}}},
                    },
                ),
            ],
        )
    )
    assert module.OrderPlacedLine is module.StockReservedLine
    assert module.ReturnReceivedLine is not module.OrderPlacedLine


def test_a_new_event_renames_nothing() -> None:
    before = load(generate("orders", [contract("OrderPlaced")]))
    after = load(generate("orders", [contract("OrderPlaced"), contract("AllPlaced")]))
    assert {name for name in vars(before) if name.startswith("Order")} <= set(vars(after))


def test_only_the_newest_version_of_each_type_has_a_class() -> None:
    module = load(generate("orders", [contract(version=version) for version in ("1.10.0", "1.2.0", "2.0.0")]))
    assert (module.OrderPlaced.__version__, module.OrderPlacedV2.__version__) == ("1.10.0", "2.0.0")
    assert module.OrderPlacedV2.__contract__ == "orders.OrderPlaced.v2"


def test_the_source_is_deterministic_and_changes_with_its_schemas() -> None:
    two = [contract("OrderPlaced"), contract("StockReserved")]
    assert generate("orders", two) == generate("orders", two[::-1])
    assert generate("orders", two) != generate("orders", [contract("OrderPlaced", description="Else"), two[1]])


@pytest.mark.parametrize("width", [88, 120])
def test_tools_find_the_source_clean(tmp_path: Path, width: int) -> None:
    (tmp_path / "orders.py").write_text(generate("orders", [contract(), contract("StockReserved")]))
    (tmp_path / "things.py").write_text(generate("things", [everything()]))
    settings = ["--isolated", "--line-length", str(width)]
    rules = ["--select", "E,F,W,I,UP,B,SIM,RUF,PT,C4,PIE,RET"]
    _run("ruff", "format", "--check", "--diff", *settings, str(tmp_path))
    _run("ruff", "check", *settings, *rules, str(tmp_path))


def test_mypy_finds_the_source_clean(tmp_path: Path) -> None:
    source = generate("orders", [contract(), contract("StockReserved")]) + USE
    (tmp_path / "orders.py").write_text(source)
    (tmp_path / "things.py").write_text(generate("things", [everything()]))
    _run(
        "mypy",
        "--strict",
        "--cache-dir",
        str(tmp_path / "cache"),
        str(tmp_path / "orders.py"),
        str(tmp_path / "things.py"),
    )


USE = """

def use(order: OrderPlaced) -> StockReserved:
    return StockReserved(
        order_id=order.order_id, lines=order.lines, total=order.total, placed_at=order.placed_at
    )
"""


def _run(*command: str) -> None:
    done = subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
