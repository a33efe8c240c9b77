"""A schema means the same after the upgrade: every case of the JSON Schema Test Suite, asked of what became of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from interlock.contracts.contract_invalid import ContractInvalid
from interlock.contracts.importing.note import Notes
from interlock.contracts.importing.schema_upgrade import SchemaUpgrade
from interlock.contracts.json_schema.dialect import Dialect, dialect_of
from interlock.contracts.json_schema.schema_document import SchemaDocument
from interlock.contracts.json_schema.validator import compiled

SUITE = Path(__file__).parents[3] / "shared/vectors/json-schema-suite/tests"
# Cases that agree, and cases whose schema is refused: it refers to another document, has a dialect of its own, or means
# another schema on each way to it.
DRAFTS: list[tuple[str, Dialect, int, int]] = [("draft7", "7", 900, 27), ("draft2020-12", "2020-12", 1225, 74)]


def upgraded(schema: Any, dialect: Dialect = "7", notes: Notes | None = None) -> dict[str, Any]:
    spoken = dialect_of(schema) if isinstance(schema, dict) and "$schema" in schema else dialect
    return SchemaUpgrade(SchemaDocument(schema, spoken), notes or Notes()).of(schema, "")


@pytest.mark.skipif(not SUITE.is_dir(), reason="the vectors are not beside this repository (../shared/vectors)")
@pytest.mark.parametrize(("folder", "dialect", "agree", "refuse"), DRAFTS)
def test_every_case_of_the_suite_agrees(folder: str, dialect: Dialect, agree: int, refuse: int) -> None:
    wrong, agreed, refused = [], 0, 0
    for file in sorted((SUITE / folder).glob("*.json")):
        for group in json.loads(file.read_text()):
            try:
                schema = upgraded(group["schema"], dialect)
            except ContractInvalid:
                refused += len(group["tests"])
                continue
            validator = compiled(schema, formats=False)
            for test in group["tests"]:
                if validator.is_valid(test["data"]) == test["valid"]:
                    agreed += 1
                else:
                    wrong.append(f"{file.name}: {group['description']}: {test['description']}")
    assert wrong == []
    assert (agreed, refused) == (agree, refuse)


DRAFT_4, DRAFT_6 = "http://json-schema.org/draft-04/schema#", "http://json-schema.org/draft-06/schema#"
DRAFT_2019 = "https://json-schema.org/draft/2019-09/schema"


@pytest.mark.parametrize(
    ("schema", "values"),
    [
        ({"$schema": DRAFT_4, "minimum": 1, "exclusiveMinimum": True, "maximum": 3, "exclusiveMaximum": False},
         [0, 1, 2, 3, 4]),
        ({"$schema": DRAFT_4, "id": "http://example.com/root.json", "properties": {"a": {"$ref": "#/definitions/b"}},
          "definitions": {"b": {"id": "#here", "type": "string"}}}, [{"a": 1}, {"a": "x"}, {}]),
        ({"$schema": DRAFT_6, "items": [{"type": "string"}], "additionalItems": {"type": "integer"}},
         [["a"], ["a", 1], ["a", "b"], [1], []]),
        ({"$schema": DRAFT_6, "items": {"type": "string"}, "additionalItems": False}, [["a", "b"], [1]]),
        ({"$schema": DRAFT_6, "dependencies": {"a": ["b"], "c": {"required": ["d"]}}},
         [{"a": 1}, {"a": 1, "b": 1}, {"c": 1}, {"c": 1, "d": 1}]),
        ({"$schema": DRAFT_2019, "$recursiveAnchor": True, "type": "object",
          "properties": {"inner": {"$recursiveRef": "#"}}}, [{"inner": {}}, {"inner": 1}, {"inner": {"inner": 1}}]),
        ({"$schema": DRAFT_2019, "$ref": "#/$defs/a", "maxLength": 1, "$defs": {"a": {"type": "string"}}},
         ["x", "xx", 1]),
        ({"$schema": DRAFT_4, "$ref": "#/definitions/a", "maxLength": 1, "definitions": {"a": {"type": "string"}}},
         ["x", "xx", 1]),
        ({"$schema": DRAFT_6, "properties": {"a%/ b": {"type": "string"}, "x": {"$ref": "#/properties/a%25~1%20b"}}},
         [{"x": 1}, {"x": "y"}]),
    ],
)  # fmt: skip
def test_the_older_drafts_agree_with_themselves(schema: dict[str, Any], values: list[Any]) -> None:
    before, after = compiled(schema, formats=False), compiled(upgraded(schema), formats=False)
    verdicts = [before.is_valid(value) for value in values]
    assert [after.is_valid(value) for value in values] == verdicts
    assert len(set(verdicts)) == 2


def test_words_of_others_are_kept_where_they_do_no_harm() -> None:
    notes = Notes()
    made = upgraded({"type": "object", "javaType": "com.shop.Order", "example": {}, "x-own": 1}, notes=notes)
    assert {name: made[name] for name in ("x-javaType", "examples", "x-own")} == {
        "x-javaType": "com.shop.Order", "examples": [{}], "x-own": 1,
    }  # fmt: skip
    assert [(note.kind, note.source) for note in notes] == [("kept", "/javaType")]
