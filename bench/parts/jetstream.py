"""State on PostgreSQL and the log on NATS JetStream, beside FastStream that dedupes in PostgreSQL by hand."""

from __future__ import annotations

from bench import machine
from bench.comparison import Comparison, Findings
from bench.parts.whole import LIST_SIZE
from bench.plan import Plan
from bench.subjects.database import Database
from bench.subjects.faststream import DedupingFastStream
from bench.turn import Samples, rival_live, rival_waiting

SYNCED = {True: "JetStream fsyncs before it acknowledges", False: "JetStream acknowledges before fsync"}
MODES = (("catch-up", rival_waiting, machine.LOAD_CORE), ("sent to handled", rival_live, machine.SYSTEM_CORE))
DOES = "message id and row in one statement that commits, 20 connections, acknowledged after it; "
DOES_NOT = "no contract, order per key after a failure, or record"


def measure(plan: Plan) -> Findings:
    """Catch-up: the worker on its core, both servers on the other. Live: all on one, the load beside."""
    found = Findings()
    if plan.rivals is not None:
        found.remarks.append(f"skipped: {plan.rivals}")
        return found
    database = Database()
    database.start()
    try:
        for label, how, core in MODES:
            database.bind(core)
            for synced, words in SYNCED.items():
                subjects = [
                    DedupingFastStream(plan.place / "rival", database, size=size, sync_always=synced, server_core=core)
                    for size in (1, LIST_SIZE)
                ]
                samples = [Samples() for _ in subjects]
                for _ in range(plan.rounds):
                    for subject, kept in zip(subjects, samples, strict=True):
                        count = plan.postgres_count // (4 if "one" in subject.name else 1)
                        how(subject, count, kept)
                        subject.verify(count)
                for subject, kept in zip(subjects, samples, strict=True):
                    name = subject.name.partition(",")[0]
                    row = f"{label}, {words}: {name}"
                    found.comparisons.append(Comparison("jetstream", row, "events/s", kept.figure(name)))
    finally:
        database.stop()
    found.remarks.append(f"FastStream: {DOES}{DOES_NOT}")
    found.remarks.append("both with PostgreSQL durable; JetStream as each row says")
    return found
