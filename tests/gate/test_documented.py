"""Every rule of the gate stands in the guide, and the CI files are YAML that calls it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from interlock.contracts.gate_rule import GATE_BY_ID, GATE_RULES
from interlock.contracts.rule import BY_ID

DOCS = Path(__file__).parents[2] / "docs"


def test_the_guide_has_every_rule_and_no_other() -> None:
    said = re.findall(r"^\| `([A-Z_]+)`", (DOCS / "guides/gate.md").read_text(), re.MULTILINE)
    assert said == list(GATE_BY_ID)


def test_the_rules_read_well_and_collide_with_none_of_check() -> None:
    assert len(GATE_BY_ID) == len(GATE_RULES)
    assert not GATE_BY_ID.keys() & BY_ID.keys()
    assert all(rule.purpose.endswith(".") for rule in GATE_RULES)


@pytest.mark.parametrize("name", ["github-interlock-gate.yml", "gitlab-interlock-gate.yml"])
def test_the_snippets_are_yaml_that_calls_the_gate(name: str) -> None:
    text = (DOCS / "ci" / name).read_text()
    assert isinstance(yaml.safe_load(text), dict)
    assert "interlock gate --base" in text
    assert "--format markdown" in text
