"""EventLog and StateStore on one SQLite file. Promise: fsynced before the answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import apsw

from interlock.adapters.audience import Audience
from interlock.adapters.sqlite import sql
from interlock.adapters.sqlite.batch import Batch
from interlock.adapters.sqlite.claims import Claims
from interlock.adapters.sqlite.committer import Committer, Work
from interlock.adapters.sqlite.file import (
    FileLock,
    connect,
    connect_reader,
    fetch,
    placing,
    prepare,
    scalar,
    translated,
)
from interlock.adapters.sqlite.names import Names
from interlock.adapters.sqlite.work import AppendWork, CallWork, CommitWork, within_savepoint
from interlock.adapters.tail import WINDOW_BYTES, WINDOW_EVENTS, Tail, Window
from interlock.model.commit_figures import CommitFigures
from interlock.model.event import Appended, Event, Stored
from interlock.model.handling import Mark
from interlock.model.lookup_segment import Segment, Unsealed
from interlock.model.problems import Closed, Problem
from interlock.model.record import Answer, DeliveryRow, Held, StartRow, Tally
from interlock.model.step import Commit
from interlock.model.storage_rows import delivery_row, held_row, stored_row, tally_row
from interlock.ports.event_log import AppendDone, Listener, LogCapabilities, Slice
from interlock.ports.state_store import CommitDone, StateCapabilities, Versioned

T = TypeVar("T")
EXPIRE_ROWS = 5000
WINDOWS = 4
VERSIONS_PER_EPOCH = 1 << 40


class SqliteStore:
    """One owner per file; `open` refuses a second one. Use from the event loop that opened it only."""

    capabilities = StateCapabilities(fused_log=True, durable=True)
    log_capabilities = LogCapabilities("fsynced")

    def __init__(self, path: str, partitions: int, bucket_seconds: int, limit: int, vfs: str | None, sync: str) -> None:
        self._path = path
        with placing(path):
            self._lock = FileLock(Path(path))
        try:
            with translated(), placing(path):
                self.connection = connect(path, vfs, sync)
                meta = prepare(self.connection, partitions)
                self._reader = connect_reader(path, vfs)
                self._setup(meta, bucket_seconds)
        except BaseException:
            self._lock.release()
            raise
        self._committer = Committer(self.connection, self._begin, self.flush_batch, self._ended, limit)
        self._closed = False

    def _setup(self, meta: Mapping[str, Any], bucket_seconds: int) -> None:
        self.partitions: int = meta["partitions"]
        self.secret: bytes = meta["secret"]
        self.names = Names(self.connection)
        self._claims = Claims(self.connection, bucket_seconds)
        self._position: int = scalar(self.connection, sql.HEADS) or 0
        self._version = (int(meta["epoch"]) + 1) * VERSIONS_PER_EPOCH
        self._head = self._position
        self._tail = Tail(self.partitions, self._head)
        self._windows: list[Window] = []
        self._audience = Audience()
        self._open_segment()
        self._forget()

    def _open_segment(self) -> None:
        sealed: int = scalar(self.connection, "SELECT max(last) FROM segment") or 0
        self._unsealed = Unsealed(sealed)
        self._unsealed.add(fetch(self.connection, sql.TAIL, (sealed,)))

    @classmethod
    async def open(
        cls,
        path: str | Path,
        *,
        partitions: int = 8,
        dedupe_bucket_seconds: int = 43200,
        limit_pending: int = 65536,
        vfs: str | None = None,
        synchronous: str = "FULL",
    ) -> SqliteStore:
        """Open or create the file. `partitions` counts only at creation. AlreadyRunning when another process has it.

        SettingInvalid when the system gives us no such file.
        """
        with placing(str(path)):
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        return cls(str(path), partitions, dedupe_bucket_seconds, limit_pending, vfs, synchronous)

    # EventLog

    def append(self, events: Sequence[Event], done: AppendDone) -> None:
        self._submit(AppendWork(self, events, done))

    async def read(self, partition: int, after: int, limit: int) -> Slice:
        self._refuse_closed()
        if after >= self._head:
            return Slice((), after)
        hot = self._tail.read(partition, after, limit, self._head)
        if hot is not None:
            return hot
        for window in self._windows:
            if window.covers(after):
                return window.read(partition, after, limit)
        self._windows = [self._scan(after), *self._windows[: WINDOWS - 1]]
        return self._windows[0].read(partition, after, limit)

    def head(self, partition: int) -> int:
        return self._head

    async def heads(self) -> list[int]:
        self._refuse_closed()
        return [self._head] * self.partitions

    def listen(self, listener: Listener) -> None:
        self._audience.add(listener)

    async def follow(self, partitions: Collection[int]) -> None:
        self._audience.follow(partitions)

    def _scan(self, after: int) -> Window:
        found: list[Stored] = []
        through, weight = self._head, 0
        with translated():
            for row in self._reader.execute(sql.READ, (after, WINDOW_EVENTS)):
                entry = stored_row(row)
                if entry.position > self._head:
                    break
                found.append(entry)
                weight += len(entry.event.body)
                if len(found) == WINDOW_EVENTS or weight >= WINDOW_BYTES:
                    through = entry.position
                    break
        return Window(self.partitions, after, through, found)

    # StateStore

    async def acquire(self, start: StartRow, flows: Mapping[str, Sequence[str]]) -> int:
        self._refuse_closed()
        await self._committer.drain()
        with translated(), self.connection:
            epoch = self.epoch_on_disk() + 1
            self.connection.execute(sql.EPOCH_SET, (epoch,))
            self.connection.execute(sql.START, (epoch, *start[1:]))
            for flow, types in flows.items():
                self._own(epoch, flow, types)
            self.connection.executemany(sql.NAME_NEW, self.names.fresh)
        self.names.stored()
        self._version = epoch * VERSIONS_PER_EPOCH
        return epoch

    def _own(self, epoch: int, flow: str, types: Sequence[str]) -> None:
        number = self.names.id(flow)
        run = self.connection.execute
        for partition in range(self.partitions):
            run(sql.CURSOR_NEW, (number, partition, self._head, epoch))
        run(sql.CURSOR_OWN, (epoch, number))
        before: dict[str, int] = dict(fetch(self.connection, sql.BEFORE_OF, (number,)))
        for event_type in before.keys() - types:
            if before[event_type] >= 0:
                handled = scalar(self.connection, sql.HANDLED_OF_TYPE, (number, event_type))
                run(sql.SUBSCRIBE, (number, event_type, -1 - handled))
        for event_type in types:
            taken = before.get(event_type, -1)
            if taken < 0:
                known = scalar(self.connection, sql.ACCEPTED_OF_TYPE, (event_type,)) or 0
                beyond = scalar(self.connection, sql.BEYOND_CURSOR, (number, event_type))
                run(sql.SUBSCRIBE, (number, event_type, known - beyond - (-1 - taken)))

    def submit(self, commit: Commit, done: CommitDone) -> None:
        self._submit(CommitWork(self, commit, done))

    async def get(self, table: str, key: str) -> Versioned | None:
        self._refuse_closed()
        with translated():
            found = self._reader.execute(sql.STATE_GET, (self.names.find(table), key)).fetchone()
        return Versioned(*found) if found else None

    async def counter(self, table: str, key: str) -> int:
        found = self._one(sql.COUNTER_GET, (self.names.find(table), key))
        return int(found[0]) if found else 0

    async def cursors(self, flow: str) -> dict[int, int]:
        return dict(self._all(sql.CURSORS, (self.names.find(flow),)))

    async def marks_after(self, flow: str, partition: int, position: int) -> set[int]:
        return {row[0] for row in self._all(sql.MARKS_AFTER, (self.names.find(flow), partition, position))}

    async def held(self, flow: str, partitions: Collection[int] | None = None) -> list[Held]:
        found = self._all(sql.HELD_OF_FLOW, (self.names.find(flow), array(partitions)))
        return [held_row(row, flow) for row in found]

    async def held_one(self, mark: Mark) -> Held | None:
        found = self._one(sql.HELD_ONE, (self.names.find(mark.flow), *mark[1:]))
        return held_row(found, mark.flow) if found else None

    async def pending_deliveries(
        self, after_due_us: int, after_id: str, limit: int, partitions: Collection[int] | None = None
    ) -> list[DeliveryRow]:
        found = self._all(sql.DELIVERIES_DUE, (after_due_us, after_id, limit, array(partitions)))
        return [delivery_row(row) for row in found]

    async def delivery(self, delivery_id: str) -> DeliveryRow | None:
        found = self._one(sql.DELIVERY_ONE, (delivery_id,))
        return delivery_row(found) if found else None

    async def answer(self, scope: str, now_us: int) -> Answer | None:
        found = self._one(sql.ANSWER, (scope, now_us))
        return Answer(*found) if found else None

    async def expire(self, now_us: int) -> int:
        def drop(connection: apsw.Connection) -> int:
            connection.execute(sql.ANSWER_EXPIRE, (now_us, EXPIRE_ROWS))
            return connection.changes()

        return await self.run_within(drop)

    async def run_within(self, call: Callable[[apsw.Connection], T]) -> T:
        """Run upkeep, or a rare write, within the next transaction; its result once that is durable.

        A Problem that `call` raises undoes its own writes only, and is raised here.
        """
        outcome: list[T | Problem] = []

        def stage() -> None:
            outcome[:] = [within_savepoint(self.connection, call)]

        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._submit(CallWork(stage, lambda problem: settle(future, problem)))
        await future
        if isinstance(outcome[0], Problem):
            raise outcome[0]
        return outcome[0]

    def ask(self, statement: str, bindings: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        """What was committed, for the adapters that share this file."""
        return self._all(statement, bindings)

    @property
    def commit_figures(self) -> CommitFigures:
        return self._committer.figures

    async def tallies(self) -> list[Tally]:
        return [tally_row(row) for row in self._all(sql.TALLIES, ())]

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        await self._committer.drain()
        self._committer.stop()
        self._reader.close()
        self.connection.close()
        self._lock.release()

    # What the works of a transaction use

    def epoch_on_disk(self) -> int:
        return int(scalar(self.connection, sql.EPOCH))

    def stage_events(self, events: Sequence[Event]) -> list[Appended]:
        """Stage those that are new; the places of all."""
        appended = []
        for event in events:
            identity = (event.source, event.id)
            position = self._known.get(identity)
            if position is None:
                position = self.batch.append(event)
                self._known[identity] = position
                self._claimed.append((event.id, event.source, position))
                appended.append(Appended(event.partition, position, False))
            else:
                appended.append(self._first_place(position, event))
        return appended

    def _first_place(self, position: int, event: Event) -> Appended:
        found = self.connection.execute("SELECT partition FROM log WHERE position = ?", (position,)).fetchone()
        return Appended(found[0] if found else event.partition, position, True)

    def new_batch(self, *, alone: bool = False) -> None:
        self.batch = Batch(self.connection, self.names, self._position + 1, self._version + 1, alone=alone)
        self._claimed: list[tuple[str, str, int]] = []

    def flush_batch(self) -> None:
        if self._claimed:
            self._claims.add(self._claimed)
        self.batch.flush()
        self._fresh.extend(self.batch.stored)
        self._position = self.batch.next_position - 1
        self._version = self.batch.next_version - 1

    def forget_batch(self) -> None:
        """The part was undone: what it claimed is unknown again."""
        for event_id, source, _ in self._claimed:
            self._known.pop((source, event_id), None)

    # The frame of a transaction

    def _begin(self, works: Sequence[Work]) -> None:
        events = [event for work in works if isinstance(work, AppendWork) for event in work.events]
        self._known.update(self._claims.find(events) if events else {})
        self.new_batch()
        self._sealing[:] = self._unsealed.full()
        for segment in self._sealing:
            self.connection.execute(sql.SEAL, segment.row())

    def _ended(self, committed: bool) -> None:
        if not committed:
            self._position = self._head
            self._claims.reload()
            self._forget()
            return
        self.names.stored()
        self._unsealed.sealed(self._sealing)
        fresh = self._fresh
        self._forget()
        if fresh:
            self._publish(fresh)

    def _publish(self, fresh: list[Stored]) -> None:
        self._head = self._position
        self._tail.add(fresh)
        self._unsealed.add([(position, event[1], event[7], event[10]) for position, event in fresh])
        self._audience.tell(fresh)

    def _forget(self) -> None:
        self._fresh: list[Stored] = []
        self._known: dict[tuple[str, str], int] = {}
        self._sealing: list[Segment] = []

    def _submit(self, work: Work) -> None:
        if self._closed:
            asyncio.get_running_loop().call_soon(work.finish, Closed("The store was closed."))
            return
        self._committer.submit(work)

    def _refuse_closed(self) -> None:
        if self._closed:
            raise Closed("The store was closed.")

    def _one(self, statement: str, bindings: tuple[Any, ...]) -> tuple[Any, ...] | None:
        self._refuse_closed()
        with translated():
            return self._reader.execute(statement, bindings).fetchone()

    def _all(self, statement: str, bindings: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        self._refuse_closed()
        with translated():
            return self._reader.execute(statement, bindings).fetchall()


def array(partitions: Collection[int] | None) -> str | None:
    return None if partitions is None else json.dumps(sorted(partitions))


def settle(future: asyncio.Future[None], problem: Problem | None) -> None:
    if future.done():
        return
    if problem is None:
        future.set_result(None)
    else:
        future.set_exception(problem)
