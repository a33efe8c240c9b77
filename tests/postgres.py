"""One PostgreSQL server for the whole test run, started when the first test asks, and an empty schema for each test.

Making a schema takes a quarter of a second, emptying one some milliseconds: so they are used again.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from functools import cache

import psycopg

from interlock.testing.postgres_server import PostgresServer, new_database
from interlock.testing.server_process import for_the_run

MOST_ROWS = 5_000  # beyond it a schema is dropped: what was deleted stays on disk for a while
LOCK_SECONDS = 20  # a test that left a session with locks fails, and does not hang
AS_NEW = {
    "meta": "DELETE FROM meta WHERE name IN ('moved', 'leaving')",
    "head": "UPDATE head SET position = 0",
    "owner": "UPDATE owner SET epoch = 0",
    "lease": "UPDATE lease SET epoch = 0",
    "claim_bucket": "UPDATE claim_bucket SET newest = -1",
    "schema_revision": "UPDATE schema_revision SET revision = 0",
}
_free: defaultdict[tuple[int, str], list[str]] = defaultdict(list)


@cache
def server() -> PostgresServer:
    """Shared: a test that kills or reconfigures a server starts one of its own."""
    return for_the_run(PostgresServer())


@cache
def database() -> str:
    return new_database(server())


def new_schema(partitions: int = 8, log: str = "state") -> str:
    """The name of a schema that does not exist, or is empty with as many partitions, for a log of this kind."""
    free = _free[partitions, log]
    return free.pop() if free else f"t_{secrets.token_hex(6)}"


def give_back(schema: str, partitions: int = 8, log: str = "state") -> None:
    """After the last connection to it was closed."""
    with psycopg.connect(database(), autocommit=True) as connection:
        found = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", (schema,)).fetchall()
        tables = sorted({str(name) for (name,) in found} - AS_NEW.keys())
        run = connection.execute
        run(f"SET search_path = {schema}; SET lock_timeout = '{LOCK_SECONDS}s'")  # type: ignore[call-overload]
        if not tables or _scalar(connection, "SELECT count(*) FROM log") > MOST_ROWS:
            run(f"DROP SCHEMA IF EXISTS {schema} CASCADE")  # type: ignore[call-overload]
            return
        run("; ".join([*(f"DELETE FROM {table}" for table in tables), *AS_NEW.values()]))  # type: ignore[call-overload]
    _free[partitions, log].append(schema)


def _scalar(connection: psycopg.Connection, statement: str) -> int:
    found = connection.execute(statement).fetchone()  # type: ignore[call-overload]
    return int(found[0])
