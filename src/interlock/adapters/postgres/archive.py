"""A PostgreSQL store at rest: all its rows out, or into a new schema in one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from functools import partial
from typing import Self
from zlib import crc32

import psycopg

from interlock.adapters.postgres import aside_sql, sql
from interlock.adapters.postgres.aside import EMPTY_CRC, without_texts
from interlock.adapters.postgres.connection import (
    Connection,
    Target,
    check_server,
    connect,
    fetch,
    scalar,
    translated,
)
from interlock.adapters.postgres.names import Names
from interlock.adapters.postgres.schema import HERE, META_PUT, Meta, create, migrated, read_meta
from interlock.model.archive import LEAVING, MOVED, ArchiveMeta, Kind, Row
from interlock.model.event import Stored
from interlock.model.migration import Standing
from interlock.model.problems import AlreadyRunning, NotFound, SettingInvalid
from interlock.model.storage_rows import stored_row

FOR_LONG = (
    "SELECT set_config('statement_timeout', '0', false), set_config('idle_in_transaction_session_timeout', '0', false)"
)
EXISTS = "SELECT to_regclass($1::text) IS NOT NULL"
CLAIMS = "SELECT {bucket}::bigint, source, id, partition, position FROM claim_{table}"
MEMBERS_SHARING = "SELECT name FROM member WHERE until <> 'infinity' AND until > clock_timestamp() ORDER BY epoch"
WAITS, WAIT_SECONDS = 20, 0.1
WORD = "(SELECT text FROM name WHERE name.id = t.{name})"
LOG_COLUMNS = ("position", *(part.strip() for part in sql.EVENT_COLUMNS.split(",")), "crc")
HEADS = "UPDATE head SET position = coalesce((SELECT max(position) FROM log WHERE log.partition = head.partition), 0)"
COUNT_AGAIN = (
    HEADS,
    "INSERT INTO contract_tally SELECT partition, type, version, count(*) FROM log GROUP BY 1, 2, 3",
    "INSERT INTO tally SELECT flow, partition, state, count(*) FROM handling WHERE superseded = 0 GROUP BY 1, 2, 3",
    "INSERT INTO delivery_tally SELECT partition, state, count(*) FROM delivery GROUP BY 1, 2",
)


class PostgresArchive:
    """The schema, kept from engines, in one snapshot. Where the log lies elsewhere, its events are not here."""

    def __init__(self, connection: Connection, target: Target, meta: Meta) -> None:
        self._connection = connection
        self._target = target
        self.partitions, self.secret, self.identity = meta

    @classmethod
    async def open(cls, dsn: str, *, schema: str = "interlock", log: str = HERE) -> Self:
        """NotFound when there is no store; AlreadyRunning while an engine has it; SettingInvalid for another `log`."""
        target = Target(dsn, schema)
        connection = await connect(target)
        try:
            with translated(target):
                await begin_alone(connection, target)  # first: what a move is still committing is not missing
                await stop_writers(connection, target)
                Standing.of(await read_meta(connection)).admit_whole(sql.FORMAT)
                meta = await migrated(connection, log, leaving=True)
                await refuse_members(connection, target)
        except BaseException:
            await connection.close()
            raise
        return cls(connection, target, meta)

    async def keep_identity(self, identity: str) -> None:
        """Which log the state belongs to. SettingInvalid when it is another one."""
        if identity != self.identity:
            raise SettingInvalid(
                f"The state belongs to the log {self.identity or 'that no engine has seen yet'}, this is {identity}.",
                next_step="Point the settings at the log that this state was made with.",
            )

    async def ends(self) -> list[int]:
        """How far each partition goes; of a log elsewhere, how far it is indexed."""
        return [row[0] for row in await fetch(self._connection, sql.HEADS)]

    async def duplicates(self, partition: int) -> set[int]:
        """Positions of a log elsewhere that hold nothing new."""
        found = await fetch(self._connection, aside_sql.DUPLICATES, (partition, 0, (1 << 63) - 1))
        return {row[0] for row in found}

    async def unpublished(self) -> int:
        """Emitted events that a log elsewhere does not have yet."""
        return int(await scalar(self._connection, "SELECT count(*) FROM outbox"))

    async def meta(self) -> ArchiveMeta:
        with translated(self._target):
            found = await read_meta(self._connection)
            epoch = await scalar(self._connection, sql.EPOCH)
            revision = await scalar(self._connection, "SELECT revision FROM schema_revision")
        return ArchiveMeta(int(found["partitions"]), found["hash"], bytes.fromhex(found["secret"]), epoch, revision)

    async def events(self, page: int) -> AsyncIterator[Sequence[Stored]]:
        async for rows in self._pages(sql.ALL_EVENTS, page):
            yield [stored_row(row) for row in rows]

    async def rows(self, kind: Kind, page: int) -> AsyncIterator[Sequence[Row]]:
        for statement in await self._selections(kind):
            async for rows in self._pages(statement, page):
                yield rows

    async def _selections(self, kind: Kind) -> list[str]:
        if kind.name != "claim":
            columns = ", ".join(WORD.format(name=name) if name in kind.words else f"t.{name}" for name in kind.columns)
            some = " WHERE value IS NOT NULL" if kind.name == "state" else ""
            return [f"SELECT {columns} FROM {kind.name} AS t{some}"]  # noqa: S608 - names of our own tables
        newest = int(await scalar(self._connection, sql.CLAIM_NEWEST))
        return [
            CLAIMS.format(bucket=bucket, table=bucket % sql.BUCKETS) for bucket in (newest - 1, newest) if bucket >= 0
        ]

    async def _pages(self, statement: str, page: int) -> AsyncIterator[list[Row]]:
        with translated(self._target):
            run = partial(self._connection.execute, prepare=False)  # the same words give other columns each time
            await run(f"DECLARE pages NO SCROLL CURSOR FOR {statement}".encode())
            while rows := await (await run(f"FETCH {int(page)} FROM pages".encode(), binary=True)).fetchall():
                yield rows
            await run(b"CLOSE pages")

    async def leaving(self) -> str:
        with translated(self._target):
            return (await read_meta(self._connection)).get(LEAVING, "")

    async def leave(self, place: str, *, whole: bool) -> None:
        """Ends the transaction that all was read in. The lock that keeps engines away belongs to the session."""
        with translated(self._target):
            run = self._connection.execute
            if place:  # first of all: at no moment is there no mark
                await run(META_PUT.encode(), (MOVED if whole else LEAVING, place))
                await run(
                    b"DELETE FROM writer"
                )  # an engine that was cut off and comes back has lost the right to write
            if whole or not place:
                await run(b"DELETE FROM meta WHERE name = $1::text", (LEAVING,))
            await run(sql.COMMIT.encode())

    async def close(self) -> None:
        """What was not committed is undone."""
        await self._connection.close()


class PostgresRestoration(PostgresArchive):
    """A schema that is there for others when all of it is."""

    @classmethod
    async def make(cls, dsn: str, schema: str, partitions: int, log: str = HERE) -> Self:
        """SettingInvalid when the schema holds tables already, or the server is not fit."""
        target = Target(dsn, schema)
        connection = await connect(target)
        try:
            with translated(target):
                await check_server(connection, target)
                await begin_alone(connection, target)
                if await scalar(connection, EXISTS, (f"{schema}.meta",)):
                    raise SettingInvalid(
                        f"There is a store in the schema {schema} of the {target.place} already.",
                        next_step=f"Set stores.schema to a new name, or: DROP SCHEMA {schema} CASCADE",
                    )
                await create(connection, target, partitions, log)
                meta = await migrated(connection, log)
                await connection.execute(f"SET search_path = {schema}".encode())
        except BaseException:
            await connection.close()
            raise
        return cls(connection, target, meta)

    async def keep_identity(self, identity: str) -> None:
        with translated(self._target):
            await self._connection.execute(aside_sql.IDENTITY_KEEP.encode(), (identity,))
        self.identity = identity

    async def begin(self, meta: ArchiveMeta) -> None:
        self._names = Names()
        self._epoch, self._newest = meta.epoch, -1
        self._ends = [0] * meta.partitions
        self.secret = meta.secret
        with translated(self._target):
            run = self._connection.execute
            await run(b"UPDATE meta SET value = $1::text WHERE name = 'secret'", (meta.secret.hex(),))
            await run(sql.EPOCH_SET.encode(), (meta.epoch,))
            await run(b"UPDATE schema_revision SET revision = $1::bigint", (meta.schema_revision,))

    async def add_events(self, events: Sequence[Stored]) -> Sequence[int]:
        rows: list[Row] = []
        for _, event in events:
            self._ends[event.partition] += 1
            rows.append((self._ends[event.partition], *event, crc32(event.body)))
        await self._copy("log", LOG_COLUMNS, rows)
        return [row[0] for row in rows]

    async def add_index(self, events: Sequence[Stored]) -> None:
        """What the record holds of events that a log elsewhere has, at the positions that they have there."""
        rows = [(position, *without_texts(event), EMPTY_CRC) for position, event in events]
        await self._copy("log", LOG_COLUMNS, rows)

    async def add(self, kind: Kind, rows: Sequence[Row]) -> None:
        if kind.name == "claim":
            await self._claim(rows)
            return
        columns = kind.columns
        if kind.words:
            words: set[str] = set()
            for row in rows:
                words.update(value for name, value in zip(columns, row, strict=True) if name in kind.words)
            with translated(self._target):
                await self._names.learn(self._connection, *sorted(words))
            rows = [kind.numbered(row, self._names.ids.__getitem__) for row in rows]
        if kind.name == "cursor":
            columns, rows = (*columns, "epoch"), [(*row, self._epoch) for row in rows]
        await self._copy(kind.name, columns, rows)

    async def _claim(self, rows: Sequence[Row]) -> None:
        """Only the two newest buckets are ever searched."""
        for bucket in sorted({row[0] for row in rows}):
            mine = [(row[2], row[1], *row[3:]) for row in rows if row[0] == bucket]
            await self._copy(f"claim_{bucket % sql.BUCKETS}", ("id", "source", "partition", "position"), mine)
            self._newest = max(self._newest, bucket)
        with translated(self._target):
            await self._connection.execute(sql.CLAIM_ROTATE.encode(), (self._newest,))

    async def _copy(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        with translated(self._target):
            async with (
                self._connection.cursor() as cursor,
                cursor.copy(f"COPY {table}({', '.join(columns)}) FROM STDIN".encode()) as copy,
            ):
                for row in rows:
                    await copy.write_row(row)

    async def finish(self) -> None:
        with translated(self._target):
            for statement in COUNT_AGAIN:
                await self._connection.execute(statement.encode())

    async def commit(self) -> None:
        with translated(self._target):
            await self._connection.execute(sql.COMMIT.encode())


async def begin_alone(connection: Connection, target: Target) -> None:
    """One transaction with one view of the store, while no engine has it; without a limit of time."""
    await fetch(connection, FOR_LONG)
    patience = WAITS  # the server may not have noticed yet that the session before has ended
    while not await scalar(connection, sql.OWNER_ALONE, (target.schema,)):
        if not (patience := patience - 1):
            raise occupied(target, "An engine")
        await asyncio.sleep(WAIT_SECONDS)
    await connection.execute(b"BEGIN ISOLATION LEVEL REPEATABLE READ")


async def stop_writers(connection: Connection, target: Target) -> None:
    """Nobody commits from here on, not even an engine whose session the server ended and that comes back: each batch
    marks its writer's row. Before anything is looked at, so that all that was committed is seen.

    NotFound without a store.
    """
    try:
        await connection.execute(f"LOCK TABLE {target.schema}.writer IN SHARE ROW EXCLUSIVE MODE".encode())
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        raise NotFound(
            f"There is no store in the schema {target.schema} of the {target.place}.",
            next_step="Check stores.schema and stores.dsn.",
        ) from None


async def refuse_members(connection: Connection, target: Target) -> None:
    """AlreadyRunning while members share it. Nobody joins from here on: each takes the epoch's row first."""
    await fetch(connection, sql.EPOCH_LOCKED)
    names = [row[0] for row in await fetch(connection, MEMBERS_SHARING)]
    if names:
        raise occupied(target, ", ".join(names))


def occupied(target: Target, who: str) -> AlreadyRunning:
    return AlreadyRunning(
        f"{who} runs on the schema {target.schema} of the {target.place}.",
        next_step="Stop it first, or wait for its lease to end: a store is moved while nobody works on it.",
    )
