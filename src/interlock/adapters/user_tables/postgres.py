"""The outbox table in a PostgreSQL database, read by polling and woken by NOTIFY."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import psycopg
from psycopg import AsyncConnection, errors, sql
from psycopg.conninfo import conninfo_to_dict

from interlock.adapters.user_tables import outbox_sql as statements
from interlock.adapters.user_tables.bounds import ANSWER_SECONDS, CONNECT_SECONDS, Bounds
from interlock.adapters.user_tables.leading import LOOKS, PAUSE_SECONDS, another_estate, stands_by
from interlock.adapters.user_tables.rows import figures_of, refused_of, row_of
from interlock.model.problems import Problem, SettingInvalid, StorageFull, StorageUnavailable
from interlock.ports.outbox_source import OutboxFacts, OutboxFigures, OutboxRow, RefusedRow

logging.getLogger("psycopg").setLevel(logging.ERROR)  # it warns of each lost connection: we tell that ourselves

# libpq gives no SQLSTATE for a connection that was refused, so its words must do.
_REFUSALS = ("authentication failed", "no password supplied", "no pg_hba.conf entry", "does not exist", "denied")
_LOCK = "SELECT pg_try_advisory_lock(hashtextextended(concat('interlock.outbox.', to_regclass(%s)::oid, %s::text), 0))"


# Of the commits of others only the server's own setting is known: `synchronous_commit` is each session's to change.
_FACTS = """
SELECT concat_ws(' ', (SELECT system_identifier FROM pg_control_system()), current_database(), c.oid),
       c.relpersistence = 'u', coalesce(pg_stat_get_dead_tuples(c.oid), 0), current_setting('fsync'),
       current_setting('full_page_writes'), (SELECT reset_val FROM pg_settings WHERE name = 'synchronous_commit')
FROM pg_class AS c WHERE c.oid = to_regclass(%s)
"""


class PostgresOutbox:
    """See OutboxSource. One session, in autocommit. Session locks need a session: no transaction pooler in between."""

    def __init__(
        self,
        dsn: str,
        table: str = statements.DEFAULT_TABLE,
        bounds: Bounds | None = None,
        *,
        estate: str = "",
    ) -> None:
        """`dsn` holds a password, perhaps: it is never shown."""
        self._estate = estate
        self._dsn = dsn
        self._table = statements.checked(table)
        self._bounds = bounds or Bounds()
        self._connection: AsyncConnection[tuple[Any, ...]] | None = None
        self._told = f"{table} of {_place(dsn)}"

    async def lead(self) -> None:
        await self.close()
        async with self._session() as connection:
            await self._take(connection)
            await self._check(connection)
            await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(statements.channel(self._table))))

    async def _take(self, connection: AsyncConnection[tuple[Any, ...]]) -> None:
        """See `leading`."""
        if not await self._scalar(connection, _LOCK, (self._table, f" of {self._estate}")):
            raise stands_by(self._told)
        for _ in range(LOOKS):
            if await self._scalar(connection, _LOCK, (self._table, "")):
                return
            await asyncio.sleep(PAUSE_SECONDS)
        raise another_estate(self._told)

    async def read(self, limit: int) -> Sequence[OutboxRow]:
        async with self._session() as connection:
            return await self._waiting(connection, limit)

    async def settle(self, published: Sequence[OutboxRow], refused: Sequence[RefusedRow]) -> None:
        async with self._session() as connection, connection.transaction():
            await self._settle(connection, published, refused)

    async def wait(self, seconds: float) -> None:
        """Woken by the trigger of `interlock outbox ddl --notify`, where there is one."""
        connection = self._connection
        if connection is None:
            await asyncio.sleep(seconds)
            return
        with self._translated():
            async for _ in connection.notifies(timeout=seconds, stop_after=1):
                pass

    async def inspect(self) -> OutboxFacts:
        async with self._session() as connection:
            await self._check(connection)
            return await self._facts(connection)

    async def figures(self) -> OutboxFigures:
        async with self._session() as connection:
            return figures_of(await self._row(connection, statements.figures("postgres", self._table)))

    async def refused(self, limit: int) -> Sequence[RefusedRow]:
        async with self._session() as connection:
            cursor = await connection.execute(statements.refused_rows("postgres", self._table, "%s").encode(), (limit,))
            return [refused_of(row) for row in await cursor.fetchall()]

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(psycopg.Error, OSError, TimeoutError):
                await connection.close()

    async def _waiting(self, connection: AsyncConnection[tuple[Any, ...]], limit: int) -> list[OutboxRow]:
        bounds = self._bounds
        statement = statements.waiting_rows("postgres", self._table, "%s").encode()
        cursor = await connection.execute(statement, (bounds.row_bytes, limit, bounds.limit_bytes))
        return [row_of(row) for row in await cursor.fetchall()]

    async def _settle(
        self,
        connection: AsyncConnection[tuple[Any, ...]],
        published: Sequence[OutboxRow],
        refused: Sequence[RefusedRow],
    ) -> None:
        """In the transaction of the caller."""
        gone = f"DELETE FROM {self._table} WHERE seq = ANY(%s)"  # noqa: S608 - the name was checked
        await connection.execute(gone.encode(), ([row.place for row in published],))
        for row, code, reason in refused:
            aside = statements.set_aside(self._table, "%s").encode()
            await connection.execute(aside, (code, reason.replace("\0", ""), row.place))

    async def _check(self, connection: AsyncConnection[tuple[Any, ...]]) -> None:
        """Raise for a database that cannot serve."""
        if await self._scalar(connection, "SELECT pg_is_in_recovery()"):
            raise SettingInvalid(
                f"{self._told} is on a standby, where nothing can be settled.",
                next_step="Name the primary: target_session_attrs=read-write finds it among several hosts.",
            )

        for statement in statements.rights(self._table):
            await connection.execute(statement.encode())

    async def _facts(self, connection: AsyncConnection[tuple[Any, ...]]) -> OutboxFacts:
        table, unlogged, dead, flushed, whole, commit = await self._row(connection, _FACTS, (self._table,))
        broken = ["the table is UNLOGGED: a crash of the server empties it"] if unlogged else []
        for name, setting in (("fsync", flushed), ("full_page_writes", whole)):
            if setting != "on":
                broken.append(f"{name} is {setting}: a crash of the server may lose what was committed, or the table")
        weak = [f"synchronous_commit is {commit}: a crash loses the last commits"] if commit == "off" else []
        return OutboxFacts(table, broken, weak, dead)

    async def _scalar(
        self, connection: AsyncConnection[tuple[Any, ...]], statement: str, bindings: Sequence[Any] = ()
    ) -> Any:
        return (await self._row(connection, statement, bindings))[0]

    async def _row(
        self, connection: AsyncConnection[tuple[Any, ...]], statement: str, bindings: Sequence[Any] = ()
    ) -> tuple[Any, ...]:
        found = await (await connection.execute(statement.encode(), bindings)).fetchone()
        assert found is not None
        return found

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[AsyncConnection[tuple[Any, ...]]]:
        """The session, made when there is none. After an error it is closed, and the lead with it."""
        try:
            with self._translated():
                async with asyncio.timeout(ANSWER_SECONDS):
                    yield self._connection or await self._connected()
        except BaseException:
            await self.close()
            raise

    async def _connected(self) -> AsyncConnection[tuple[Any, ...]]:
        connection = await AsyncConnection.connect(
            self._dsn,
            autocommit=True,
            connect_timeout=CONNECT_SECONDS,
            keepalives_idle=5,
            keepalives_interval=5,
            keepalives_count=3,
            tcp_user_timeout=ANSWER_SECONDS * 1000,
            application_name="interlock outbox",
        )
        self._connection = connection
        await connection.execute(b"SET client_connection_check_interval = '5s'")
        await connection.execute(b"SET synchronous_commit = on")
        await connection.execute(statements.probe(self._table).encode())
        return connection

    def _translated(self) -> _Translated:
        return _Translated(self)

    def problem(self, error: BaseException) -> Problem:
        """What a driver error means. Its text may hold values of rows, so it is not repeated."""
        if isinstance(error, errors.UndefinedTable | errors.UndefinedColumn | errors.InvalidSchemaName):
            return SettingInvalid(
                f"{self._told} is not as an outbox should be: {type(error).__name__}.",
                next_step="Make it with what this prints: interlock outbox ddl --dialect postgres",
            )
        if isinstance(error, errors.InsufficientPrivilege):
            return SettingInvalid(
                f"{self._told} refuses us: the user lacks a right.",
                next_step="GRANT SELECT, UPDATE, DELETE on the table; for logical decoding the role needs REPLICATION.",
            )
        if isinstance(error, errors.DiskFull):
            return StorageFull(f"No room on the disk of {self._told}.")
        told = " ".join(str(error).split())
        connecting = isinstance(error, psycopg.OperationalError) and error.sqlstate is None
        if isinstance(error, psycopg.ProgrammingError) or (connecting and any(sign in told for sign in _REFUSALS)):
            what = "wrong user, password or database" if connecting else type(error).__name__
            return SettingInvalid(
                f"{self._told} refuses us: {what}.",
                next_step="Correct the variable that dsn names: postgresql://user:password@host:5432/database",
            )
        return StorageUnavailable(
            f"{self._told} does not answer: {type(error).__name__}.",
            next_step="See whether the server runs and takes connections: pg_isready",
        )


class _Translated:
    """Driver errors become problems of our tree."""

    __slots__ = ("_outbox",)

    def __init__(self, outbox: PostgresOutbox) -> None:
        self._outbox = outbox

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if isinstance(error, psycopg.Error | OSError | TimeoutError):
            raise self._outbox.problem(error) from error


def _place(dsn: str) -> str:
    """What may be shown of a connection string."""
    try:
        parts = conninfo_to_dict(dsn)
    except psycopg.ProgrammingError:
        return "the PostgreSQL server"
    return f"{parts.get('dbname') or parts.get('user') or 'postgres'} at {parts.get('host') or 'the default socket'}"
