"""EventLog and StateStore on one schema of a PostgreSQL database. Promise: committed, as the server's settings say.

Several processes may have it open and append. Steps are committed of the one that owns it alone, or of its members.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

from interlock.adapters.audience import Audience
from interlock.adapters.postgres import sql
from interlock.adapters.postgres.acquisition import acquire
from interlock.adapters.postgres.claims import Claims
from interlock.adapters.postgres.committer import Committer
from interlock.adapters.postgres.connection import Connection, Row, Target, translated
from interlock.adapters.postgres.follower import Follower
from interlock.adapters.postgres.members import Members
from interlock.adapters.postgres.names import Names
from interlock.adapters.postgres.questions import Questions
from interlock.adapters.postgres.schema import Meta, prepare
from interlock.adapters.postgres.sealing import Sealing
from interlock.adapters.postgres.session import Session
from interlock.adapters.postgres.tail import Tail
from interlock.adapters.postgres.transaction import Committed, Transaction, Wanted
from interlock.adapters.postgres.work import AppendWork, CallWork, CommitWork
from interlock.model.commit_figures import CommitFigures
from interlock.model.event import Event, Stored
from interlock.model.handling import Mark
from interlock.model.problems import AlreadyRunning, Closed, Problem
from interlock.model.record import Answer, DeliveryRow, Held, StartRow, Tally
from interlock.model.step import Commit
from interlock.model.storage_rows import delivery_row, held_row, stored_row, tally_row
from interlock.ports.event_log import AppendDone, Listener, LogCapabilities, Slice
from interlock.ports.membership import Member, Roster
from interlock.ports.state_store import CommitDone, StateCapabilities, Versioned

EXPIRE_ROWS = 5000
PAGE_EVENTS = 1024
PAGE_BYTES = 16_777_216
PAUSE_SECONDS = 0.05
JOIN_SECONDS = 5.0


class PostgresStore:
    """Use from the event loop that opened it only."""

    capabilities = StateCapabilities(fused_log=True, durable=True)
    log_capabilities = LogCapabilities("committed")

    def __init__(self, target: Target, meta: Meta, bucket_seconds: int) -> None:
        self._target = target
        self.partitions = meta.partitions
        self.secret = meta.secret
        self._names = Names()
        self._claims = Claims(bucket_seconds)
        self._session = Session(target)
        self._questions = Questions(target)
        self._sealing = Sealing(self._questions)
        self._members = Members(target, self._names)
        fused = self.capabilities.fused_log
        self._transaction = Transaction(self._session, self._names, self._claims, target, fused=fused)
        self._audience = Audience()
        self._publishing = asyncio.Lock()
        self._follower: Follower | None = None
        self._wakes: list[Callable[[Collection[int]], None]] = []
        self._closed = False

    @classmethod
    async def open(
        cls,
        dsn: str,
        *,
        schema: str = "interlock",
        partitions: int = 8,
        dedupe_bucket_seconds: int = 43200,
        limit_pending: int = 65536,
    ) -> PostgresStore:
        """Open or create the schema. `partitions` counts only at creation.

        SettingInvalid when the connection string, the server or its settings are not fit; StorageUnavailable when the
        server does not answer; FormatUnsupported when another release wrote it.
        """
        target = Target(dsn, schema)
        store = cls(target, await prepare(target, partitions), dedupe_bucket_seconds)
        await store._start_or_close(limit_pending)
        return store

    async def _start_or_close(self, limit_pending: int) -> None:
        try:
            await self._start(limit_pending)
        except BaseException:
            await self._session.close()
            await self._questions.close()
            raise

    async def _start(self, limit_pending: int) -> None:
        await self._session.open()
        await self._names.learn(self._session.live)
        await self._claims.reload(self._session.live)
        heads = await self._questions.all(sql.HEADS)
        self._heads: list[int] = [row[0] for row in heads]
        self._tail = Tail(self._heads)
        self._committer = Committer(self._session, self._transaction, self._committed, limit_pending)

    async def own_alone(self, seconds: float) -> None:
        """Before `acquire`: AlreadyRunning when another engine or a member is at work, and does not end in time.

        A courtesy between processes that behave. What keeps an owner out that was replaced is its epoch.
        """
        await self._hold(sql.OWNER_ALONE, seconds)

    async def _hold(self, how: str, seconds: float) -> None:
        deadline = asyncio.get_running_loop().time() + seconds
        with translated(self._target):
            while not await self._session.hold(how):
                if asyncio.get_running_loop().time() > deadline:
                    raise AlreadyRunning(
                        f"Another engine runs on the schema {self._target.schema} of the {self._target.place}.",
                        next_step="Stop it first, or choose another stores.schema. If its machine is lost, wait 20 s.",
                    )
                await asyncio.sleep(PAUSE_SECONDS)

    # EventLog

    def append(self, events: Sequence[Event], done: AppendDone) -> None:
        self._submit(AppendWork(events, done))

    async def read(self, partition: int, after: int, limit: int) -> Slice:
        self._refuse_closed()
        if after >= self._heads[partition]:
            return Slice((), after)
        return self._tail.read(partition, after, limit) or await self._page(partition, after, limit)

    async def _page(self, partition: int, after: int, limit: int) -> Slice:
        """Up to the head as it is known here: what is beyond it, listeners have not heard of."""
        head = self._heads[partition]
        rows = await self._questions.all(sql.READ, (partition, after, min(limit, head - after), PAGE_BYTES))
        events = [stored_row(row) for row in rows]
        return Slice(events, events[-1].position if events else after)

    def head(self, partition: int) -> int:
        return self._heads[partition]

    async def heads(self) -> list[int]:
        return [row[0] for row in await self._all(sql.HEADS)]

    def listen(self, listener: Listener) -> None:
        self._audience.add(listener)
        if self._follower is None:
            self._follower = Follower(self._target, lambda: self._session.writer, self._look)

    async def follow(self, partitions: Collection[int]) -> None:
        """What was appended to a partition before it is followed, is read and not told."""
        async with self._publishing:
            for partition, (head,) in enumerate(await self._questions.all(sql.HEADS)):
                if not self._audience.follows(partition):
                    self._heads[partition] = max(self._heads[partition], head)
            self._audience.follow(partitions)
        await self._look()

    # What was committed, by us and by others

    async def _committed(self, committed: Committed) -> None:
        if not committed.stored:
            return
        parts: dict[int, list[Stored]] = {}
        for entry in committed.stored:
            parts.setdefault(entry[1][0], []).append(entry)
        async with self._publishing:
            if self._audience:
                for partition, base in committed.bases.items():
                    if self._audience.follows(partition):
                        await self._fill(partition, base)
                        if self._heads[partition] < base:  # the server is away: `_look` finds all of it
                            del parts[partition]
            fresh = [e for e in committed.stored if e[1][0] in parts and e[0] > self._heads[e[1][0]]]
            for partition, entries in parts.items():
                self._keep(partition, [entry for entry in entries if entry[0] > self._heads[partition]])
            self._audience.tell(fresh)
        if self._follower is not None:
            self._follower.ring()

    def _keep(self, partition: int, entries: list[Stored]) -> None:
        if entries:
            self._tail.add(partition, entries)
            self._heads[partition] = entries[-1][0]

    async def _fill(self, partition: int, head: int) -> None:
        """Read and tell what others appended up to `head`; when the server is away, readers find it later.

        Of a partition that is not followed, only where it ends.
        """
        if not self._audience.follows(partition):
            self._heads[partition] = max(self._heads[partition], head)
            return
        try:
            while self._heads[partition] < head:
                after = self._heads[partition]
                wanted = min(PAGE_EVENTS, head - after)
                rows = await self._questions.all(sql.READ, (partition, after, wanted, PAGE_BYTES))
                entries = [stored_row(row) for row in rows]
                self._keep(partition, entries)
                self._audience.tell(entries)
        except Problem as problem:
            if not problem.retryable:
                raise

    async def _look(self) -> bool:
        """Follow the other writers; whether there are any."""
        others = await self._others()
        async with self._publishing:
            for partition, (head,) in enumerate(await self._questions.all(sql.HEADS)):
                await self._fill(partition, head)
        return others

    async def _others(self) -> bool:
        found = await self._questions.one(sql.WRITERS, (self._session.writer,))
        return found is not None and bool(found[0])

    # StateStore

    async def acquire(self, start: StartRow, flows: Mapping[str, Sequence[str]]) -> int:
        self._refuse_closed()
        epochs: list[int] = []

        async def own(connection: Connection) -> None:
            epochs.append(await acquire(connection, self._names, start, flows))
            self._transaction.begin(epochs[0], alone=True)

        await self._alone(own)
        return epochs[0]

    def submit(self, commit: Commit, done: CommitDone) -> None:
        self._submit(CommitWork(self._names, commit, done))

    async def get(self, table: str, key: str) -> Versioned | None:
        self._refuse_closed()
        cell = (await self._names.seek(table, self._questions.all), key)
        found = await self._questions.cell(sql.FIND_VALUES, cell)
        return Versioned(*found) if found else None

    async def counter(self, table: str, key: str) -> int:
        self._refuse_closed()
        cell = (await self._names.seek(table, self._questions.all), key)
        found = await self._questions.cell(sql.FIND_COUNTERS, cell)
        return int(found[0]) if found else 0

    async def cursors(self, flow: str) -> dict[int, int]:
        return dict(await self._all(sql.CURSORS, flow))

    async def marks_after(self, flow: str, partition: int, position: int) -> set[int]:
        return {row[0] for row in await self._all(sql.MARKS_AFTER, flow, partition, position)}

    async def held(self, flow: str, partitions: Collection[int] | None = None) -> list[Held]:
        return [held_row(row, flow) for row in await self._all(sql.HELD_OF_FLOW, flow, array(partitions))]

    async def held_one(self, mark: Mark) -> Held | None:
        found = await self._all(sql.HELD_ONE, *mark)
        return held_row(found[0], mark.flow) if found else None

    async def pending_deliveries(
        self, after_due_us: int, after_id: str, limit: int, partitions: Collection[int] | None = None
    ) -> list[DeliveryRow]:
        found = await self._all(sql.DELIVERIES_DUE, after_due_us, after_id, limit, array(partitions))
        return [delivery_row(row) for row in found]

    async def delivery(self, delivery_id: str) -> DeliveryRow | None:
        found = await self._all(sql.DELIVERY_ONE, delivery_id)
        return delivery_row(found[0]) if found else None

    async def answer(self, scope: str, now_us: int) -> Answer | None:
        found = await self._all(sql.ANSWER, scope, now_us)
        return Answer(*found[0]) if found else None

    async def expire(self, now_us: int) -> int:
        gone = await self._all(sql.ANSWER_EXPIRE, now_us, EXPIRE_ROWS)
        await self._all(sql.ABSENT_EXPIRE, EXPIRE_ROWS)
        await self._sealing.seal(self._heads)
        return len(gone)

    async def tallies(self) -> list[Tally]:
        return [tally_row(row) for row in await self._all(sql.TALLIES)]

    # Membership

    async def join(
        self, start: StartRow, flows: Mapping[str, Sequence[str]], name: str, *, runs_flows: bool, lease_seconds: float
    ) -> int:
        """Also AlreadyRunning, when an engine owns the store alone and does not end within seconds."""
        self._refuse_closed()
        await self._hold(sql.OWNER_BESIDE, JOIN_SECONDS)
        epoch = await self._members.join(Member(0, name, runs_flows), start, flows, lease_seconds)
        self._transaction.begin(epoch, alone=False)
        return epoch

    async def beat(self, epoch: int) -> Roster:
        self._refuse_closed()
        return await self._members.beat(epoch)

    async def claim(self, epoch: int, partitions: Collection[int]) -> list[int]:
        self._refuse_closed()
        return await self._members.claim(epoch, partitions)

    async def release(self, epoch: int, partitions: Collection[int]) -> None:
        self._refuse_closed()
        await self._members.release(epoch, partitions)

    async def leave(self, epoch: int) -> None:
        self._refuse_closed()
        await self._members.leave(epoch)

    @property
    def commit_figures(self) -> CommitFigures:
        return self._committer.figures

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        await self._committer.stop()
        if self._follower is not None:
            await self._follower.close()
        await self._session.close()
        await self._questions.close()
        await self._members.close()

    def _submit(self, work: Wanted) -> None:
        if self._closed:
            asyncio.get_running_loop().call_soon(work.finish, Closed("The store was closed."))
            return
        self._committer.submit(work)

    async def _alone(self, call: Callable[[Connection], Awaitable[None]]) -> None:
        """Run the call on the writing session, between two transactions."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._committer.submit(CallWork(call, lambda problem: settle(future, problem)))
        await future

    def _refuse_closed(self) -> None:
        if self._closed:
            raise Closed("The store was closed.")

    async def _all(self, statement: str, *bindings: object) -> list[Row]:
        self._refuse_closed()
        return await self._questions.all(statement, bindings)


def array(partitions: Collection[int] | None) -> list[int] | None:
    return None if partitions is None else sorted(partitions)


def settle(future: asyncio.Future[None], problem: Problem | None) -> None:
    if future.done():
        return
    if problem is None:
        future.set_result(None)
    else:
        future.set_exception(problem)
