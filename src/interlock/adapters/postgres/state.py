"""StateStore on PostgreSQL whose log lies elsewhere: emitted events wait in an outbox, and the log is indexed here."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from interlock.adapters.postgres import aside_sql, expired_sql, sql
from interlock.adapters.postgres.aside_work import IndexWork, PublishedWork
from interlock.adapters.postgres.columns import Ints, Texts
from interlock.adapters.postgres.connection import Target
from interlock.adapters.postgres.follower import Follower
from interlock.adapters.postgres.schema import prepare
from interlock.adapters.postgres.store import PAGE_BYTES, PostgresStore, settle
from interlock.adapters.postgres.transaction import Committed
from interlock.model.event import Appended, Event, Stored
from interlock.model.problems import Problem, SettingInvalid, Unexpected
from interlock.model.storage_rows import stored_row
from interlock.ports.event_log import AppendDone, Slice
from interlock.ports.log_index import Identity, Stretch
from interlock.ports.outbox import Key, Waiting
from interlock.ports.state_store import StateCapabilities

Wake = Callable[[Collection[int]], None]


class PostgresState(PostgresStore):
    """StateStore, Outbox and LogIndex. It is no log: what is appended to it is refused."""

    capabilities = StateCapabilities(fused_log=False, durable=True)
    identity = ""
    _bucket_us = 0

    @classmethod
    async def open_beside(
        cls,
        dsn: str,
        log: str,
        *,
        schema: str = "interlock",
        partitions: int = 8,
        dedupe_bucket_seconds: int = 43200,
        limit_pending: int = 65536,
    ) -> PostgresState:
        """As PostgresStore.open, for a state whose log is of the kind `log`; SettingInvalid when it was another."""
        target = Target(dsn, schema)
        meta = await prepare(target, partitions, log)
        store = cls(target, meta, dedupe_bucket_seconds)
        store.identity = meta.identity
        store._bucket_us = dedupe_bucket_seconds * 1_000_000
        await store._start_or_close(limit_pending)
        return store

    async def keep_identity(self, identity: str) -> None:
        """Remember which log this state belongs to, for good. SettingInvalid when it is another one already."""
        await self._all(aside_sql.IDENTITY_KEEP, identity)
        self.identity = str((await self._all(aside_sql.IDENTITY))[0][0])
        if self.identity != identity:
            raise SettingInvalid(
                f"The state belongs to the log {self.identity}, this is {identity}.",
                next_step="Point the settings at the log that this state was made with.",
            )

    def append(self, events: Sequence[Event], done: AppendDone) -> None:
        problem = Unexpected("The log of this state lies elsewhere.")
        asyncio.get_running_loop().call_soon(done, None, problem)

    # Outbox

    async def waiting(self, partitions: Collection[int], limit: int) -> list[Waiting]:
        rows = await self._all(aside_sql.OUTBOX_WAITING, Ints(sorted(partitions)), limit, PAGE_BYTES)
        return [Waiting(row[0], Event._make(row[1:])) for row in rows]

    async def keys_waiting(self, keys: Collection[Key]) -> set[Key]:
        columns = Ints(partition for partition, _ in keys), Ints(key_hash for _, key_hash in keys)
        return {(row[0], row[1]) for row in await self._all(aside_sql.OUTBOX_KEYS, *columns)}

    async def size(self, most: int) -> int:
        return int((await self._all(aside_sql.OUTBOX_SOME, most))[0][0])

    async def published(self, rows: Sequence[Waiting]) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._submit(PublishedWork(rows, lambda problem: settle(future, problem)))
        await future

    async def newest_row(self) -> int:
        return int((await self._all(aside_sql.OUTBOX_NEWEST))[0][0])

    def on_emitted(self, wake: Wake) -> None:
        self._wakes.append(wake)
        if self._follower is None:
            self._follower = Follower(self._target, lambda: self._session.writer, self._look)

    async def _committed(self, committed: Committed) -> None:
        if committed.waiting:
            self._wake(committed.waiting)
            if self._follower is not None:
                self._follower.ring()

    async def _look(self) -> bool:
        """Another process may have put something into the outbox; whether there are others."""
        others = await self._others()
        self._wake(range(self.partitions))
        return others

    def _wake(self, partitions: Collection[int]) -> None:
        for wake in self._wakes:
            wake(partitions)

    # LogIndex

    async def ends(self) -> list[int]:
        self._heads = [row[0] for row in await self._all(sql.HEADS)]
        return list(self._heads)

    async def extend(self, stretches: Sequence[Stretch]) -> list[set[int]]:
        found: list[set[int]] = [set() for _ in stretches]
        for moment_us, part in self._by_bucket(stretches):
            for nth, duplicates in zip(part, await self._index(list(part.values()), moment_us), strict=True):
                found[nth] |= duplicates
        return found

    async def _index(self, stretches: Sequence[Stretch], moment_us: int) -> Sequence[set[int]]:
        future: asyncio.Future[Sequence[set[int]]] = asyncio.get_running_loop().create_future()

        def done(duplicates: Sequence[set[int]], problem: Problem | None) -> None:
            if future.done():
                return
            if problem is None:
                future.set_result(duplicates)
            else:
                future.set_exception(problem)

        self._submit(IndexWork(stretches, moment_us, done))
        found = await future
        for stretch in stretches:
            self._heads[stretch.partition] = stretch.part.through
        return found

    def _by_bucket(self, stretches: Sequence[Stretch]) -> Iterator[tuple[int, dict[int, Stretch]]]:
        """The stretches, cut where a dedupe bucket ends, so that each claim lives as long as it was promised.

        By the times of the events, which brokers let their producers choose: so never beyond our own time.
        """
        now_us = time.time_ns() // 1000
        left = dict(enumerate(stretches))
        while left:
            firsts = [stretch.part.events[0].event.time_us for stretch in left.values() if stretch.part.events]
            moment_us = min([now_us, *firsts])
            end_us = self._claims.end_us(moment_us)
            cuts = {nth: cut_at(stretch, end_us) for nth, stretch in left.items()} if end_us <= now_us else left
            yield moment_us, {nth: first for nth, first in cuts.items() if first.part.events or first is left[nth]}
            left = {nth: remainder(stretch, cuts[nth]) for nth, stretch in left.items() if cuts[nth] is not stretch}

    async def note_expired(self, partition: int, through: int, at_us: int) -> None:
        await self._all(expired_sql.NOTE, partition, through, at_us)
        self._heads[partition] = max(self._heads[partition], through)

    async def floors(self) -> Mapping[int, int]:
        return dict(await self._all(expired_sql.FLOORS))

    async def unseen(self, partition: int, after: int, through: int) -> int:
        return int((await self._all(expired_sql.UNSEEN, partition, after, through))[0][0])

    async def indexed(
        self, partition: int, after: int, through: int, types: Collection[str], limit: int
    ) -> list[Stored]:
        asked = partition, after, through, Texts(sorted(types)), limit
        return [stored_row(row) for row in await self._all(aside_sql.INDEXED, *asked)]

    async def duplicates(self, partition: int, after: int, through: int) -> set[int]:
        return {row[0] for row in await self._all(aside_sql.DUPLICATES, partition, after, through)}

    async def places(self, events: Collection[Event]) -> Mapping[Identity, Appended]:
        identities = Texts(event.id for event in events), Texts(event.source for event in events)
        found: dict[Identity, Appended] = {}
        for statement in sql.CLAIM_FIND:
            for event_id, source, partition, position in await self._all(statement, *identities):
                found[source, event_id] = Appended(partition, position, True)
        left = [event for event in events if (event.source, event.id) not in found and self._outlives_claims(event)]
        if left:
            partitions = Ints(sorted({event.partition for event in left}))
            wanted = Texts(event.id for event in left), Texts(event.source for event in left)
            for event_id, source, partition, position in await self._all(aside_sql.FIND_UNCLAIMED, partitions, *wanted):
                found[source, event_id] = Appended(partition, position, True)
        return found

    def _outlives_claims(self, event: Event) -> bool:
        """Whether it is so old that its claim may have gone."""
        return time.time_ns() // 1000 - event.time_us >= self._bucket_us


def cut_at(stretch: Stretch, end_us: int) -> Stretch:
    """Its beginning, up to the first event of a later moment."""
    events = stretch.part.events
    count = next((nth for nth, stored in enumerate(events) if stored.event.time_us >= end_us), len(events))
    return stretch if count == len(events) else _beginning(stretch, events[:count])


def _beginning(stretch: Stretch, events: Sequence[Stored]) -> Stretch:
    through = events[-1].position if events else stretch.after
    return Stretch(stretch.partition, stretch.after, Slice(events, through))


def remainder(stretch: Stretch, first: Stretch) -> Stretch:
    """What is left of it behind its beginning."""
    events = stretch.part.events[len(first.part.events) :]
    return Stretch(stretch.partition, first.part.through, Slice(events, stretch.part.through))
