"""Schemas that double with each step are refused; those of the official suite are not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from interlock.contracts.contract_invalid import ContractInvalid
from interlock.contracts.json_schema.unfolding import refuse_unfolding

SUITE = Path(__file__).parents[3] / "shared/vectors/json-schema-suite/tests"


def doubling(steps: int, keyword: str) -> dict[str, Any]:
    places: dict[str, Any] = {"t0": {"type": "string"}}
    for at in range(1, steps):
        twice = [{"$ref": f"#/$defs/t{at - 1}"}, {"$ref": f"#/$defs/t{at - 1}"}]
        places[f"t{at}"] = {keyword: twice}
    return {"$defs": places}


@pytest.mark.parametrize("keyword", ["allOf", "anyOf", "oneOf"])
def test_doubling_is_refused(keyword: str) -> None:
    refuse_unfolding(doubling(12, keyword))
    with pytest.raises(ContractInvalid, match="more than 100,000 looks"):
        refuse_unfolding(doubling(40, keyword))


def test_a_long_chain_is_no_bomb() -> None:
    places = {f"t{at}": {"$ref": f"#/$defs/t{at + 1}"} for at in range(20_000)}
    refuse_unfolding({"$defs": {**places, "t20000": {"type": "string"}}, "$ref": "#/$defs/t0"})


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"anyOf": [{"type": "string"}, {"$ref": "#"}]},
        {"$defs": {"a": {"not": {"$ref": "#/$defs/b"}}, "b": {"if": {"$ref": "#/$defs/a"}}}},
    ],
)
def test_a_circle_that_consumes_nothing_is_refused(schema: Any) -> None:
    with pytest.raises(ContractInvalid, match="refers to itself"):
        refuse_unfolding(schema)


def test_recursion_that_consumes_is_fine() -> None:
    refuse_unfolding({"properties": {"left": {"$ref": "#"}, "right": {"$ref": "#"}}, "items": {"$ref": "#"}})


@pytest.mark.skipif(not SUITE.is_dir(), reason="the vectors are not beside this repository (../shared/vectors)")
@pytest.mark.parametrize("draft", ["draft2020-12", "draft7"])
def test_no_schema_of_the_suite_is_a_bomb(draft: str) -> None:
    files = sorted((SUITE / draft).glob("*.json"))
    assert files
    for file in files:
        for group in json.loads(file.read_text()):
            if "localhost" not in str(group["schema"]):  # dialects and documents of elsewhere
                refuse_unfolding(group["schema"])
