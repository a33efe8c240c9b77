"""Two workers beside one on all cores, the server among them; and how soon the work of a killed one goes on."""

from __future__ import annotations

import os
import signal
import time

from bench.comparison import Comparison, Figure, Findings
from bench.plan import Plan
from bench.subjects.database import Database
from bench.subjects.interlock_postgres import Workers
from bench.turn import Samples, ours_waiting, wait_until_done

LEASE_SECONDS = 3
NOTE = "ours beside ours: one worker against two; edge, workers and server share all cores of this machine"


def measure(plan: Plan) -> Findings:
    found = Findings()
    place = plan.place / "workers"
    database = Database(core=None)
    database.start()
    try:
        one, two = Samples(), Samples()
        for _ in range(plan.rounds):
            for count, samples in ((1, one), (2, two)):
                ours_waiting(lambda count=count: Workers(place, database, count), plan.postgres_count, samples)  # type: ignore[misc]
        found.comparisons.append(
            Comparison("workers", "catch-up", "events/s", two.figure("two workers"), one.figure("one worker"), NOTE)
        )
        gaps = [gap_after_kill(plan, database) for _ in range(plan.rounds)]
        label = f"one of two is killed, lease {LEASE_SECONDS} s: until what was sent then is handled"
        found.comparisons.append(Comparison("workers", label, "s", Figure("Interlock", tuple(gaps))))
    finally:
        database.stop()
    return found


def gap_after_kill(plan: Plan, database: Database) -> float:
    """Seconds from the SIGKILL of one of two workers until all orders that were sent then are handled.

    The supervisor starts the worker again; its partitions are free when the lease of the dead one is over.
    """
    ours = Workers(plan.place / "workers", database, 2, more=f"\n[workers]\nlease_seconds = {LEASE_SECONDS}\n")
    ours.start()
    try:
        time.sleep(1.0)  # both have their partitions
        victim = ours.pids[-1]
        os.kill(victim, signal.SIGKILL)
        begun = time.time_ns()
        ours.load(200, connections=8)
        return (wait_until_done(ours, 200) - begun) / 1e9
    finally:
        ours.kill()
        ours.remove()
