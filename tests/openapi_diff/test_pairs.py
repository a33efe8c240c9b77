"""Agreement with the 143 pairs of OpenAPITools/openapi-diff; each disagreement is in the docs, with our reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from interlock.contracts.contract_invalid import ContractInvalid
from interlock.contracts.diff import compare
from interlock.contracts.document_text import DocumentText

HERE = Path(__file__)
PAIRS = HERE.parents[3] / "shared/vectors/openapi-diff"
PAGE = HERE.parents[2] / "docs/explanation/openapi-compatibility.md"
pytestmark = pytest.mark.skipif(not PAIRS.exists(), reason="../shared/vectors/openapi-diff is not beside this checkout")


class Stance(NamedTuple):
    ours: str
    reason: str


_REMOVED = "A property went from an answer: its readers miss it, required or not."
_SWAGGER = "Swagger 2.0 is refused by name; only OpenAPI 3.0 and 3.1 are compared."
_MINIMUM = "Their pair has it the wrong way round: a reader who knows texts of 5 and more does not know shorter ones."
STANCES: dict[str, Stance] = {
    "OneOfDiffTest.testComposedSchema": Stance(
        "compatible", "The answer keeps its properties and is one of three kinds on top: less than before, not more."
    ),
    "SchemaDiffTest.addPropertyHandlingTest": Stance("breaking", _REMOVED),
    "SchemaBCTest.changedButCompatible": Stance("breaking", _REMOVED),
    "SchemaBCTest.requestPropsPutIncreased": Stance("breaking", _REMOVED),
    "Swagger2CompatibilityTest.testEqual": Stance("refused", _SWAGGER),
    "Swagger2CompatibilityTest.testSwagger2ToOpenapi3": Stance("refused", _SWAGGER),
    "ApiResponseBCTest.decreased": Stance(
        "compatible", "The answer that went is an error (400): nobody is hurt by an error that does not come."
    ),
    "HeaderBCTest.responseRequiredIncreased": Stance(
        "compatible", "A header that is always there was promised less before."
    ),
    "MinLengthBCTest.responseMinLengthIncreased": Stance("compatible", _MINIMUM),
    "MinLengthBCTest.responseMinLengthDecreasedButCompatible": Stance("breaking", _MINIMUM),
    "OperationBCTest.operationIdChangedInCompatibleWithFlagSet": Stance(
        "compatible", "Their test sets a flag for it; the same pair without it is compatible there. We warn."
    ),
    "ParameterBCTest.explodeChanged": Stance(
        "compatible", "explode says something of lists and objects only (3.0.3, 4.7.12.2); this parameter is a text."
    ),
    "ParameterDiffTest.issue458ExclusiveMinimumRemoved": Stance(
        "compatible", "exclusiveMinimum: false says what its absence says, so nothing changed."
    ),
    "ParameterDiffTest.issue458ExclusiveMaximumRemoved": Stance(
        "compatible", "exclusiveMaximum: false says what its absence says, so nothing changed."
    ),
    "SecuritySchemeBCTest.bearerFormatChanged": Stance(
        "compatible", "bearerFormat is a hint for documentation (3.0.3, 4.7.28). We warn."
    ),
    "WriteOnlyBCTest.responseWriteOnlyRequiredDecreased": Stance(
        "compatible", "A property that was not given is given now: readers pass over what they do not know."
    ),
}  # fmt: skip


def _read(name: str) -> Any:
    return DocumentText((PAIRS / "specs" / Path(name).name).read_bytes()).value


def _judged(pair: dict[str, Any]) -> tuple[str, int]:
    try:
        comparison = compare(_read(pair["old"]), _read(pair["new"]))
    except ContractInvalid:
        return "refused", 0
    return comparison.verdict, len(comparison.findings)


def _agrees(expected: str, verdict: str, findings: int) -> bool:
    """`changed` asks for some difference, harmful or not."""
    if expected == "changed":
        return verdict != "refused" and findings > 0
    return verdict == ("breaking" if expected == "incompatible" else "compatible")


def test_every_pair_agrees_or_is_a_stance_of_ours() -> None:
    pairs = json.loads((PAIRS / "pairs.json").read_text())
    found = {}
    for pair in pairs:
        verdict, findings = _judged(pair)
        if not _agrees(pair["expected"], verdict, findings):
            found[pair["test"]] = (pair["expected"], verdict)
    assert {test: verdict for test, (_, verdict) in found.items()} == {test: one.ours for test, one in STANCES.items()}
    page = PAGE.read_text()
    assert f"{len(pairs) - len(found)} of {len(pairs)} pairs" in page
    rows = [f"| {test} | {theirs} | {ours} | {STANCES[test].reason} |" for test, (theirs, ours) in found.items()]
    assert [row for row in page.split("\n") if "Test.test" in row or ("Test." in row and row.startswith("| "))] == rows
