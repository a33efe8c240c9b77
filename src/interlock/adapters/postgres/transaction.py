"""One transaction: look, check and stage, write. Tried again when something was in the way, until its fate is known."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from typing import NamedTuple

import psycopg

from interlock.adapters.postgres import sql
from interlock.adapters.postgres.aside_work import IndexWork, PublishedWork
from interlock.adapters.postgres.batch import Batch
from interlock.adapters.postgres.claims import Claims
from interlock.adapters.postgres.columns import Ints
from interlock.adapters.postgres.connection import (
    Target,
    again,
    blamed,
    fetch,
    guarded,
    is_infrastructure,
    lost,
    translate,
)
from interlock.adapters.postgres.lookup import Lookup
from interlock.adapters.postgres.names import Names, UnknownWord
from interlock.adapters.postgres.session import InDoubt, Session, pauses, pipelined, within
from interlock.adapters.postgres.work import AppendWork, CommitWork, Part
from interlock.model.event import Stored
from interlock.model.problems import Problem, StorageUnavailable, Unexpected

TRIES = 8
VERSIONS_PER_EPOCH = 1 << 40

Bases = Mapping[int, int]
Wanted = AppendWork | CommitWork | IndexWork | PublishedWork


class Way(Enum):
    """How a transaction is gone about, from fast to certain.

    PLAIN    what is most likely new is not looked up: an index, or a guard, finds out
    CAREFUL  everything is looked up
    LOCKED   what is looked up is held first, so that nobody changes it: a cell that all want makes progress by it
    ALONE    each part in a savepoint of its own, so that the store's refusal of one leaves the others standing
    """

    PLAIN = 0
    CAREFUL = 1
    LOCKED = 2
    ALONE = 3


HARDER = {Way.PLAIN: Way.CAREFUL, Way.CAREFUL: Way.LOCKED}


class Faulty(Exception):
    """One of several works cannot be stored: apply them in smaller groups."""


class NotCommitted(Exception):
    """It is certain by now that nothing of the batch was stored."""


class Committed(NamedTuple):
    """What a transaction brought into the log, and behind which positions; or for which partitions into the outbox."""

    stored: list[Stored]
    bases: Bases
    waiting: frozenset[int] = frozenset()


class Transaction:
    """Applies works. Belongs to one committer; one at a time."""

    def __init__(self, session: Session, names: Names, claims: Claims, target: Target, *, fused: bool) -> None:
        self._session = session
        self._names = names
        self._claims = claims
        self._target = target
        self._fused = fused
        self.next_version = 0
        self.owner = 0  # the epoch that had the store alone when it began: nobody but it writes to cells

    def begin(self, epoch: int, *, alone: bool) -> None:
        """From now on steps are committed under this epoch, and values get versions that no other epoch gives."""
        self.owner = epoch if alone else 0
        self.next_version = epoch * VERSIONS_PER_EPOCH + 1

    async def apply(self, works: Sequence[Wanted], waiting: Callable[[Problem], None]) -> Committed:
        """Apply all, each part or not. Raises the Problem that keeps all of them from being stored, or Faulty.

        `waiting` is called while it is not known whether they were committed, and the server cannot be asked.
        """
        way = Way.PLAIN
        for _ in range(TRIES):
            try:
                return await self._try(way, works, waiting)
            except UnknownWord as word:
                await self._learn(word)
            except NotCommitted:
                continue
            except psycopg.Error as error:
                way = self._next(way, error, works)
            except Problem:
                raise
            except Exception as error:  # a value that cannot even be sent
                way = alone(way, works, error)
        raise StorageUnavailable("Other writers were in the way.", retry_after_seconds=1)

    async def _learn(self, word: UnknownWord) -> None:
        try:
            await within(self._session.live, self._names.learn(self._session.live, word.text))
            await self._session.roll_back()
        except psycopg.Error as error:
            raise self._away(error) from error

    def _next(self, way: Way, error: psycopg.Error, works: Sequence[Wanted]) -> Way:
        """How to go about it after this error. Raises the problem when another try would not help."""
        if lost(error) or self._session.connection is None or self._session.connection.closed:
            raise self._away(error) from error
        if again(error):
            return HARDER.get(way, way) if guarded(error) else way
        if is_infrastructure(error):
            raise translate(error, self._target) from error
        claimed = str(error.diag.constraint_name).startswith("claim_")  # another writer had the same event
        if claimed and way is not Way.ALONE:
            return way
        unique = isinstance(error, psycopg.IntegrityError)
        return Way.CAREFUL if unique and way is Way.PLAIN else alone(way, works, error)

    def _away(self, error: psycopg.Error) -> Problem:
        self._session.drop()
        return translate(error, self._target)

    async def _try(self, way: Way, works: Sequence[Wanted], waiting: Callable[[Problem], None]) -> Committed:
        await self._turn(works)
        if way is Way.ALONE:
            return await self._each_alone(works, waiting)
        if way is Way.LOCKED:
            return await self._locked(works, waiting)
        batch = await self._stage([work.whole() for work in works], careful=way is Way.CAREFUL)
        return await self._write(works, batch, waiting, begun=False)

    async def _locked(self, works: Sequence[Wanted], waiting: Callable[[Problem], None]) -> Committed:
        await self._session.live.execute(sql.BEGIN.encode())
        try:
            batch = await self._stage([work.whole() for work in works], careful=True, hold=True)
        except BaseException:
            await self._session.roll_back()
            raise
        return await self._write(works, batch, waiting, begun=True)

    async def _write(
        self, works: Sequence[Wanted], batch: Batch, waiting: Callable[[Problem], None], *, begun: bool
    ) -> Committed:
        statements = batch.statements(self._claims.tables[0])
        partitions = sorted(batch.counts)
        bases: Bases = {}
        if statements or begun:
            self._session.live  # noqa: B018 - raises when it was lost meanwhile
            try:
                heads: Sequence[int] = await self._session.write(statements, partitions, begun=begun)
            except InDoubt as error:
                heads = await self._resolve(error, waiting)
            bases = {part: head - batch.counts[part] for part, head in zip(partitions, heads, strict=True)}
        self.next_version = batch.next_version
        for work in works:
            work.locate(bases)
        return Committed(batch.stored(bases), bases, batch.aside.waiting)

    async def _turn(self, works: Sequence[Wanted]) -> None:
        for work in works:
            if isinstance(work, AppendWork | IndexWork) and work.events:
                bucket = self._claims.bucket(work.moment_us)
                if bucket > self._claims.newest:
                    await within(self._session.live, self._claims.turn_to(self._session.live, bucket))
                return

    async def _stage(self, parts: Sequence[Part], *, careful: bool, hold: bool = False) -> Batch:
        """`hold`: within a transaction that has begun, until whose end what is looked up stays as it is."""
        connection = self._session.live
        shared = self._shared(parts)
        while True:
            known = Lookup(self._names, careful=careful, shared=shared)
            for part in parts:
                part.want(known)
            if hold:
                await within(connection, pipelined(connection, list(known.holds()), []))
            if await within(connection, known.run(connection, self._claims)):
                break
            await self._claims.reload(connection)
        batch = Batch(self._names, known, self.next_version, fused=self._fused, shared=shared)
        for part in parts:
            part.stage(batch, known)
        return batch

    def _shared(self, parts: Iterable[Part | Wanted]) -> bool:
        """Whether others may write to the same cells."""
        return any(part.epoch not in (None, self.owner) for part in parts)

    async def _each_alone(self, works: Sequence[Wanted], waiting: Callable[[Problem], None]) -> Committed:
        """All heads are locked first, so that positions are known as we go, and no order of locks is crossed."""
        connection = self._session.live
        version = self.next_version
        await connection.execute(sql.BEGIN.encode())
        try:
            epochs = {work.epoch for work in works if work.epoch is not None}
            await fetch(connection, sql.HOLD_MEMBERS, (Ints(sorted(epochs)),))
            await fetch(connection, sql.HEADS_LOCK_ALL)
            await self._hold_all(works)
            heads = {part: row[0] for part, row in enumerate(await fetch(connection, sql.HEADS))}
            stored: list[Stored] = []
            first = dict(heads)
            for work in works:
                for part in work.parts():
                    stored += await self._one_alone(part, heads)
        except BaseException:
            self.next_version = version
            await self._session.roll_back()
            raise
        try:
            await self._session.write((), (), begun=True)
        except InDoubt as error:
            await self._resolve(error, waiting)
        return Committed(stored, {part: first[part] for part in heads if heads[part] != first[part]})

    async def _hold_all(self, works: Sequence[Wanted]) -> None:
        """In the order of all writers, which the parts one after the other would not keep. What cannot even be looked
        for is left to its part.
        """
        if not self._shared(works):
            return
        connection = self._session.live
        known = Lookup(self._names, careful=True, shared=True)
        for work in works:
            work.want(known)
        await connection.execute(sql.SAVEPOINT.encode())
        try:
            await within(connection, pipelined(connection, list(known.holds()), []))
        except Exception as error:
            if again(error) or lost(error) or is_infrastructure(error):
                raise
            await connection.execute(sql.ROLLBACK_TO.encode())
        await connection.execute(sql.RELEASE_SAVEPOINT.encode())

    async def _one_alone(self, part: Part, heads: dict[int, int]) -> list[Stored]:
        connection = self._session.live
        await connection.execute(sql.SAVEPOINT.encode())
        try:
            batch = await self._stage([part], careful=True)
            statements = batch.statements(self._claims.tables[0])
            await within(connection, pipelined(connection, statements, []))
            await connection.execute(sql.RELEASE_SAVEPOINT.encode())
        except Exception as error:
            if isinstance(error, UnknownWord) or again(error) or lost(error) or is_infrastructure(error):
                raise
            await connection.execute(sql.ROLLBACK_TO.encode())
            part.refuse(blamed(error))
            return []
        part.locate(heads)
        stored = batch.stored(heads)
        for partition, total in batch.counts.items():
            heads[partition] += total
        self.next_version = batch.next_version
        return stored

    async def _resolve(self, doubt: InDoubt, waiting: Callable[[Problem], None]) -> Sequence[int]:
        """Ask the server what became of the batch, for as long as it takes. Raises what the batch failed of."""
        asked = self._session.batch
        for pause in pauses():
            try:
                found = await self._session.open(in_doubt=True)
                break
            except Problem as problem:
                if not problem.retryable and not isinstance(problem.__cause__, psycopg.Error):
                    raise
                waiting(problem)
            await asyncio.sleep(pause)
        if found.batch == asked:
            return found.heads
        raise NotCommitted from doubt


def alone(way: Way, works: Sequence[Wanted], error: Exception) -> Way:
    """The last way, for a single work. Raises Faulty for several: each part alone would hold the locks for too long."""
    if len(works) > 1:
        raise Faulty
    if way is Way.ALONE:
        raise Unexpected("The store refuses the work in a way that no part of it explains.") from error
    return Way.ALONE
