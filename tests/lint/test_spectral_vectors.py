"""Spectral's own cases, for the rules that we have; where we differ, docs/reference/lint-and-spectral.md says why."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from interlock.contracts import pointer
from interlock.contracts.document_text import DocumentText
from interlock.contracts.lint.linter import Linter
from interlock.contracts.lint.rules import LINT_RULES

ROOT = Path(__file__).parents[2]
CASES = ROOT.parent / "shared" / "vectors" / "spectral" / "cases.json"
PAGE = ROOT / "docs" / "reference" / "lint-and-spectral.md"
_ROW = re.compile(r"\| `(?P<rule>[^`]+)` \| (?P<name>.+?) \| (?P<kind>place|verdict) \| (?P<stance>.+) \|")


def _stances() -> dict[tuple[str, str], str]:
    rows = [match for line in PAGE.read_text().split("\n") if (match := _ROW.fullmatch(line))]
    return {(row["rule"], row["name"]): row["kind"] for row in rows}


def _shared_cases() -> Iterator[tuple[dict[str, Any], Any]]:
    """Those of rules that we have, on documents of a version that we lint."""
    if not CASES.is_file():
        pytest.skip(f"no vectors at {CASES}")
    ours = {name for rule in LINT_RULES for name in rule.spectral}
    for case in json.loads(CASES.read_text()):
        document = case["document"]
        value = DocumentText(document.encode()).value if isinstance(document, str) else document
        if case["rule"] in ours and "swagger" not in value:
            yield case, value


def _difference(case: dict[str, Any], document: Any) -> str | None:
    """verdict: found here and not there, or the reverse. place: found by both, but not at the same place or within."""
    rules = [rule for rule in LINT_RULES if case["rule"] in rule.spectral]
    ours = {flaw.pointer for flaw in Linter(rules).flaws(document)}
    theirs = [pointer.join(one["path"] or []) for one in case["expected"] if "path" in one]
    if bool(ours) != bool(case["expected"]):
        return "verdict"
    if len(theirs) < len(case["expected"]):
        return None
    met = all(any(place == one or place.startswith(one + "/") for place in ours) for one in theirs)
    within = all(any(place == one or place.startswith(one + "/") for one in theirs) for place in ours)
    return None if met and within else "place"


def test_we_agree_or_say_why_not() -> None:
    seen: Counter[str] = Counter()
    found = {}
    for case, document in _shared_cases():
        difference = _difference(case, document)
        seen[difference or "agree"] += 1
        if difference:
            found[case["rule"], " ".join(case["name"].split())] = difference
    assert found == _stances()
    assert seen["agree"] >= 210


def test_the_page_counts_right() -> None:
    cases = list(_shared_cases())
    differing = sum(_difference(case, document) is not None for case, document in cases)
    text = PAGE.read_text()
    assert f"{len(cases) - differing} of {len(cases)}" in text
