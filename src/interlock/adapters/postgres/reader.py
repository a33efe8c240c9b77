"""RecordReader on PostgreSQL, read-only: also while engines in other processes write."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import psycopg

from interlock.adapters.postgres import aside_sql, expired_sql, members_sql, record_sql, sql
from interlock.adapters.postgres.columns import Blobs, Ints, Texts, columns
from interlock.adapters.postgres.connection import Connection, Row, Target, connect, fetch, scalar, translated
from interlock.model.carried import Carried
from interlock.model.event import Stored
from interlock.model.handling import HandlingState
from interlock.model.hashing import KeyHasher
from interlock.model.lookup_segment import FEW, WIDTH, Wanted, candidates, id_hash
from interlock.model.problems import NotFound
from interlock.model.record import (
    DeliveryAttempt,
    DeliveryRow,
    DeliveryState,
    FailedAttempt,
    HandlingRow,
    Held,
    RefusalRow,
    StartRow,
    Tally,
)
from interlock.model.storage_rows import delivery_row, handling_row, held_row, stored_row, tally_row
from interlock.ports.expired import SHOWN_IDS, Expired
from interlock.ports.log_index import Identity
from interlock.ports.membership import MemberSeen
from interlock.ports.record_reader import FlowSum

Place = tuple[int, int]  # partition, position
PAGE = 1000
SEGMENTS_AT_ONCE = 32
SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


class PostgresReader:
    """Each question is one snapshot at most; none is held between questions."""

    def __init__(self, target: Target, connection: Connection, secret: bytes, moved_to: str | None = None) -> None:
        self._target = target
        self._connection = connection
        self._hasher = KeyHasher(secret)
        self.moved_to = moved_to

    @classmethod
    async def open(cls, dsn: str, *, schema: str = "interlock") -> PostgresReader:
        """NotFound when there is no store; the problems of a connection that is not made."""
        target = Target(dsn, schema)
        connection = await connect(target)
        try:
            with translated(target):
                await connection.execute(b"SET default_transaction_read_only = on")
                secret = await scalar(connection, record_sql.HASH_KEY)
                moved_to = await scalar(connection, record_sql.MOVED_TO)
        except BaseException as error:
            await connection.close()
            if isinstance(error.__cause__, psycopg.errors.UndefinedTable | psycopg.errors.InvalidSchemaName):
                raise no_store(target) from error
            raise
        if secret is None:
            await connection.close()
            raise no_store(target)
        return cls(target, connection, bytes.fromhex(secret), moved_to)

    async def find_events(self, *terms: str) -> list[Stored]:
        """The tail is read before the segments: what is sealed between the two is found twice, not missed."""
        wanted = Wanted(terms, self._hasher)
        tail = await self._all(record_sql.UNSEALED_WITH, Texts(wanted.terms), Blobs(wanted.digests))
        places = {(place[0], place[1]) for place in tail} | await self._sealed(wanted.hashes)
        return sorted(
            [entry for entry in await self._events(places) if wanted.matches(entry.event)],
            key=lambda entry: (entry.event.time_us, entry.event.partition, entry.position),
        )

    async def recorded(self, identities: Collection[Identity]) -> set[Identity]:
        wanted = set(identities)
        ids = {event_id for _, event_id in wanted}
        found = set(await self._all(record_sql.TAIL_IDENTITIES, Texts(ids)))
        places = await self._sealed({id_hash(one) for one in ids})
        found.update(await self._all(record_sql.IDENTITIES_AT, *columns((Ints, Ints), sorted(places))))
        return wanted & found

    async def _events(self, places: Collection[Place]) -> list[Stored]:
        found: list[Stored] = []
        wanted = sorted(places)
        for start in range(0, len(wanted), PAGE):
            partitions, positions = zip(*wanted[start : start + PAGE], strict=True)
            rows = await self._all(sql.READ_MANY, Ints(partitions), Ints(positions))
            found += map(stored_row, rows)
        return found

    async def _sealed(self, hashes: set[int]) -> set[Place]:
        """The server's search goes through a segment once for each hash: for many, all segments come here instead, a
        few at a time."""
        if len(hashes) <= FEW:
            needles = Blobs(number.to_bytes(WIDTH, "little") for number in hashes)
            return _places(await self._all(record_sql.SEGMENTS_WITH, needles), hashes)
        places: set[Place] = set()
        last = (-1, 0)
        while rows := await self._all(record_sql.SEGMENTS, *last, SEGMENTS_AT_ONCE):
            places |= _places(rows, hashes)
            last = rows[-1][:2]
        return places

    async def expired(self, flows: Collection[str]) -> list[Expired]:
        found = []
        for flow, partition, after, through, at_us in await self._all(expired_sql.STANDING, Texts(sorted(flows))):
            gap = partition, after, through
            types: dict[str, int] = dict(await self._all(expired_sql.LEFT_BY_TYPE, flow, *gap))
            ids = tuple(row[0] for row in await self._all(expired_sql.LEFT_IDS, flow, *gap, SHOWN_IDS))
            unseen = int((await self._all(expired_sql.UNSEEN, *gap))[0][0])
            if types or unseen:
                found.append(Expired(flow, *gap, types, ids, unseen, at_us))
        return found

    async def handlings_of(self, partition: int, position: int) -> list[HandlingRow]:
        return [handling_row(row) for row in await self._all(record_sql.HANDLINGS_OF, partition, position)]

    async def failures_of(self, partition: int, position: int) -> list[FailedAttempt]:
        return [FailedAttempt(*row) for row in await self._all(record_sql.FAILURES_OF, partition, position)]

    async def deliveries_of(self, partition: int, position: int) -> list[DeliveryRow]:
        return [delivery_row(row) for row in await self._all(record_sql.DELIVERIES_OF, partition, position)]

    async def attempts_of(self, delivery_id: str) -> list[DeliveryAttempt]:
        return [DeliveryAttempt(*row) for row in await self._all(record_sql.ATTEMPTS_OF, delivery_id)]

    async def find_delivery(self, delivery_id: str) -> DeliveryRow | None:
        found = await self._all(sql.DELIVERY_ONE, delivery_id)
        return delivery_row(found[0]) if found else None

    async def carried(self) -> list[Carried]:
        return [Carried(*row) for row in await self._all(record_sql.CARRIED)]

    async def delivery_counts(self) -> dict[str, int]:
        found: dict[int, int] = dict(await self._all(record_sql.DELIVERY_TALLIES))
        return {state.name.lower(): found.get(state, 0) for state in DeliveryState}

    async def dead_letters(self, flow: str | None, limit: int) -> list[Held]:
        return [held_row(row, row[0]) for row in await self._all(record_sql.DEAD_LETTERS, flow or "", limit)]

    async def dead_deliveries(self, limit: int) -> list[DeliveryRow]:
        return [delivery_row(row) for row in await self._all(record_sql.DELIVERIES_DEAD, limit)]

    async def values(self, table: str, after: str, limit: int) -> list[tuple[str, bytes]]:
        return [(str(key), bytes(value)) for key, value in await self._all(record_sql.VALUES_OF, table, after, limit)]

    async def unpublished(self) -> int:
        return int((await self._all(aside_sql.OUTBOX_SIZE))[0][0])

    async def cursor(self, flow: str, partition: int) -> int | None:
        found = await self._all(record_sql.CURSOR_OF, flow, partition)
        return int(found[0][0]) if found else None

    async def starts(self) -> list[StartRow]:
        return [StartRow(*row) for row in await self._all(record_sql.STARTS)]

    async def members(self) -> list[MemberSeen]:
        found: dict[int, MemberSeen] = {}
        for epoch, name, runs_flows, silent_ms, partition in await self._all(members_sql.MEMBERS_SEEN):
            one = found.get(epoch) or MemberSeen(epoch, name, bool(runs_flows), silent_ms / 1000, ())
            found[epoch] = one._replace(partitions=(*one.partitions, partition) if partition >= 0 else ())
        return list(found.values())

    async def refusals(self) -> list[RefusalRow]:
        return [RefusalRow(*row) for row in await self._all(record_sql.REFUSALS)]

    async def sums(self, flows: dict[str, Sequence[str]]) -> list[FlowSum]:
        """In one snapshot, so that a running engine cannot make them differ."""
        with translated(self._target):
            await self._connection.execute(SNAPSHOT.encode())
            try:
                numbers: dict[str, int] = dict(await fetch(self._connection, sql.NAMES))
                totals: dict[str, int] = dict(await fetch(self._connection, record_sql.TYPE_TALLIES))
                return [await self._sum(flow, numbers.get(flow, 0), totals) for flow in flows]
            finally:
                if not self._connection.closed:
                    await self._connection.execute(sql.ROLLBACK.encode())

    async def _sum(self, flow: str, number: int, totals: dict[str, int]) -> FlowSum:
        before: dict[str, int] = dict(await fetch(self._connection, sql.BEFORE_OF, (number,)))
        accepted = sum(totals.get(name, 0) - count if count >= 0 else -1 - count for name, count in before.items())
        taken = [name for name, count in before.items() if count >= 0]
        pending = await scalar(self._connection, record_sql.PENDING_EVENTS, (number, Texts(taken)))
        states: dict[int, int] = dict(await fetch(self._connection, record_sql.ROW_TALLIES, (number,)))
        settled = ("PARKED", "DONE", "SKIPPED", "DEAD", "DISCARDED")
        return FlowSum(flow, accepted, pending, *(states.get(HandlingState[name], 0) for name in settled))

    async def tallies(self) -> list[Tally]:
        return [tally_row(row) for row in await self._all(sql.TALLIES)]

    async def close(self) -> None:
        await self._connection.close()

    async def _all(self, statement: str, *bindings: Any) -> list[Row]:
        with translated(self._target):
            return await fetch(self._connection, statement, bindings)


def _places(segments: Iterable[Row], hashes: set[int]) -> set[Place]:
    return {
        (partition, position)
        for partition, first, hashed, offsets in segments
        for position in candidates(first, hashed, offsets, hashes)
    }


def no_store(target: Target) -> NotFound:
    return NotFound(
        f"There is no Interlock store in the schema {target.schema} of the {target.place}.",
        next_step="Start the engine once: interlock up",
    )
