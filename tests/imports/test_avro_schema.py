"""What Avro can say, as JSON Schema: the values of each type and no others."""

from __future__ import annotations

from typing import Any

import pytest

from interlock.contracts.avro.schema import read
from interlock.contracts.document_schema import DocumentSchema
from interlock.contracts.importing.avro_schema import json_schema_of
from interlock.contracts.importing.note import Notes

LIST = {"type": "record", "name": "LongList", "fields": [
    {"name": "value", "type": "long"}, {"name": "next", "type": ["null", "LongList"], "default": None}]}  # fmt: skip


def logical(kind: str, name: str) -> dict[str, Any]:
    return {"type": kind, "logicalType": name}


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ("boolean", [True], [1, None]),
        ("int", [-(2**31), 2**31 - 1], [2**31, 1.5, "1"]),
        ("long", [2**40], [1.5]),
        ("double", [1.5, 1], ["1"]),
        ("bytes", ["aGk="], [7]),
        (["null", "string"], [None, "x"], [1]),
        (["null", {"type": "array", "items": "int"}], [None, [1]], [["x"]]),
        ({"type": "map", "values": "string"}, [{}, {"a": "x"}], [{"a": 1}]),
        ({"type": "enum", "name": "Size", "symbols": ["S", "L"]}, ["S"], ["M", None]),
        ({"type": "fixed", "name": "Md5", "size": 16}, ["aGk="], [1]),
        (LIST, [{"value": 1}, {"value": 1, "next": {"value": 2, "next": None}}],
         [{}, {"value": 1, "next": {"value": "x"}}, {"value": 1, "more": 1}]),
        ({"type": "record", "name": "Two", "fields": [{"name": "a", "type": LIST}, {"name": "b", "type": "LongList"}]},
         [{"a": {"value": 1}, "b": {"value": 1}}], [{"a": {"value": 1}}, {"a": {"value": 1}, "b": {}}]),
        (logical("int", "date"), ["2026-01-05"], [20458, "yesterday"]),
        (logical("long", "timestamp-millis"), ["2026-01-05T10:00:00Z"], [1]),
        (logical("string", "uuid"), ["01930c00-0000-7000-8000-000000000001"], ["x"]),
        ({**logical("bytes", "decimal"), "precision": 9, "scale": 2}, ["12.50"], ["x", 12.5]),
        (logical("bytes", "decimal"), ["aGk="], [1]),  # no precision: the specification has the word ignored
        (logical("long", "time-micros"), [1], ["10:00"]),
    ],
)  # fmt: skip
def test_values(schema: Any, good: list[Any], bad: list[Any]) -> None:
    made = DocumentSchema(json_schema_of(read(schema), "", Notes()))
    assert [value for value in good if not made.is_valid(value)] == []
    assert [value for value in bad if made.is_valid(value)] == []


def test_what_json_schema_has_no_word_for_is_noted() -> None:
    notes = Notes()
    made = json_schema_of(read(logical("long", "time-micros")), "orders version 1", notes)
    assert made["x-logicalType"] == "time-micros"
    assert [(note.kind, note.source) for note in notes] == [
        ("kept", "orders version 1"),
        ("changed", "orders version 1"),
    ]
