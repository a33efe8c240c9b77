"""The durable part of a simulated deployment: tables that outlive every process, and who is connected to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from interlock.adapters.memory import MemoryStore
from interlock.adapters.memory_split import MemoryState, SplitTables
from interlock.adapters.memory_tables import Tables
from interlock.model.event import Appended, Event, Stored
from interlock.model.problems import Problem
from interlock.model.record import StartRow
from interlock.model.step import Commit, Step
from interlock.simulation.witness import Act, Witness

SECRET = b"the same in every simulation...."
DEDUPE_BUCKET_SECONDS = 43_200


class Listening(Protocol):
    def ring(self) -> None: ...


class WitnessedTables(Tables):
    """Log and state as one."""

    witness: Witness
    now_us: Callable[[], int]

    def carry_out(self, step: Step) -> list[Stored]:
        emitted = super().carry_out(step)
        self.witness.note(self.now_us(), step)
        return emitted

    def append(self, events: Iterable[Event]) -> tuple[list[Appended], list[Stored]]:
        events = list(events)
        places, fresh = super().append(events)
        self.witness.history.append(Act("append", (events,), places))
        return places, fresh

    def apply(self, commit: Commit) -> tuple[list[Problem | None], list[Stored]]:
        try:
            outcomes, emitted = super().apply(commit)
        except Problem as problem:
            self.witness.history.append(Act("submit", (commit,), problem))
            raise
        self.witness.history.append(Act("submit", (commit,), outcomes))
        return outcomes, emitted

    def acquire(self, start: StartRow, flows: Mapping[str, Sequence[str]]) -> int:
        epoch = super().acquire(start, flows)
        self.witness.history.append(Act("acquire", (start, flows), epoch))
        return epoch

    def expire(self, now_us: int) -> int:
        gone = super().expire(now_us)
        self.witness.history.append(Act("expire", (now_us,), gone))
        return gone


class WitnessedState(SplitTables):
    """State with an outbox and an index of a log elsewhere."""

    witness: Witness
    now_us: Callable[[], int]

    def carry_out(self, step: Step) -> list[Stored]:
        emitted = super().carry_out(step)
        self.witness.note(self.now_us(), step)
        return emitted


class OutsideLog(Tables):
    """A log that is a system of its own; `dedupes` False: it takes a resend for a new event, as Kafka does."""

    def __init__(self, partitions: int, dedupe_bucket_seconds: int, dedupes: bool) -> None:
        super().__init__(partitions, dedupe_bucket_seconds)
        self.dedupes = dedupes

    def append(self, events: Iterable[Event]) -> tuple[list[Appended], list[Stored]]:
        if self.dedupes:
            return super().append(events)
        fresh = self.emit(list(events))
        return [Appended(one.event.partition, one.position, False) for one in fresh], fresh


class Image:
    """`store` answers reads of the state and of the record; `log` those of the log, and is the same where they are one.

    `connections` of the log hear of what is appended.
    """

    def __init__(self, partitions: int, now_us: Callable[[], int], *, apart: bool, dedupes: bool = True) -> None:
        self.witness = Witness()
        self.apart = apart
        self.tables: WitnessedTables | WitnessedState
        if apart:
            self.tables = state = WitnessedState(partitions, DEDUPE_BUCKET_SECONDS)
            self.log_tables: Tables = OutsideLog(partitions, DEDUPE_BUCKET_SECONDS, dedupes)
            self.store: MemoryStore = MemoryState(secret=SECRET, tables=state)
            self.store._monotonic_us = now_us
            self.log = MemoryStore(secret=SECRET, tables=self.log_tables)
        else:
            self.tables = self.log_tables = WitnessedTables(partitions, DEDUPE_BUCKET_SECONDS)
            self.store = self.log = MemoryStore(secret=SECRET, tables=self.tables, monotonic_us=now_us)
        self.tables.witness = self.witness
        self.tables.now_us = now_us
        self.listening: list[Listening] = []

    @property
    def length(self) -> int:
        """How many events the log has, over all partitions."""
        return len(self.witness.logged)

    def appended(self, fresh: Sequence[Stored]) -> None:
        """Tell all that are connected, each in its own time."""
        if fresh:
            self.witness.logged += fresh
            for one in self.listening:
                one.ring()
