"""State on PostgreSQL and the log on NATS JetStream, beside FastStream that dedupes in PostgreSQL by hand."""

from __future__ import annotations

from collections.abc import Callable

from bench import machine
from bench.comparison import Comparison, Findings
from bench.parts.whole import LIST_SIZE
from bench.plan import Plan
from bench.subjects.database import Database
from bench.subjects.faststream import DedupingFastStream
from bench.subjects.interlock_postgres import InterlockOnJetStream
from bench.turn import Samples, ours_live, ours_waiting, rival_live, rival_waiting, start_seconds

SYNCED = {True: "JetStream fsyncs first", False: "JetStream acknowledges before fsync"}
DOES = "message id and row in one statement that commits, 20 connections, acknowledged after it; "
DOES_NOT = "no contract, order per key after a failure, or record"
LISTS = "; the handler sees lists, one bad message fails its list"


def measure(plan: Plan) -> Findings:
    """Catch-up: the worker on its core, both servers on the other. Live: all on one, the load beside."""
    found = Findings()
    database = Database()
    database.start()
    try:
        for synced in SYNCED:
            database.bind(machine.LOAD_CORE)
            label = f"catch-up, {SYNCED[synced]}"
            found.comparisons += beside(plan, database, label, synced, machine.LOAD_CORE, ours_waiting, rival_waiting)
            database.bind(machine.SYSTEM_CORE)
            label = f"sent to handled, {SYNCED[synced]}"
            found.comparisons += beside(plan, database, label, synced, machine.SYSTEM_CORE, ours_live, rival_live)
    finally:
        database.stop()
    if plan.rivals is not None:
        found.remarks.append(f"skipped FastStream: {plan.rivals}")
    found.remarks.append(
        "catch-up of ours: what waits is indexed before the first handler begins; the rate counts it, as what "
        "the start took longer than one with one event; the CPU does not"
    )
    found.remarks.append("PostgreSQL durable on both sides, JetStream with one replica, as each row says")
    return found


def beside(
    plan: Plan,
    database: Database,
    label: str,
    synced: bool,
    core: str,
    ours_how: Callable[..., None],
    rival_how: Callable[..., None],
    added_ms: int = 0,
) -> list[Comparison]:
    """Ours and both forms of the rival, in turn. `added_ms`: how much further away NATS is; the aim is for near by."""

    def make() -> InterlockOnJetStream:
        return InterlockOnJetStream(
            plan.place / "jetstream", database, sync_always=synced, server_core=core, added_ms=added_ms
        )

    rivals = (
        []
        if plan.rivals is not None
        else [
            DedupingFastStream(
                plan.place / "rival", database, size=size, sync_always=synced, server_core=core, added_ms=added_ms
            )
            for size in (1, LIST_SIZE)
        ]
    )
    ours, theirs = Samples(), [Samples() for _ in rivals]
    starts: list[float] = []
    nothing = start_seconds(make)
    for _ in range(plan.rounds):
        ours_how(make, plan.postgres_count, ours, lambda subject: starts.append(subject.started_seconds))
        for rival, samples in zip(rivals, theirs, strict=True):
            count = plan.postgres_count // (1 if rival.lists else 8)
            rival_how(rival, count, samples)
            rival.verify(count)
    if ours_how is ours_waiting:
        ours.begin_earlier(plan.postgres_count, [max(0.0, start - nothing) for start in starts])
    figure = ours.figure(InterlockOnJetStream.name)
    if not rivals:
        return [Comparison("jetstream", label, "events/s", figure)]
    return [
        Comparison(
            "jetstream",
            label,
            "events/s",
            figure,
            samples.figure(rival.name),
            f"{DOES}{DOES_NOT}{LISTS if rival.lists else ''}",
            None if rival.lists or added_ms else 2.0,
        )
        for rival, samples in zip(rivals, theirs, strict=True)
    ]
