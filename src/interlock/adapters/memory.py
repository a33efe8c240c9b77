"""Log, state and record in plain memory: for tests, for simulation, and as the reference of the semantics.

Nothing survives the process. Submissions queue up and one callback of the event loop applies them all, as a group
commit would, so that callers meet the same order of events as with a real store.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from time import monotonic_ns
from typing import TypeVar

from interlock.adapters.audience import Audience
from interlock.adapters.memory_record import MemoryRecord
from interlock.adapters.memory_tables import Tables
from interlock.model.event import Event, Stored
from interlock.model.handling import Mark
from interlock.model.problems import Closed, Problem, TooManyRequests
from interlock.model.record import Answer, DeliveryRow, DeliveryState, Held, StartRow
from interlock.model.step import Commit
from interlock.ports.event_log import AppendDone, Listener, LogCapabilities, Slice
from interlock.ports.membership import Member, Roster
from interlock.ports.state_store import CommitDone, StateCapabilities, Versioned

T = TypeVar("T")
HALF_DAY_SECONDS = 43_200
_RETRY_AFTER_SECONDS = 1


class MemoryStore(MemoryRecord):
    """EventLog, StateStore, Membership and RecordReader on one object. Use from one event loop only.

    `limit_pending` bounds the events of `append` in flight and, apart from them, the steps of `submit`. A fixed
    `secret` makes key hashes repeatable. Positions are shared by all partitions. By `monotonic_us` (as of
    `model.Clock`) the time of members is measured.
    """

    def __init__(
        self,
        partitions: int = 8,
        *,
        limit_pending: int = 65_536,
        dedupe_bucket_seconds: int = HALF_DAY_SECONDS,
        secret: bytes | None = None,
        tables: Tables | None = None,
        monotonic_us: Callable[[], int] = lambda: monotonic_ns() // 1000,
    ) -> None:
        super().__init__(tables or Tables(partitions, dedupe_bucket_seconds), secret or os.urandom(32))
        self._limit_pending = limit_pending
        self._monotonic_us = monotonic_us
        self._audience = Audience()
        self._queue: list[Callable[[], list[Stored]]] = []
        self._events_pending = 0
        self._steps_pending = 0

    @property
    def tables(self) -> Tables:
        """Raw access, past the ports: for simulation and its comparisons."""
        return self._tables

    @property
    def partitions(self) -> int:
        return len(self._tables.log)

    @property
    def secret(self) -> bytes:
        return self._secret

    @property
    def capabilities(self) -> StateCapabilities:
        return StateCapabilities(fused_log=True, durable=False)

    @property
    def log_capabilities(self) -> LogCapabilities:
        return LogCapabilities("memory", expires=any(self._tables.forgotten), shared_positions=True)

    def append(self, events: Sequence[Event], done: AppendDone) -> None:
        if self._closed:
            self._answer(done, None, Closed("The memory log was closed."))
            return
        if self._events_pending + len(events) > self._limit_pending:
            self._answer(done, None, _too_many("events"))
            return
        self._events_pending += len(events)
        self._enqueue(lambda: self._append_now(events, done))

    def submit(self, commit: Commit, done: CommitDone) -> None:
        if self._closed:
            self._answer(done, None, Closed("The memory store was closed."))
            return
        if self._steps_pending + len(commit.steps) > self._limit_pending:
            self._answer(done, None, _too_many("steps"))
            return
        self._steps_pending += len(commit.steps)
        self._enqueue(lambda: self._apply_now(commit, done))

    async def read(self, partition: int, after: int, limit: int) -> Slice:
        return self._open().read(partition, after, limit)

    def head(self, partition: int) -> int:
        return self._tables.head(partition)

    async def heads(self) -> list[int]:
        tables = self._open()
        return [tables.head(partition) for partition in range(self.partitions)]

    def listen(self, listener: Listener) -> None:
        self._audience.add(listener)

    async def follow(self, partitions: Collection[int]) -> None:
        self._audience.follow(partitions)

    async def acquire(self, start: StartRow, flows: Mapping[str, Sequence[str]]) -> int:
        return self._open().acquire(start, flows)

    async def join(
        self, start: StartRow, flows: Mapping[str, Sequence[str]], name: str, *, runs_flows: bool, lease_seconds: float
    ) -> int:
        return self._open().join(start, flows, Member(0, name, runs_flows), lease_seconds, self._monotonic_us())

    async def beat(self, epoch: int) -> Roster:
        return self._open().members.beat(epoch, self._monotonic_us())

    async def claim(self, epoch: int, partitions: Collection[int]) -> list[int]:
        return self._open().members.claim(epoch, partitions)

    async def release(self, epoch: int, partitions: Collection[int]) -> None:
        self._open().members.free(epoch, partitions)

    async def leave(self, epoch: int) -> None:
        self._open().members.end(epoch)

    async def get(self, table: str, key: str) -> Versioned | None:
        return self._open().values.get((table, key))

    async def counter(self, table: str, key: str) -> int:
        return self._open().counters[table, key]

    async def cursors(self, flow: str) -> dict[int, int]:
        return dict(self._open().cursors.get(flow, {}))

    async def marks_after(self, flow: str, partition: int, position: int) -> set[int]:
        places = self._open().current
        return {mine for owner, where, mine in places if (owner, where) == (flow, partition) and mine > position}

    async def held(self, flow: str, partitions: Collection[int] | None = None) -> list[Held]:
        among = range(self.partitions) if partitions is None else partitions
        mine = (row for row in self._open().held.values() if row.flow == flow and row.partition in among)
        return sorted(mine, key=lambda row: (row.partition, row.position))

    async def held_one(self, mark: Mark) -> Held | None:
        return self._open().held.get(mark)

    async def pending_deliveries(
        self, after_due_us: int, after_id: str, limit: int, partitions: Collection[int] | None = None
    ) -> list[DeliveryRow]:
        among = range(self.partitions) if partitions is None else partitions
        pending = (row for row in self._open().deliveries.values() if row.state is DeliveryState.PENDING)
        beyond = (row for row in pending if (row.due_us, row.id) > (after_due_us, after_id) and row.partition in among)
        return sorted(beyond, key=lambda row: (row.due_us, row.id))[:limit]

    async def delivery(self, delivery_id: str) -> DeliveryRow | None:
        return self._open().deliveries.get(delivery_id)

    async def answer(self, scope: str, now_us: int) -> Answer | None:
        found = self._open().answers.get(scope)
        return found if found is not None and found.expires_us > now_us else None

    async def expire(self, now_us: int) -> int:
        return self._open().expire(now_us)

    async def close(self) -> None:
        self._closed = True
        self._flush()
        await asyncio.sleep(0)  # the callbacks that the flush scheduled run before this returns

    def _enqueue(self, work: Callable[[], list[Stored]]) -> None:
        if not self._queue:
            asyncio.get_running_loop().call_soon(self._flush)
        self._queue.append(work)

    def _flush(self) -> None:
        queue, self._queue = self._queue, []
        self._events_pending = self._steps_pending = 0
        fresh = [stored for work in queue for stored in work()]
        if fresh:  # in the turn in which the head goes on: who looks at it in between would take it for heard
            self._audience.tell(fresh)

    def _append_now(self, events: Sequence[Event], done: AppendDone) -> list[Stored]:
        places, fresh = self._tables.append(events)
        self._answer(done, places, None)
        return fresh

    def _apply_now(self, commit: Commit, done: CommitDone) -> list[Stored]:
        try:
            outcomes, emitted = self._tables.apply(commit)
        except Problem as problem:
            self._answer(done, None, problem)
            return []
        self._answer(done, outcomes, None)
        return emitted

    def _answer(
        self, done: Callable[[T | None, Problem | None], None], result: T | None, problem: Problem | None
    ) -> None:
        """Each callback by itself, so that one that raises does not silence the others."""
        asyncio.get_running_loop().call_soon(done, result, problem)


def _too_many(what: str) -> TooManyRequests:
    return TooManyRequests(f"Too many {what} wait for their commit.", retry_after_seconds=_RETRY_AFTER_SECONDS)
