"""Many schedules, one after the other, each from its own seed; what failed is run again, smaller, to tell its story."""

from __future__ import annotations

import ast
import gc
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from interlock.simulation.invariants import CHECKS
from interlock.simulation.life import PACKAGE, Place
from interlock.simulation.scenario import Scenario
from interlock.simulation.schedule import Outcome, Schedule
from interlock.simulation.shrink import shrunk

MOST_STORIES = 3
ROOMS = ("flows", "delivery")


@dataclass(slots=True)
class Campaign:
    """What came of it. `stories` are the smallest runs of the first failing seeds."""

    scenario: Scenario
    first_seed: int
    schedules: int = 0
    failed: list[Outcome] = field(default_factory=list)
    stories: list[Outcome] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    layouts: Counter[str] = field(default_factory=Counter)
    abandoned: Counter[Place] = field(default_factory=Counter)
    events: int = 0
    turns: int = 0
    simulated_us: int = 0
    seconds: float = 0.0

    @property
    def invariants(self) -> dict[str, str]:
        """Each that was asked after each schedule, and what it says: those of the engine, then the users' own."""
        return {name: (check.__doc__ or "").strip() for name, check in {**CHECKS, **self.scenario.invariants}.items()}

    def take(self, outcome: Outcome) -> None:
        self.schedules += 1
        self.layouts[outcome.layout] += 1
        self.faults.update(fault.kind for fault in outcome.faults)
        self.abandoned.update(outcome.abandoned)
        self.events += outcome.events
        self.turns += outcome.turns
        self.simulated_us += outcome.simulated_us
        if outcome.failed:
            self.failed.append(outcome)


def campaign(
    scenario: Scenario,
    schedules: int,
    first_seed: int,
    *,
    now: Callable[[], float],
    told: Callable[[Campaign], None] = lambda campaign: None,
    most_failures: int | None = None,
) -> Campaign:
    """Run seeds `first_seed` and on. `now` are seconds of a real clock. Ends early at that many failures."""
    found = Campaign(scenario, first_seed)
    begun = now()
    with quiet():
        for seed in range(first_seed, first_seed + schedules):
            found.take(Schedule(scenario, seed).run())
            found.seconds = now() - begun
            told(found)
            if most_failures is not None and len(found.failed) >= most_failures:
                break
        for outcome in found.failed[:MOST_STORIES]:
            found.stories.append(shrunk(scenario, outcome))
    return found


@contextmanager
def quiet() -> Iterator[None]:
    """The engines' own log would tell of thousands of faults; and what was there before is no garbage."""
    log = logging.getLogger("interlock")
    before = log.level
    log.setLevel(logging.CRITICAL + 1)
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        log.setLevel(before)
        gc.unfreeze()


def crashed_points(campaign: Campaign) -> tuple[int, int]:
    """At how many of the await points a crash found some task, and how many there are; each is counted by its line."""
    points = await_points()
    hit = {points[place] for place in campaign.abandoned if place in points}
    return len(hit), len(set(points.values()))


def await_points() -> dict[Place, Place]:
    """Where a coroutine may stand still, in the rooms that run flows and calls: each line of an await, to its first."""
    found: dict[Place, Place] = {}
    for room in ROOMS:
        for file in sorted((Path(PACKAGE) / room).glob("*.py")):
            name = f"{room}/{file.name}"
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Await | ast.AsyncFor | ast.AsyncWith):
                    for line in range(node.lineno, _end(node) + 1):
                        found.setdefault((name, line), (name, node.lineno))
    return found


def _end(node: ast.Await | ast.AsyncFor | ast.AsyncWith) -> int:
    """Of a block, its head only."""
    return node.lineno if isinstance(node, ast.AsyncFor | ast.AsyncWith) else node.end_lineno or node.lineno
