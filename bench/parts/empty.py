"""Each back end beside its empty path: the same round trips, in batches of the same size, and no engine."""

from __future__ import annotations

import sys
from collections.abc import Callable
from statistics import median

from bench import machine
from bench.comparison import Comparison, Findings
from bench.plan import Plan
from bench.subjects.database import Database
from bench.subjects.interlock import Interlock
from bench.subjects.interlock_postgres import InterlockOnPostgres
from bench.subjects.queue import EmptyPath
from bench.turn import Samples, ours_waiting, rival_waiting

AIM = 0.7
NOTE = "reads a batch, decodes, writes handlings, states, tally and cursor in one commit; one thing after the other"


def measure(plan: Plan) -> Findings:
    """Catch-up: the worker on its core, a server on the other."""
    found = Findings()
    place = plan.place / "whole"
    found.comparisons.append(beside(plan, "SQLite", lambda: Interlock(place, rows_only=True), None))
    database = Database(core=machine.LOAD_CORE)
    database.start()
    try:
        row = beside(plan, "PostgreSQL", lambda: InterlockOnPostgres(place, database), database)
        found.comparisons.append(row)
    finally:
        database.stop()
    return found


def beside(
    plan: Plan, label: str, make: Callable[[], Interlock], database: Database | None, aim: float | None = AIM
) -> Comparison:
    """Ours first in each round: its commits say how large the empty path's batches are."""
    ours, theirs, sizes = Samples(), Samples(), list[float]()
    for _ in range(plan.rounds):
        ours_waiting(make, plan.postgres_count, ours, lambda subject: sizes.append(subject.commit_size()))
        empty = EmptyPath(plan.place / "empty", sys.executable, max(1, round(sizes[-1])), database)
        rival_waiting(empty, plan.postgres_count, theirs)
    return Comparison(
        "empty path",
        f"{label}: catch-up, {median(sizes):.0f} events a commit",
        "events/s",
        ours.figure("Interlock"),
        theirs.figure("empty path"),
        NOTE,
        aim,
    )
