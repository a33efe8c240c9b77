"""Real faults on a cluster of processes: each sort in a process of its own, since it moves into a network of its own.

INTERLOCK_KILLS sets the number of faults of each sort, INTERLOCK_SEED the seed, which otherwise is new each time. The
history, the estate and the logs of all processes of a failing run are kept in the folder that the failure names.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from .nemesis import SORTS
from .network import missing

pytestmark = pytest.mark.skipif(missing() is not None, reason=missing() or "")
TESTS = Path(__file__).parents[2]
FEW, MANY = {"workers": 3, "network": 2, "server": 2, "jetstream": 1}, 60
IN_ONE_CLUSTER = 12
MOST_SECONDS = 1200.0
BUGS = {  # bug -> the sort that must see it, by which of its kinds, and by which verdict
    "no-fence": ("workers", "pause beyond lease", "who was given up while it was away"),
    "cursor-first": ("workers", "", "entries are recorded in order"),
    "own-clock": ("workers", "kill", "the books balance"),
    "mark-before-publish": ("jetstream", "kill", "published once|one fact is emitted|the books balance"),
    "head-jumps": ("server", "restart", "entries are recorded in order|the books balance"),
}
CAMPAIGNS, FAULTS = 4, 6
SORT = pytest.mark.parametrize("sort", sorted(SORTS))


def run(folder: Path, sort: str, faults: int, *more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "faults.cluster.campaign", "--sort", sort, "--faults", str(faults), *more]
    done = subprocess.run(
        [*command, str(folder)], cwd=TESTS, capture_output=True, text=True, timeout=MOST_SECONDS, check=False
    )
    print(done.stdout)
    return done


def survive(folder: Path, sort: str, faults: int, *more: str) -> None:
    done = run(folder, sort, faults, *more)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr[-3000:]}\nkept: {folder}"


@pytest.mark.timeout(600)
@pytest.mark.parametrize("sort", ["workers", "network", "server", pytest.param("jetstream", marks=pytest.mark.slow)])
def test_nothing_is_lost_or_done_twice(tmp_path: Path, sort: str) -> None:
    survive(tmp_path / sort, sort, int(os.environ.get("INTERLOCK_KILLS") or FEW[sort]))


@pytest.mark.slow
@pytest.mark.timeout(7200)
@SORT
def test_many_faults(tmp_path: Path, sort: str) -> None:
    """In several clusters, so that each store stays small enough to be judged whole."""
    left, lot = int(os.environ.get("INTERLOCK_KILLS") or MANY), 0
    while left > 0:
        survive(tmp_path / f"{sort}-{lot}", sort, min(left, IN_ONE_CLUSTER))
        left, lot = left - IN_ONE_CLUSTER, lot + 1


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("bug", BUGS)
def test_planted_bugs_are_caught(tmp_path: Path, bug: str) -> None:
    sort, kind, verdict = BUGS[bug]
    only = ("--only", kind) if kind else ()
    for number in range(CAMPAIGNS):
        done = run(tmp_path / str(number), sort, FAULTS, "--bug", bug, *only, "--seed", f"planted-{number}")
        if re.search(rf"BAD .*({verdict})", done.stdout):
            print(f"{bug}: found after at most {FAULTS * (number + 1)} faults")
            return
    pytest.fail(f"{bug} got through {CAMPAIGNS * FAULTS} faults")
