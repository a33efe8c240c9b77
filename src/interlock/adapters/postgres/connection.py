"""Connections: opened with our settings, checked for what the promises need, their errors translated."""

from __future__ import annotations

import asyncio
import logging
import random
import re
from collections.abc import Sequence
from types import TracebackType
from typing import Any, NamedTuple

import psycopg
from psycopg import AsyncConnection, AsyncRawCursor, errors
from psycopg.conninfo import conninfo_to_dict

from interlock.adapters.postgres.columns import register
from interlock.adapters.postgres.sql import MUST_SQLSTATE
from interlock.model.problems import (
    AlreadyHandled,
    Problem,
    SettingInvalid,
    StorageFull,
    StorageUnavailable,
    Unexpected,
)

OLDEST_SERVER = 150000
CONNECT_SECONDS = 5
SPREAD_SECONDS = 0.25
STATEMENT_SECONDS = 30
NEEDED_CONNECTIONS = 6  # of one process at work, at the most
SCHEMA_NAME = re.compile(r"[a-z][a-z0-9_]{0,47}\Z")

logging.getLogger("psycopg").setLevel(logging.ERROR)  # it warns of each lost connection: we tell that ourselves

Row = tuple[Any, ...]
Connection = AsyncConnection[Row]


class Target(NamedTuple):
    """Which schema of which database. `dsn` holds a password, perhaps: it is never shown."""

    dsn: str
    schema: str = "interlock"

    @property
    def place(self) -> str:
        """What may be shown of it."""
        try:
            parts = conninfo_to_dict(self.dsn)
        except psycopg.ProgrammingError:
            return "the PostgreSQL server"
        host, port = parts.get("host") or "the default socket", parts.get("port") or 5432
        return f"database {parts.get('dbname') or parts.get('user') or 'postgres'} at {host}:{port}"


# Ours for each session. Generic plans: planning each statement anew would cost more than it runs. Lookups go by their
# indexes: a table that was never analysed would be scanned whole.
_SESSION = {
    "statement_timeout": f"{STATEMENT_SECONDS}s",
    "lock_timeout": "20s",
    "idle_in_transaction_session_timeout": "20s",
    "client_min_messages": "warning",
    "standard_conforming_strings": "on",
    "TimeZone": "UTC",
    # A session whose machine is lost ends soon, and so do its locks.
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "client_connection_check_interval": "5s",
}
_BY_KEY = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
}


async def connect(target: Target, *, by_key: bool = False) -> Connection:
    """A session with our settings, in autocommit. Raises a Problem that says what is wrong, and the next step."""
    if not SCHEMA_NAME.match(target.schema):
        raise SettingInvalid(
            f"{target.schema!r} is no name for a schema.",
            next_step="Set stores.schema to lower-case letters, digits and underscores, a letter first.",
        )
    try:
        connection = await AsyncConnection.connect(
            target.dsn,
            autocommit=True,
            cursor_factory=AsyncRawCursor,
            connect_timeout=CONNECT_SECONDS,
            keepalives_idle=5,
            keepalives_interval=5,
            keepalives_count=3,
            tcp_user_timeout=20_000,
            application_name="interlock",
        )
    except psycopg.Error as error:
        raise refused(target, error) from error
    register(connection.adapters)
    connection.prepare_threshold = 0
    connection.prepared_max = 500
    settings = {**_SESSION, **(_BY_KEY if by_key else {}), "search_path": target.schema}
    pairs = ", ".join(f"set_config('{name}', '{value}', false)" for name, value in settings.items())
    try:
        await connection.execute(f"SELECT {pairs}".encode())
    except psycopg.Error as error:
        await connection.close()
        raise refused(target, error) from error
    return connection


async def reconnect(target: Target, *, by_key: bool = False) -> Connection:
    """As `connect`, after one was lost. A server that drops all its sessions must not have them back in one instant."""
    await asyncio.sleep(random.uniform(0, SPREAD_SECONDS))  # noqa: S311 - no secret
    return await connect(target, by_key=by_key)


async def fetch(connection: Connection, statement: str, bindings: Sequence[Any] = ()) -> list[Row]:
    """All rows of a query. Raises what the driver raises."""
    cursor = await connection.execute(statement.encode(), bindings, binary=True)
    return await cursor.fetchall()


async def scalar(connection: Connection, statement: str, bindings: Sequence[Any] = ()) -> Any:
    """The one value of a query, or None."""
    found = await fetch(connection, statement, bindings)
    return found[0][0] if found else None


async def check_server(connection: Connection, target: Target) -> None:
    """Refuse a server on which the promises would not hold. SettingInvalid."""
    if connection.info.server_version < OLDEST_SERVER:
        version = connection.info.server_version // 10000
        raise SettingInvalid(
            f"PostgreSQL {version} runs {target.place}; Interlock needs 15 or newer.",
            next_step="Upgrade the server, or choose another one.",
        )
    names = ("fsync", "synchronous_commit", "full_page_writes", "server_encoding", "transaction_read_only")
    shown = ", ".join(f"current_setting('{name}')" for name in names)
    found = dict(zip(names, (await fetch(connection, f"SELECT {shown}"))[0], strict=True))
    if found["transaction_read_only"] == "on":
        raise read_only(target)
    if found["server_encoding"] != "UTF8":
        raise SettingInvalid(
            f"The {target.place} has the encoding {found['server_encoding']}.",
            next_step="Create a database for Interlock with: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0",
        )
    lax = [name for name in ("fsync", "synchronous_commit", "full_page_writes") if found[name] == "off"]
    if lax:
        raise SettingInvalid(
            f"{', '.join(lax)} is off for the {target.place}: what was accepted could be lost in a crash.",
            next_step=f"Set it to on, in postgresql.conf or with: ALTER DATABASE … SET {lax[0]} = on",
        )


def read_only(target: Target) -> SettingInvalid:
    return SettingInvalid(
        f"The {target.place} is read-only: a standby, or default_transaction_read_only is on.",
        next_step="Point stores.dsn at the primary (target_session_attrs=read-write finds it among several hosts).",
    )


def refused(target: Target, error: psycopg.Error) -> Problem:
    """What a connection that was not made says: a setting that is wrong, or a server that is away."""
    told = " ".join(str(error).split())
    if isinstance(error, psycopg.ProgrammingError):
        return SettingInvalid(
            "stores.dsn is no PostgreSQL connection string.",
            next_step="Write it as postgresql://user@host:5432/database, or as key=value pairs.",
        )
    for sign, what, step in _REFUSALS:
        if sign in told:
            return SettingInvalid(f"The {target.place} refuses us: {what}.", next_step=step)
    if any(sign in told for sign in _NO_ROOM):
        return StorageUnavailable(
            f"The {target.place} takes no more connections: others have all that it allows.",
            next_step="See in pg_stat_activity who has them; raise max_connections, or the limit of the role or "
            f"database: a process of Interlock takes up to {NEEDED_CONNECTIONS}.",
            retry_after_seconds=2,
        )
    reason = told.rpartition("failed: ")[2].partition(" Is the server")[0] or type(error).__name__
    return StorageUnavailable(
        f"The {target.place} does not answer: {reason[:200]}.",
        next_step="See whether the server runs and takes connections: pg_isready",
    )


# The server's answers to a connection have no SQLSTATE in libpq, so their words must do.
_REFUSALS = (
    ("password authentication failed", "wrong user or password", "Correct the secret that stores.dsn refers to."),
    ("no password supplied", "it wants a password", "Put the password into the secret that stores.dsn refers to."),
    ("no pg_hba.conf entry", "pg_hba.conf lets nobody in from here", "Add an entry for this user, database and host."),
    ("does not exist", "there is no such database or role", "Create it: createuser, createdb."),
    ("permission denied", "this user may not connect", "GRANT CONNECT ON DATABASE … TO the user."),
    ("could not translate host name", "its host name is unknown", "Correct the host in stores.dsn."),
)


# too_many_connections, class 53300: of the server, of what it keeps for others, of a role or a database.
_NO_ROOM = ("too many clients already", "remaining connection slots are reserved", "too many connections for")


def lost(error: BaseException) -> bool:
    """Whether the session is gone: nothing more can be said through it."""
    if isinstance(error, errors.AdminShutdown | errors.CrashShutdown | errors.CannotConnectNow):
        return True
    return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError) and error.sqlstate is None


def again(error: BaseException) -> bool:
    """Whether another transaction was in the way, so that the same one may succeed now."""
    kinds = (errors.SerializationFailure, errors.DeadlockDetected)
    return isinstance(error, kinds) or guarded(error) is not None


def guarded(error: BaseException) -> str | None:
    """Which of our own guards stopped the transaction: `epoch`, `lease`, `cursor`, `session`, or what was looked up and
    is no longer so: `version`, `counter`, `mark`, `delivery`, `answer`.
    """
    if not isinstance(error, psycopg.Error):
        return None
    if isinstance(error, errors.UniqueViolation) and error.diag.constraint_name == "state_pkey":
        return "version"  # a cell that was absent
    return error.diag.message_primary if error.sqlstate == MUST_SQLSTATE else None


def is_infrastructure(error: BaseException) -> bool:
    """Whether the store, and not what was to be stored, is to blame."""
    if isinstance(error, psycopg.DataError | psycopg.IntegrityError | psycopg.ProgrammingError):
        return isinstance(error, errors.UndefinedTable | errors.InsufficientPrivilege | errors.InvalidSchemaName)
    return isinstance(error, psycopg.Error | OSError)


def translate(error: BaseException, target: Target) -> Problem:
    """The problem that a driver error means."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, errors.DiskFull):
        return StorageFull("The disk of the PostgreSQL server is full.")
    if isinstance(error, errors.ReadOnlySqlTransaction):
        return StorageUnavailable(
            f"The {target.place} has become read-only.", next_step="Point stores.dsn at the primary."
        )
    if isinstance(error, errors.UndefinedTable | errors.InvalidSchemaName):
        return StorageUnavailable(
            f"The schema {target.schema} has gone from the {target.place}.",
            next_step="Restore it from a backup; a start of the engine would make an empty one.",
        )
    if lost(error):
        return StorageUnavailable(f"The connection to the {target.place} was lost.")
    if isinstance(error, psycopg.Error):
        code = f" {error.sqlstate}" if error.sqlstate else ""
        return StorageUnavailable(f"PostgreSQL{code}: {type(error).__name__}.")
    if isinstance(error, OSError | TimeoutError):
        return StorageUnavailable(f"The {target.place} does not answer.")
    return Unexpected.of(error)


def blamed(error: BaseException) -> Problem:
    """The problem of a part that cannot be stored."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, psycopg.IntegrityError):
        return AlreadyHandled(f"The store has it already: {error.diag.constraint_name}.")
    if isinstance(error, psycopg.DataError):
        return Unexpected(
            f"PostgreSQL cannot hold it: {type(error).__name__}.",
            next_step="Texts must not hold the character U+0000, numbers must fit 64 bits.",
        )
    return Unexpected.of(error, "The store refused it")


class translated:
    """Driver errors become problems of our tree."""

    __slots__ = ("_target",)

    def __init__(self, target: Target) -> None:
        self._target = target

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if isinstance(error, psycopg.Error | OSError | TimeoutError):
            raise translate(error, self._target) from error
