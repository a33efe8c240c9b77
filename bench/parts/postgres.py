"""Log and state on PostgreSQL beside queues that live there too: same server, a handler that writes one row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench import machine
from bench.comparison import Comparison, Findings
from bench.plan import Plan
from bench.subjects.database import Database
from bench.subjects.interlock_postgres import InterlockOnPostgres
from bench.subjects.queue import PostgresQueue
from bench.turn import Run, Samples, ours_live, ours_waiting, rival_live, rival_waiting

DURABILITY = "equal durability: fsync, synchronous_commit and full_page_writes on, all tables logged, one server"
DOES_NOT = "no contract, order per key after a failure, or record that explains"
APART = f"row and job are two transactions: a crash between them runs the job again; {DOES_NOT}"


@dataclass(frozen=True, slots=True)
class Queue:
    """A rival: how it is run, what it does not do, and which ratio the issue asks for.

    share   of our number of events it gets: enough for seconds, not for minutes
    """

    name: str
    module: str
    jobs: str
    note: str
    share: int
    aim: float | None = None

    def subject(self, place: Path, database: Database) -> PostgresQueue:
        return PostgresQueue(self.name, self.module, self.jobs, place, database)


QUEUES = (
    Queue("PgQueuer", "pgqueuer_side", "pgqueuer", f"asyncpg, batches of 100, no limit; {APART}", 1, 1.0),
    Queue(
        "Procrastinate",
        "procrastinate_side",
        "procrastinate_jobs WHERE status IN ('todo', 'doing')",
        f"concurrency 50, finished jobs deleted; {APART}",
        10,
    ),
    Queue(
        "DBOS queue",
        "dbos_side",
        "dbos.workflow_status WHERE status IN ('ENQUEUED', 'PENDING')",
        "worker concurrency 100, polled each 50 ms, 16 threads; row and step checkpoint are one transaction, input and "
        f"outcome of the workflow others; {DOES_NOT}, but a history of each workflow",
        40,
        20.0,
    ),
)


def measure(plan: Plan) -> Findings:
    """Catch-up with the worker alone on its core, the server on the other; live with both on one, the load beside."""
    found = Findings()
    queues = QUEUES if plan.rivals is None else ()
    if plan.rivals is not None:
        found.remarks.append(f"skipped PgQueuer, Procrastinate and DBOS: {plan.rivals}")
    database = Database(core=machine.LOAD_CORE)
    database.start()
    try:
        compare(plan, found, "catch-up, one worker", waiting(plan, database, queues), queues)
        database.bind(machine.SYSTEM_CORE)
        compare(plan, found, "sent to handled, worker and server on one core", live(plan, database, queues), queues)
    finally:
        database.stop()
    found.remarks.append(DURABILITY)
    found.remarks.append(
        "ours: dedupe mark, handling row, state row, tally and cursor in one commit; checked after SIGKILL"
    )
    found.remarks.append(
        "live, ours is sent one order a request over HTTP; the rivals' producers queue lists of 100, DBOS's one by one"
    )
    return found


def compare(plan: Plan, found: Findings, label: str, group: dict[str, Run], queues: tuple[Queue, ...]) -> None:
    """Every subject once per round, in an order that turns with the rounds."""
    samples = {name: Samples() for name in group}
    names = list(group)
    for turn in range(plan.rounds):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            group[name](samples[name])
    ours = samples[InterlockOnPostgres.name].figure(InterlockOnPostgres.name)
    if not queues:
        found.comparisons.append(Comparison("postgres", label, "events/s", ours))
    for queue in queues:
        theirs = samples[queue.name].figure(queue.name)
        found.comparisons.append(Comparison("postgres", label, "events/s", ours, theirs, queue.note, queue.aim))


def waiting(plan: Plan, database: Database, queues: tuple[Queue, ...]) -> dict[str, Run]:
    count = plan.postgres_count
    group: dict[str, Run] = {
        InterlockOnPostgres.name: lambda samples: ours_waiting(ours(plan, database), count, samples)
    }
    for queue in queues:
        group[queue.name] = queued(queue, plan, database, rival_waiting)
    return group


def live(plan: Plan, database: Database, queues: tuple[Queue, ...]) -> dict[str, Run]:
    count = plan.postgres_count
    group: dict[str, Run] = {InterlockOnPostgres.name: lambda samples: ours_live(ours(plan, database), count, samples)}
    for queue in queues:
        group[queue.name] = queued(queue, plan, database, rival_live)
    return group


def ours(plan: Plan, database: Database) -> Callable[[], InterlockOnPostgres]:
    return lambda: InterlockOnPostgres(plan.place / "postgres", database)


def queued(queue: Queue, plan: Plan, database: Database, how: Callable[..., None]) -> Run:
    subject = queue.subject(plan.place / "rival", database)

    def run(samples: Samples) -> None:
        how(subject, max(100, plan.postgres_count // queue.share), samples)
        subject.verify()

    return run
