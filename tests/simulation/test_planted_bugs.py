"""A simulation that finds nothing is worth what it could have found: each planted bug is, within its budget."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from interlock.simulation.campaign import quiet
from interlock.simulation.scenario import Scenario, scenario_of
from interlock.simulation.schedule import Schedule

from .planted import BUGS

HERE = Path(__file__).parent
ESTATES = {"probe": HERE / "probe", "commerce": HERE.parents[1] / "estates" / "commerce"}


@cache
def scenario(estate: str) -> Scenario:
    return scenario_of(ESTATES[estate])


def test_there_are_enough() -> None:
    assert len(BUGS) >= 15


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    planted = BUGS[name]
    planted.plant(monkeypatch)
    with quiet():
        for seed in range(1, planted.budget + 1):
            outcome = Schedule(scenario(planted.estate), seed).run()
            if outcome.failed:
                print(f"| {name} | {seed} | {seed} | {', '.join(outcome.breaches)} |")
                return
    pytest.fail(f"{name} was not found in {planted.budget} schedules")
