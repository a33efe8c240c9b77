"""Two workers beside one on all cores, the server among them; and how soon the work of a killed one goes on.

A worker that joins others is seen at their next beat, a third of a lease later, and what they give back is claimed at
its own next one. That is once in a worker's life, but longer than all the work of a short run: so the rate begins when
each worker has its partitions.
"""

from __future__ import annotations

import os
import signal
import time

from bench.comparison import Comparison, Figure, Findings
from bench.plan import Plan
from bench.subjects.database import Database
from bench.subjects.interlock_postgres import Workers
from bench.turn import POLL_SECONDS, Samples, Spent, wait_until_done

LEASE_SECONDS = 3
LEASE = f"\n[workers]\nlease_seconds = {LEASE_SECONDS}\n"
LONGER = 4  # times the events of other parts: some go by before the partitions are shared
SHARING_SECONDS = 60.0
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
                shared(Workers(place, database, count, more=LEASE), LONGER * plan.postgres_count, samples)
        found.comparisons.append(
            Comparison("workers", "catch-up", "events/s", two.figure("two workers"), one.figure("one worker"), NOTE)
        )
        gaps = [gap_after_kill(plan, database) for _ in range(plan.rounds)]
        label = f"one of two is killed, lease {LEASE_SECONDS} s: until what was sent then is handled"
        found.comparisons.append(Comparison("workers", label, "s", Figure("Interlock", tuple(gaps))))
    finally:
        database.stop()
    return found


def shared(ours: Workers, count: int, samples: Samples) -> None:
    """Catch-up from the moment at which each worker has its part. Raises RuntimeError when that comes too late."""
    ours.preload(count)
    try:
        ours.start()
        wait_until_shared(ours)
        spent, begun = Spent(ours), time.time_ns()
        if 2 * spent.already > count:
            raise RuntimeError(f"{spent.already} of {count} events were handled before the workers shared them.")
        end = wait_until_done(ours, count)
        samples.add_since(count, begun, end, spent)
    finally:
        ours.kill()
    ours.verify(handled=True)
    ours.remove()


def wait_until_shared(ours: Workers) -> None:
    """Until each worker has its partitions. Raises TimeoutError."""
    deadline = time.monotonic() + SHARING_SECONDS
    while ours.owners() < ours.workers:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{ours.owners()} of {ours.workers} workers had partitions in {SHARING_SECONDS:.0f} s.")
        time.sleep(POLL_SECONDS)


def gap_after_kill(plan: Plan, database: Database) -> float:
    """Seconds from the SIGKILL of one of two workers until all orders that were sent then are handled.

    The supervisor starts the worker again; its partitions are free when the lease of the dead one is over.
    """
    ours = Workers(plan.place / "workers", database, 2, more=LEASE)
    ours.start()
    try:
        wait_until_shared(ours)
        victim = ours.pids[-1]
        os.kill(victim, signal.SIGKILL)
        begun = time.time_ns()
        ours.load(200, connections=8)
        return (wait_until_done(ours, 200) - begun) / 1e9
    finally:
        ours.kill()
        ours.remove()
