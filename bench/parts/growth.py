"""Growth: whole path on a store of 100 thousand events and on a big one; restart, memory, bytes per event."""

from __future__ import annotations

from bench import machine
from bench.comparison import Comparison, Figure, Findings
from bench.plan import Plan
from bench.subjects.interlock import Interlock
from bench.turn import wait_until_done

SMALL = 100_000
MOST_RANDOM = 1_000_000  # filling a bigger one takes longer than all the rest
RESTART_AIM_SECONDS = 5.0


class Store:
    """A store that was filled, and what was measured on it."""

    def __init__(self, plan: Plan, name: str, events: int, *, random_ids: bool = False) -> None:
        self.events = events
        self.ours = Interlock(plan.place / f"growth-{name}")
        self.ours.preload(events // 2, handled=True, random_ids=random_ids)
        self.bytes_per_order = self.ours.bytes_on_disk() / (events // 2)
        self.restarts: list[float] = []
        self.ingest: list[float] = []
        self.whole: list[float] = []
        self.rss: list[float] = []
        self._random = random_ids

    def run(self, count: int) -> None:
        """One round, in a process of its own: restart, then `count` orders. Checked after a SIGKILL."""
        ours = self.ours
        ours.start()
        try:
            self.restarts.append(ours.started_seconds)
            before, head = ours.done(), ours.head()
            result = ours.load(count, connections=64, random_ids=self._random)
            end = wait_until_done(ours, before + count)
            self.ingest.append(result["rate"])
            self.whole.append(count / ((end - result["begin_ns"]) / 1e9))
            self.rss.append(machine.rss_megabytes(ours.pids[0]))
        finally:
            ours.kill()
        ours.verify(handled=True, after=head)

    def remove(self) -> None:
        self.ours.remove()


def measure(plan: Plan) -> Findings:
    small, big = Store(plan, "small", SMALL), Store(plan, "big", plan.stored_events)
    stores = [small, big]
    if plan.thorough:
        stores.append(Store(plan, "random", min(plan.stored_events, MOST_RANDOM), random_ids=True))
    found = Findings()
    try:
        for _ in range(plan.rounds):
            for store in stores:
                store.run(plan.growth_count)
        found.comparisons.extend(_rows(small, big))
        found.comparisons.extend(_random(small, store) for store in stores[2:])
    finally:
        for store in stores:
            store.remove()
    return found


def _random(small: Store, random: Store) -> Comparison:
    """The dedupe index is by the producers' ids: without order they cost a page each."""
    ours = Figure(f"{random.events:,} stored", tuple(random.whole))
    theirs = Figure(f"{small.events:,} stored, rising ids", tuple(small.whole))
    note = "producers with random ids (UUIDv4) against rising ones (UUIDv7)"
    return Comparison("growth", "HTTP to handled, random ids", "events/s", ours, theirs, note)


def _rows(small: Store, big: Store) -> list[Comparison]:
    few, many = f"{small.events:,} stored", f"{big.events:,} stored"
    note = f"ours beside ours: {many} against {few}, half of them orders handled, half events emitted"

    def row(measure: str, unit: str, of: str, aim: float | None, less: bool = False) -> Comparison:
        ours, theirs = Figure(many, tuple(getattr(big, of))), Figure(few, tuple(getattr(small, of)))
        return Comparison("growth", measure, unit, ours, theirs, note, aim, less)

    per_event = Comparison(
        "growth",
        "disk per order with handling, state row and emitted event",
        "bytes",
        Figure(many, (big.bytes_per_order,)),
        Figure(few, (small.bytes_per_order,)),
        less_is_better=True,
    )
    return [
        row("acknowledged while handling", "requests/s", "ingest", 0.8),
        row("HTTP to handled", "events/s", "whole", 0.8),
        row(f"restart, aim under {RESTART_AIM_SECONDS:g} s", "s", "restarts", None, True),
        row("memory after the round", "MB", "rss", None, True),
        per_event,
    ]
