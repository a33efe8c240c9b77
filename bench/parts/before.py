"""The embedded path now and before many workers came: the same bench, the sources of another revision, turn by turn."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from bench import machine
from bench.comparison import Comparison, Figure, Findings
from bench.plan import Plan
from bench.subjects.interlock import Interlock
from bench.turn import Samples, ours_live, ours_waiting

REVISION = "620d0ed"
"""The last one whose engine was alone on its store."""
AIM = 0.9
NOTE = f"the sources of {REVISION}, in the same environment; the aim is not to be slower, and this machine is noisy"


def measure(plan: Plan) -> Findings:
    found = Findings()
    try:
        sources = of_revision(REVISION)
    except subprocess.CalledProcessError as error:
        found.remarks.append(f"skipped: git knows no {REVISION} here ({error.stderr.decode().strip()})")
        return found
    for label, how in (("HTTP to handled", ours_live), ("catch-up, without HTTP", ours_waiting)):
        found.comparisons.extend(compare(plan, label, how, sources))
    return found


def compare(plan: Plan, label: str, how: Callable[..., None], sources: Path) -> list[Comparison]:
    """Rates, and CPU per event, which is steadier."""
    place = plan.place / "before"
    env = {"PYTHONPATH": f"{sources}:{machine.ROOT}"}
    now, before = Samples(), Samples()
    turns: list[Callable[[], None]] = [
        lambda: how(lambda: Interlock(place), plan.whole_count, now),
        lambda: how(lambda: Interlock(place, env=env), plan.whole_count, before),
    ]
    for turn in range(plan.rounds):
        for run in turns if turn % 2 == 0 else turns[::-1]:
            run()
    name = f"Interlock at {REVISION}"
    rates = Comparison("before", label, "events/s", now.figure("Interlock now"), before.figure(name), NOTE, AIM)
    costs = Figure("Interlock now", tuple(now.costs)), Figure(name, tuple(before.costs))
    return [rates, Comparison("before", f"{label}: CPU", "µs per event", *costs, NOTE, AIM, less_is_better=True)]


def of_revision(revision: str) -> Path:
    """The folder `src` of a revision, taken out of git once. CalledProcessError when git cannot."""
    place = machine.WORKPLACE / "revisions" / revision
    if not (place / "src").exists():
        place.mkdir(parents=True, exist_ok=True)
        archive = subprocess.run(
            ["git", "archive", revision, "src"], cwd=machine.ROOT, check=True, capture_output=True
        ).stdout
        subprocess.run(["tar", "-x", "-C", str(place)], input=archive, check=True, capture_output=True)
    return place / "src"
