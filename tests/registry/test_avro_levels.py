"""Avro under each level, over HTTP: the conversions that Karapace's and Confluent's tests ask for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.registry.served import Served
from tests.registry.test_rest import F1, F2, record

# What a reader of the second type makes of the first: (new reads old, old reads new).
READS = {("int", "long"): (True, False), ("int", "float"): (True, False), ("int", "double"): (True, False)} | {
    ("bytes", "string"): (True, True),
    ("int", "int"): (True, True),
    ("int", "boolean"): (False, False),
    ("long", "string"): (False, False),
    ("double", "bytes"): (False, False),
}


def cases() -> Iterator[tuple[str, str, str, bool]]:
    for (old, new), (backward, forward) in READS.items():
        yield from (("BACKWARD", old, new, backward), ("FORWARD", old, new, forward))
        yield from (("BACKWARD", new, old, forward), ("FORWARD", new, old, backward))
        yield ("FULL", old, new, backward and forward)


@pytest.fixture(scope="module")
def registry() -> Iterator[Served]:
    with Served() as served:
        yield served


@pytest.mark.parametrize(("level", "old", "new", "expected"), list(cases()))
def test_types_of_a_field(registry: Served, level: str, old: str, new: str, expected: bool) -> None:
    subject = f"{level}-{old}-{new}"
    registry.ask("PUT", f"/config/{subject}", {"compatibility": level})
    registry.register(subject, record({"name": "f", "type": old}), "AVRO")
    path = f"/compatibility/subjects/{subject}/versions/latest"
    assert registry.post(path, record({"name": "f", "type": new}), "AVRO").body == {"is_compatible": expected}


MAP = {"type": "map", "values": "int"}
LISTED = {"type": "array", "items": "int"}
CHANGES: list[tuple[Any, Any, dict[str, int]]] = [
    (LISTED, {**LISTED, "items": "long"}, {"BACKWARD": 200, "FORWARD": 409, "FULL": 409}),
    (
        {"type": "map", "values": "int"},
        {"type": "map", "values": "long"},
        {"BACKWARD": 200, "FORWARD": 409, "FULL": 409},
    ),
    ([LISTED, "string"], "string", {"BACKWARD": 409, "FORWARD": 200, "FULL": 409}),
    (LISTED, [LISTED, "string"], {"BACKWARD": 200, "FORWARD": 409, "FULL": 409}),
    (record(F1), record(F1, F2), {"BACKWARD": 200, "FORWARD": 200, "FULL": 200}),
    (record(F1), record(F1, {"name": "f3", "type": "int"}), {"BACKWARD": 409, "FORWARD": 200, "FULL": 409}),
    (
        {"type": "fixed", "size": 16, "name": "md5"},
        {"type": "fixed", "size": 32, "name": "md5"},
        {"BACKWARD": 409, "FORWARD": 409, "FULL": 409},
    ),
    (
        {"type": "enum", "name": "E", "symbols": ["a", "b"]},
        {"type": "enum", "name": "E", "symbols": ["a"]},
        {"BACKWARD": 409, "FORWARD": 200, "FULL": 409},
    ),
]


@pytest.mark.parametrize("at", range(len(CHANGES)))
def test_changes(registry: Served, at: int) -> None:
    old, new, expected = CHANGES[at]
    for level, status in expected.items():
        subject = f"change-{at}-{level}"
        registry.ask("PUT", f"/config/{subject}", {"compatibility": level})
        assert registry.register(subject, old, "AVRO").status == 200
        assert registry.register(subject, new, "AVRO").status == status, level


def test_the_words_of_avro(registry: Served) -> None:
    registry.register("words", record(F1), "AVRO")
    refused = registry.register("words", record(F1, {"name": "f3", "type": "int"}), "AVRO")
    assert "READER_FIELD_MISSING_DEFAULT_VALUE" in refused.body["message"]
    assert "/fields/1" in refused.body["message"]
