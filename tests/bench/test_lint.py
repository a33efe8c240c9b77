"""The document of the lint part, and the pairs of rules that it compares."""

from __future__ import annotations

import json

from bench.large_openapi import large_openapi
from bench.parts.lint import ON_EXAMPLES, SHARED
from interlock.contracts.lint.linter import Linter
from interlock.contracts.lint.rules import LINT_RULES


def test_each_compared_rule_has_one_of_ours() -> None:
    ours = {name for rule in LINT_RULES for name in rule.spectral}
    assert set(SHARED) <= ours
    assert set(SHARED) >= ON_EXAMPLES


def test_the_document_is_the_same_each_time_and_breaks_some_rules() -> None:
    document = large_openapi(20)
    assert json.dumps(document) == json.dumps(large_openapi(20))
    assert document != large_openapi(20, seed=8)
    found = {flaw.rule.id for flaw in Linter().flaws(document)}
    assert {"OPERATION_UNDESCRIBED", "EXAMPLE_INVALID"} <= found
    assert not found & {"MEMBER_UNKNOWN", "MEMBER_MISSING", "MEMBER_TYPE", "REFERENCE_DANGLING"}
