"""Servers further away: the same catch-up with each round trip 1 ms and 5 ms longer, for ours and for all rivals."""

from __future__ import annotations

import dataclasses

from bench import machine
from bench.comparison import Comparison, Findings
from bench.parts import empty, jetstream, postgres
from bench.plan import Plan
from bench.subjects.database import Database
from bench.subjects.interlock_postgres import InterlockOnPostgres
from bench.turn import ours_waiting, rival_waiting

ADDED_MS = (1, 5)
SHARE = 4  # rivals that wait for each job's round trips get fewer jobs, so that the part ends
REMARK = "one proxy for all, on the servers' core; without it: the parts postgres, jetstream and empty-path"


def measure(plan: Plan) -> Findings:
    """Half the rounds of the other parts: what a longer wire costs is more than what a round differs by."""
    found = Findings(remarks=[REMARK])
    plan = dataclasses.replace(plan, rounds=max(1, plan.rounds // 2))
    queues = tuple(
        dataclasses.replace(queue, aim=None, share=SHARE * queue.share)
        for queue in postgres.QUEUES
        if plan.rivals is None
    )
    if plan.rivals is not None:
        found.remarks.append(f"skipped the rivals: {plan.rivals}")
    database = Database(core=machine.LOAD_CORE)
    database.start()
    try:
        for added_ms in ADDED_MS:
            with database.further(added_ms):
                label = f"+{added_ms} ms: catch-up"
                postgres.compare(plan, found, label, postgres.waiting(plan, database, queues), queues)
                found.comparisons.append(without_engine(plan, database, label))
                how = machine.LOAD_CORE, ours_waiting, rival_waiting, added_ms
                found.comparisons += jetstream.beside(plan, database, f"{label}, JetStream", False, *how)
    finally:
        database.stop()
    return found


def without_engine(plan: Plan, database: Database, label: str) -> Comparison:
    place = plan.place / "whole"
    return empty.beside(plan, label, lambda: InterlockOnPostgres(place, database), database, None)
