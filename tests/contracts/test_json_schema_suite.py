"""The JSON Schema Test Suite, draft 2020-12, through our compile. Where we differ, the reason is listed."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from interlock.contracts.document_schema import DocumentSchema, SchemaInvalid

SUITE = Path(__file__).parents[3] / "shared/vectors/json-schema-suite/tests/draft2020-12"
# (substring of the test's name or of our verdict) -> why ours differs.
STANCES = {
    "Retrieval is disabled": "references leave no file",
    "is only an annotation by default": "formats are asserted",
    "custom metaschema with with no validation vocabulary": "vocabularies would need a reference out of the file",
}


@pytest.mark.skipif(not SUITE.is_dir(), reason="the vectors are not beside this repository (../shared/vectors)")
def test_verdicts_agree_with_the_suite() -> None:
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    for file in sorted(SUITE.glob("*.json")):
        for group in json.loads(file.read_text()):
            outcome = _outcome(group)
            for test in group["tests"]:
                says = outcome(test["data"]) if callable(outcome) else outcome
                text = f"{file.name}: {group['description']}: {test['description']}"
                if says == test["valid"]:
                    counts["agree"] += 1
                elif any(part in f"{text}: {says}" for part in STANCES):
                    counts["stance"] += 1
                else:
                    wrong.append(f"{text}: {says}")
    assert wrong == []
    assert counts["agree"] == 1235
    assert counts["stance"] == 64


def _outcome(group: dict[str, Any]) -> Any:
    schema = group["schema"]
    try:
        return DocumentSchema(schema if isinstance(schema, dict) else {"allOf": [schema]}).is_valid
    except SchemaInvalid as error:
        return f"does not compile: {error.detail}"
