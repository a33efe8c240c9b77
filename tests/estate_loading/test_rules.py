"""Each rule is executed: its bad example is found, its good one is not, and every code that is raised has a rule."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

import interlock
from interlock.contracts import deprecation
from interlock.contracts.finding import Finding
from interlock.contracts.rule import BY_ID, CHECK_RULES, RULES, SYSTEM, SYSTEM_EXAMPLE
from interlock.estate.loader import examine
from interlock.estate.replayable_checks import Replayable
from interlock.model.carried import Carried

from .conftest import change

CHECKED = [rule.id for rule in CHECK_RULES]
TODAY = date(2026, 11, 24)


@pytest.fixture(autouse=True)
def _payments(shop: Path) -> None:
    change(shop, SYSTEM, SYSTEM_EXAMPLE)


def findings(root: Path, code: str) -> list[Finding]:
    plans, _ = deprecation.parse(BY_ID[code].before)
    promised = {(plan.contract, plan.major): plan for plan in plans}
    carried = [Carried(*row.split(), "log", "", 1) for row in [BY_ID[code].carried] if row]  # type: ignore[arg-type]
    examination = examine(root, today=TODAY, promised=promised, replayable=Replayable(carried))
    return [finding for finding in examination.findings if finding.code == code]


@pytest.mark.parametrize("code", CHECKED)
def test_the_bad_example_is_found_where_it_stands(code: str, shop: Path) -> None:
    rule = BY_ID[code]
    change(shop, rule.place, rule.bad)
    found = findings(shop, code)
    assert found
    assert all((shop / finding.file).is_file() for finding in found)
    assert all(1 <= finding.line <= (shop / finding.file).read_text().count("\n") + 1 for finding in found)
    assert {finding.severity for finding in found} == {rule.severity}


@pytest.mark.parametrize("code", CHECKED)
def test_the_good_example_passes(code: str, shop: Path) -> None:
    rule = BY_ID[code]
    change(shop, rule.place, rule.good)
    assert findings(shop, code) == []


def test_every_rule_reads_well() -> None:
    assert len(BY_ID) == len(RULES)
    for rule in RULES:
        assert re.fullmatch(r"[A-Z]+(_[A-Z]+)+", rule.id)
        assert rule.purpose.endswith(".")
        assert rule.fix.endswith((".", "generate", "--fix", "}"))


def test_every_code_that_is_raised_has_a_rule_and_is_raised_somewhere() -> None:
    source = Path(str(interlock.__file__)).parent
    rooms = [source / "contracts", source / "estate"]
    texts = [
        path.read_text()
        for room in rooms
        for path in room.rglob("*.py")
        if path.name not in ("rule.py", "version_rules.py")
    ]
    raised = {code for text in texts for code in re.findall(r'(?:add\(|Objection\()\s*"([A-Z]+(?:_[A-Z]+)+)"', text)}
    assert raised - set(CHECKED) <= set(BY_ID)
    assert set(CHECKED) <= raised
