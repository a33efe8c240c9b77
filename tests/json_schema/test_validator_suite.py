"""The JSON Schema Test Suite, required cases of 2020-12 and draft 7, through the plain validation path."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from interlock.contracts.contract_invalid import ContractInvalid
from interlock.contracts.json_schema.dialect import Dialect
from interlock.contracts.json_schema.validator import compiled

SUITE = Path(__file__).parents[3] / "shared/vectors/json-schema-suite"
DRAFTS: list[tuple[str, Dialect, int]] = [("draft2020-12", "2020-12", 1299), ("draft7", "7", 927)]
# file: group: test -> why ours differs. Empty: nothing does.
EXCEPTIONS: dict[str, str] = {}


def _remotes() -> dict[str, Any]:
    return {
        f"http://localhost:1234/{file.relative_to(SUITE / 'remotes').as_posix()}": json.loads(file.read_text())
        for file in sorted((SUITE / "remotes").rglob("*.json"))
    }


@pytest.mark.skipif(not SUITE.is_dir(), reason="the vectors are not beside this repository (../shared/vectors)")
@pytest.mark.parametrize(("folder", "dialect", "cases"), DRAFTS)
def test_every_required_case_agrees(folder: str, dialect: Dialect, cases: int) -> None:
    resources = _remotes()
    agreed, wrong = 0, []
    for file in sorted((SUITE / "tests" / folder).glob("*.json")):
        for group in json.loads(file.read_text()):
            schema = group["schema"]
            named = isinstance(schema, dict) and "$schema" in schema
            validator = compiled(schema, formats=False, resources=resources, dialect=None if named else dialect)
            for test in group["tests"]:
                text = f"{file.name}: {group['description']}: {test['description']}"
                if validator.is_valid(test["data"]) == test["valid"]:
                    agreed += 1
                elif text not in EXCEPTIONS:
                    wrong.append(text)
    assert wrong == []
    assert agreed == cases - len(EXCEPTIONS)


def test_what_leaves_the_document_is_refused_and_never_fetched() -> None:
    with pytest.raises(ContractInvalid, match="never fetched"):
        compiled({"$ref": "http://example.invalid/schema"})


def test_a_pattern_with_look_around_is_judged_within_bounds() -> None:
    assert compiled({"pattern": "^(?!x)a$"}).is_valid("a")
    assert not compiled({"pattern": "^(?=(a+)+$)b$"}).is_valid("a" * 60 + "!")


def test_each_dialect_reads_its_own_keywords() -> None:
    draft4 = "http://json-schema.org/draft-04/schema#"
    assert not compiled({"$schema": draft4, "maximum": 1, "exclusiveMaximum": True}).is_valid(1)
    draft7 = "http://json-schema.org/draft-07/schema#"
    assert not compiled({"$schema": draft7, "items": [{"type": "string"}]}).is_valid([1])
    with pytest.raises(ContractInvalid, match="no dialect"):
        compiled({"$schema": "https://example.com/other"})


def test_a_schema_too_deep_is_refused() -> None:
    schema: Any = {}
    for _ in range(300):
        schema = {"not": schema}
    with pytest.raises(ContractInvalid, match="levels deep"):
        compiled(schema)
