"""The writing session: one connection after the other, and one row that tells which batches were committed.

When a connection is lost while a batch is being written, nobody knows whether it was committed. Each batch writes its
number into this writer's row, so the row says it. Whoever reconnects first raises the row's session number: the old
connection, should it still have the batch before it, then fails at its guard. Nothing is guessed, no process id or
transaction id is trusted, and it holds after a crash of the server too.
"""

from __future__ import annotations

import asyncio
import os
import random
import socket
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import psycopg

from interlock.adapters.postgres import members_sql, sql
from interlock.adapters.postgres.columns import Ints, Statement
from interlock.adapters.postgres.connection import (
    STATEMENT_SECONDS,
    Connection,
    Target,
    connect,
    fetch,
    lost,
    reconnect,
    scalar,
    translate,
)
from interlock.model.archive import refuse_moved
from interlock.model.pauses import Pauses
from interlock.model.problems import StorageUnavailable, Unexpected

GRACE_SECONDS = 5.0
PAUSE_SECONDS = (0.02, 2.0)


class InDoubt(Exception):
    """The connection was lost while a batch was being written: it may be committed."""


class Found(NamedTuple):
    """What the writer's row says. `heads`: where the partitions of the last batch with events ended."""

    batch: int
    heads: Sequence[int]


class Session:
    """`connection` is None while the server is away."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.connection: Connection | None = None
        self._writer = 0
        self._session = 0
        self.batch = 0
        self._kept = ""

    @property
    def writer(self) -> int:
        return self._writer

    @property
    def live(self) -> Connection:
        """Raises StorageUnavailable."""
        if self.connection is None or self.connection.closed:
            raise StorageUnavailable(f"The {self.target.place} is away.", retry_after_seconds=1)
        return self.connection

    async def open(self, *, in_doubt: bool = False) -> Found:
        """Connect, first or anew; end the session before. Raises a Problem, and can be tried again.

        `in_doubt`: a batch may be committed; Unexpected when the server has forgotten us.
        """
        self.drop()
        connection = await (reconnect if self._writer else connect)(self.target, by_key=True)
        try:
            found = await self._enter(connection, in_doubt)
            if self._kept:
                await scalar(connection, self._kept, (self.target.schema,))
        except BaseException as error:
            await connection.close()
            if isinstance(error, psycopg.Error):
                raise translate(error, self.target) from error
            raise
        self.connection = connection
        return found

    async def hold(self, how: str) -> bool:
        """Keep others from owning the store alone, in this session and those after it; False when somebody is there.

        `how` is OWNER_ALONE, or OWNER_BESIDE to let others be there who do not own it alone.
        """
        found = bool(await scalar(self.live, how, (self.target.schema,)))
        self._kept = how if found else self._kept
        return found

    async def _enter(self, connection: Connection, in_doubt: bool) -> Found:
        self._session += 1
        rows = await fetch(connection, sql.WRITER_RESUME, (self._writer, self._session)) if self._writer else []
        if rows:
            return Found(rows[0][0], rows[0][1] or ())
        if in_doubt:
            refuse_moved(dict(await fetch(connection, members_sql.LEFT)))
            raise Unexpected(
                "The store does not know this writer any more: it was restored from a backup, or copied.",
                next_step="Start the engine again.",
            )
        self._writer = int(await scalar(connection, sql.WRITER_NEW, (self._session,)))
        refuse_moved(dict(await fetch(connection, members_sql.LEFT)))  # after it: a move under way made it wait
        return Found(0, ())

    def drop(self) -> None:
        """Give the connection up without another word: what it holds is over, or its guard will stop it."""
        connection, self.connection = self.connection, None
        if connection is not None:
            with suppress(psycopg.Error):
                connection.pgconn.finish()

    async def write(self, statements: Sequence[Statement], partitions: Sequence[int], *, begun: bool) -> list[int]:
        """Write and commit in one round trip; the new heads of the partitions.

        Raises InDoubt, or what the driver raises: then nothing of it was committed. `begun`: the transaction is open.
        """
        connection = self.live
        self.batch += 1
        mark = (sql.WRITER_MARK, (self._writer, self._session, self.batch, Ints(partitions)))
        frame = [] if begun else [(sql.BEGIN, ())]
        cursors: list[psycopg.AsyncRawCursor[Any]] = []
        try:
            await within(connection, pipelined(connection, [*frame, *statements, mark, (sql.COMMIT, ())], cursors))
        except Exception as error:
            if lost(error) or connection.closed:
                raise InDoubt from error
            await self.roll_back()
            raise
        if cursors[-1].statusmessage != "COMMIT":
            raise Unexpected(f"The server answered COMMIT with {cursors[-1].statusmessage}.")
        row = await cursors[-2].fetchone()
        return list(row[0] or ()) if row else []

    async def roll_back(self) -> None:
        """Leave no transaction open. A session that cannot even do that is dropped."""
        try:
            await within(self.live, self.live.execute(sql.ROLLBACK.encode()))
        except (psycopg.Error, StorageUnavailable):
            self.drop()

    async def close(self) -> None:
        if self.connection is not None and not self.connection.closed:
            with suppress(psycopg.Error):
                await within(self.connection, self.connection.execute(sql.WRITER_GONE.encode(), (self._writer,)))
            await self.connection.close()
        self.connection = None


def pauses() -> Pauses:
    """Those between two tries to reach the server."""
    return Pauses(*PAUSE_SECONDS, random.random)


async def pipelined(
    connection: Connection, statements: Sequence[Statement], cursors: list[psycopg.AsyncRawCursor[Any]]
) -> None:
    """Run the statements in one round trip."""
    async with connection.pipeline():
        for statement, bindings in statements:
            cursors.append(await connection.execute(statement.encode(), bindings, binary=True))  # type: ignore[arg-type]


async def within(connection: Connection, call: Any) -> Any:
    """Its result. A server that does not answer in time has its connection cut, so that the call ends as lost."""
    task = asyncio.ensure_future(call)
    try:
        done, _ = await asyncio.wait({task}, timeout=STATEMENT_SECONDS + GRACE_SECONDS)
    except asyncio.CancelledError:
        cut(connection)
        await asyncio.gather(task, return_exceptions=True)
        raise
    if not done:
        cut(connection)
    return await task


def cut(connection: Connection) -> None:
    with suppress(OSError, psycopg.Error):
        handle = socket.socket(fileno=os.dup(connection.fileno()))
        try:
            handle.shutdown(socket.SHUT_RDWR)
        finally:
            handle.close()
