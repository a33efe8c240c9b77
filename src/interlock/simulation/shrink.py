"""From a failing schedule to the smallest one that still fails: fewer faults, fewer events, the same broken promise."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from interlock.simulation.scenario import Scenario
from interlock.simulation.schedule import Allowed, Outcome, Schedule

MOST_RUNS = 150


def shrunk(scenario: Scenario, outcome: Outcome, most_runs: int = MOST_RUNS) -> Outcome:
    """The story of the smallest run that was found within that many runs, which breaks one of the same promises.

    As delta debugging has it: leave out halves, then quarters, and so on to single parts, as long as it still fails.
    """
    broken = set(outcome.breaches)
    left = most_runs

    def fails(parts: Sequence[str]) -> bool:
        nonlocal left
        left -= 1
        return left >= 0 and bool(broken & run(parts, telling=False).breaches.keys())

    def run(parts: Sequence[str], *, telling: bool) -> Outcome:
        allowed = Allowed(frozenset(parts), frozenset(parts))
        return Schedule(scenario, outcome.seed, allowed, telling=telling).run()

    faults = [fault.name for fault in outcome.faults]
    sendings = [sending.name for sending in outcome.sendings]
    kept = minimal([*faults, *sendings], fails)
    smallest = run(kept, telling=True)
    return smallest if broken & smallest.breaches.keys() else Schedule(scenario, outcome.seed, telling=True).run()


def minimal(parts: list[str], fails: Callable[[Sequence[str]], bool]) -> list[str]:
    """A part of `parts` that still fails, and of which no single one can be left out; unless `fails` tires first."""
    size = max(1, len(parts) // 2)
    while parts:
        smaller = without_one(parts, size, fails)
        if smaller is not None:
            parts = smaller
        elif size == 1:
            break
        else:
            size = max(1, size // 2)
    return parts


def without_one(parts: list[str], size: int, fails: Callable[[Sequence[str]], bool]) -> list[str] | None:
    """The parts without one stretch of `size` that they can do without."""
    for start in range(0, len(parts), size):
        rest = parts[:start] + parts[start + size :]
        if len(rest) < len(parts) and fails(rest):
            return rest
    return None
