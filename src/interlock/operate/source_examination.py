"""What users' own outboxes say of a deployment, for `interlock doctor`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from interlock.model.diagnosis import BOUNDED, CLEAR_ERROR, DURABLE, NOTHING_DROPPED, ORDER, RESEND, Check, Finding
from interlock.model.problems import ConfigurationProblem, Problem
from interlock.operate.duration import in_words
from interlock.ports.outbox_source import OutboxFacts, OutboxFigures, SlotFacts

LATE_SECONDS = 300.0
MANY_DEAD_ROWS = 100_000
LARGE_SLOT_BYTES = 1 << 30
GIB = 1 << 30

USABLE = Check(
    "SOURCE_USABLE", "each source's database, its table or slot, and what our user may do there", CLEAR_ERROR,
    "Correct sources/*.toml or the variable that dsn names, then ask again.",
)  # fmt: skip
ALONE = Check(
    "SOURCE_ALONE", "whether two sources read one table", ORDER, "Give each source a table of its own, or remove one."
)
KEPT = Check(
    "SOURCE_KEPT", "whether a row is there if and only if its transaction was committed", DURABLE,
    "Make the table as `interlock outbox ddl` prints it, and let the server flush what it commits.",
)  # fmt: skip
WAITING = Check(
    "SOURCE_WAITING", "rows that wait, and the age of the oldest", BOUNDED,
    "See whether an engine runs and leads the source: interlock_source_leads of its metrics, source.away in its log.",
)  # fmt: skip
OLD = Check(
    "SOURCE_OLD", "waiting rows that are older than the log's memory", RESEND,
    "Keep a relay running; raise limits.dedupe_bucket_seconds or jetstream.dedupe_seconds.",
)  # fmt: skip
REFUSED = Check(
    "SOURCE_REFUSED", "rows that are no events", NOTHING_DROPPED,
    "See them: interlock outbox status. Correct a row and set refused to NULL, or delete it.",
)  # fmt: skip
DEAD_ROWS = Check(
    "SOURCE_DEAD_ROWS", "settled rows that the database has not cleared away", BOUNDED,
    "Let autovacuum clear the table: end old transactions, drop slots that nobody reads, then VACUUM it.",
)  # fmt: skip
SLOT = Check(
    "SOURCE_SLOT", "with `mode = logical`: what the slot holds back, against `max_slot_wal_keep_size`", NOTHING_DROPPED,
    "Start an engine, so that the slot is read; with polling nothing is held back.",
)  # fmt: skip
CHECKS = (USABLE, ALONE, KEPT, WAITING, OLD, REFUSED, DEAD_ROWS, SLOT)


def unusable_finding(name: str, problem: Problem) -> Finding:
    """`broken` for what an engine would refuse to start with; a database that is away only tells nothing."""
    told = f"{name}: {problem.detail}"
    if isinstance(problem, ConfigurationProblem):
        return USABLE.broken(f"{told} An engine refuses to start with it.", problem.step)
    return USABLE.unknown(told, problem.step)


def source_findings(name: str, facts: OutboxFacts, figures: OutboxFigures, remembered_seconds: float) -> list[Finding]:
    """`remembered_seconds`: how long the log recognises a resend by itself."""
    found = [
        USABLE.ok(f"{name}: the database answers, the table is as it should be, and our user may settle its rows."),
        kept_finding(name, facts),
        waiting_finding(name, figures),
        old_finding(name, figures, remembered_seconds),
        refused_finding(name, figures),
        dead_rows_finding(name, facts),
    ]
    return [*found, slot_finding(name, facts.slot)] if facts.slot else found


def alone_findings(tables: Mapping[str, str]) -> Iterator[Finding]:
    """`tables`: by name of the source, its table."""
    shared = list(sharing(tables))
    for names in shared:
        yield ALONE.broken(
            f"{' and '.join(names)} read one table: each event would be taken by whichever leads, under its `source`. "
            "An engine refuses to start with them."
        )
    if tables and not shared:
        yield ALONE.ok(f"Each of {len(tables)} sources has a table of its own." if len(tables) > 1 else "One source.")


def sharing(tables: Mapping[str, str]) -> Iterable[list[str]]:
    """The names of sources that have one table."""
    by_table: dict[str, list[str]] = {}
    for name, table in tables.items():
        by_table.setdefault(table, []).append(name)
    return [names for names in by_table.values() if len(names) > 1]


def kept_finding(name: str, facts: OutboxFacts) -> Finding:
    if facts.broken:
        return KEPT.broken(f"{name}: {'; '.join(facts.broken)}.")
    if facts.weak:
        return KEPT.warn(f"{name}: {'; '.join(facts.weak)}; an event of such a commit may have been relayed already.")
    return KEPT.ok(f"{name}: a row is there if its transaction was committed, and not otherwise. No binlog is needed.")


def waiting_finding(name: str, figures: OutboxFigures) -> Finding:
    if not figures.waiting:
        return WAITING.ok(f"{name}: no row waits.")
    told = f"{name}: {figures.waiting:,} rows wait, the oldest for {in_words(int(figures.oldest_seconds * 1_000_000))}"
    if figures.oldest_seconds > LATE_SECONDS:
        return WAITING.warn(f"{told}: nobody relays them, or not as fast as they are written. The table grows.")
    return WAITING.ok(f"{told}.")


def old_finding(name: str, figures: OutboxFigures, remembered_seconds: float) -> Finding:
    remembered = in_words(int(remembered_seconds * 1_000_000)) if remembered_seconds else "no time at all"
    if figures.waiting and figures.oldest_seconds > remembered_seconds > 0:
        return OLD.warn(
            f"{name}: rows wait that are older than the log's memory ({remembered}). They are looked up in the record "
            "before they are appended, so none is there twice; that takes longer."
        )
    return OLD.ok(f"{name}: the log recognises a resend for {remembered}; older rows are looked up in the record.")


def refused_finding(name: str, figures: OutboxFigures) -> Finding:
    if figures.refused:
        return REFUSED.warn(
            f"{name}: {figures.refused:,} rows are no events and were set aside. They are not lost, and not relayed."
        )
    return REFUSED.ok(f"{name}: no row was set aside.")


def dead_rows_finding(name: str, facts: OutboxFacts) -> Finding:
    if facts.dead_rows > MANY_DEAD_ROWS:
        return DEAD_ROWS.warn(
            f"{name}: {facts.dead_rows:,} settled rows were not cleared away: each look at the table goes through them."
        )
    return DEAD_ROWS.ok(f"{name}: settled rows are deleted, and the database clears them away.")


def slot_finding(name: str, slot: SlotFacts) -> Finding:
    told = f"{name}: the server keeps {slot.held_bytes / GIB:,.2f} GiB of its log for the slot {slot.name}"
    if slot.bound_bytes is None:
        effect = "nothing bounds that (max_slot_wal_keep_size = -1): while no relay reads, the server's disk fills"
        if slot.held_bytes > LARGE_SLOT_BYTES:
            return SLOT.warn(f"{told}; {effect}.")
        return SLOT.ok(f"{told}; {effect}, and no event is lost.")
    bound = f"at {slot.bound_bytes / GIB:,.2f} GiB (max_slot_wal_keep_size) it drops the slot, and with it the events"
    if slot.held_bytes * 2 > slot.bound_bytes or slot.status not in ("reserved", "extended"):
        return SLOT.warn(f"{told}; {bound} that were not read. Its state is {slot.status}.")
    return SLOT.ok(f"{told}; {bound} that were not read by then.")
