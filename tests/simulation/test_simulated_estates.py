"""Estates on simulated time: what was promised holds, whatever breaks; a seed does the same again, also elsewhere."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from interlock.cli.main import main
from interlock.simulation.campaign import Campaign, campaign, quiet
from interlock.simulation.report import report
from interlock.simulation.scenario import PLANNED, RATES
from interlock.simulation.schedule import Allowed, Schedule
from interlock.simulation.shrink import minimal

from .planted import BUGS
from .test_planted_bugs import ESTATES, scenario

ROOT = Path(__file__).parents[2]
SCHEDULES = 30


def run(estate: str, schedules: int, first_seed: int = 1000) -> Campaign:
    return campaign(scenario(estate), schedules, first_seed, now=lambda: 0.0)


@pytest.mark.parametrize("estate", ESTATES)
def test_every_promise_holds_whatever_breaks(estate: str) -> None:
    found = run(estate, SCHEDULES)
    assert not found.failed, report(found, "")
    assert len(found.layouts) == 4
    seen = set(found.faults)
    assert len(seen) > 0.8 * len({*RATES, *PLANNED}), {*RATES, *PLANNED} - seen


@pytest.mark.slow
@pytest.mark.parametrize("estate", ESTATES)
def test_every_promise_holds_in_thousands_of_schedules(estate: str) -> None:
    found = run(estate, 10_000, 100_000)
    assert not found.failed, report(found, "")


def digest(seed: int) -> str:
    outcome = Schedule(scenario("probe"), seed).run()
    return hashlib.sha256(repr((outcome.digest, outcome.faults, outcome.turns)).encode()).hexdigest()


def test_a_seed_does_the_same_again_in_another_process_with_another_order_of_sets() -> None:
    paths = os.pathsep.join([str(ROOT / "src"), str(ROOT), str(ROOT / "tests")])
    script = "from simulation.test_simulated_estates import digest; print(digest(7))"
    said = {
        subprocess.run(
            [sys.executable, "-W", "ignore", "-c", script],
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": paths},
            capture_output=True, text=True, check=True, timeout=100,
        ).stdout.strip()
        for hash_seed in ("1", "2")
    }  # fmt: skip
    assert said == {digest(7)}
    assert digest(8) not in said


def test_a_failing_seed_is_told_by_the_smallest_run_that_still_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    BUGS["counter_without_a_bound"].plant(monkeypatch)
    found = campaign(scenario("probe"), 30, 1, now=lambda: 0.0, most_failures=1)
    whole, smallest = found.failed[0], found.stories[0]
    assert "seats_are_bounded" in smallest.breaches
    assert smallest.faults == ()
    assert len(smallest.sendings) < len(whole.sendings)
    text = report(found, "interlock drill")
    assert "6 of 5 seats are taken" in text
    assert f"## Seed {whole.seed}" in text
    assert "commits seats" in text


def test_what_is_left_out_changes_nothing_else() -> None:
    """The same faults and things allowed by name give the very same run."""
    with quiet():
        whole = Schedule(scenario("probe"), 3).run()
        names = Allowed(frozenset(one.name for one in whole.faults), frozenset(one.name for one in whole.sendings))
        again = Schedule(scenario("probe"), 3, names, telling=True).run()
    assert (again.digest, again.faults) == (whole.digest, whole.faults)
    assert len(again.story) > 20


def test_a_minimal_part_is_found() -> None:
    assert minimal(list("abcdefgh"), lambda parts: {"b", "g"} <= set(parts)) == ["b", "g"]
    assert minimal(list("abc"), lambda parts: True) == []


def test_the_command_writes_a_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "report.md"
    words = ["drill", "--simulate", str(ESTATES["probe"]), "--schedules", "3", "--report", str(page)]
    assert main([*words, "--faults", "crash, answer lost"]) == 0
    assert "All promises held in 3 schedules." in capsys.readouterr().out
    text = page.read_text()
    assert "| `nothing_lost` | 0 |" in text
    assert "| `lines_rise` | 0 |" in text
    assert "pause" not in text


def test_the_command_fails_with_the_seed_and_the_way_to_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    BUGS["counter_without_a_bound"].plant(monkeypatch)
    assert main(["drill", "--simulate", str(ESTATES["probe"]), "--schedules", "2", "--seed", "1"]) == 1
    said = capsys.readouterr().out
    assert "seats_are_bounded" in said
    assert "--seed 1 --schedules 1" in said


@pytest.mark.parametrize(("words", "told"), [(["--faults", "flood"], "There is no fault flood"), ([], "has no drill")])
def test_what_cannot_be_run_is_named(
    words: list[str],
    told: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["init", "shop"]) == 0
    estate = ESTATES["probe"] if words else tmp_path / "shop"
    assert main(["drill", "--simulate", str(estate), *words]) == 1
    assert told in capsys.readouterr().err


FEED = "from interlock import Drill\nfrom interlock.sdk.drill import Fact\n\ndrill = Drill('it')\n\n@drill.feed\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("import nowhere\n", "drills/it.py cannot be read: ModuleNotFoundError: No module named 'nowhere'"),
        (FEED + "def feed(chance):\n    yield Fact('orders.OrderLost', {})\n", "KeyError: 'orders.OrderLost'"),
        (FEED + "def feed(chance):\n    return [1 / 0]\n", "ZeroDivisionError: division by zero at it.py:8"),
        (
            FEED + "def feed(chance):\n    return []\n\n@drill.answer('bank.pay')\ndef pay(asked, systems): ...\n",
            "answers bank.pay, which no system of the estate offers",
        ),
    ],
)
def test_a_drill_that_cannot_be_used_is_named(
    text: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["init", "shop"]) == 0
    drills = tmp_path / "shop" / "drills"
    drills.mkdir()
    (drills / "it.py").write_text(text)
    assert main(["drill", "--simulate", "shop"]) == 1
    assert told in capsys.readouterr().err
