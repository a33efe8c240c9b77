"""Servers and settings that are not fit: said at the start, with the next step, and without a password."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import postgres
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from interlock.adapters.postgres import PostgresReader, PostgresSchemas, PostgresStore
from interlock.model.problems import NotFound, Problem, SettingInvalid, StorageUnavailable
from interlock.testing.postgres_server import new_database, running_server

PASSWORD = "hunter2-hunter2"


def execute(dsn: str, *statements: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)  # type: ignore[call-overload]


@pytest.fixture
def database() -> Iterator[str]:
    """One of its own, to be spoilt."""
    dsn = new_database(postgres.server())
    yield dsn
    name = psycopg.conninfo.conninfo_to_dict(dsn)["dbname"]
    execute(postgres.server().dsn(), f'DROP DATABASE "{name}" WITH (FORCE)')


async def refused(dsn: str, kind: type[Problem], says: str, step: str, schema: str = "interlock") -> None:
    with pytest.raises(kind, match=says) as problem:
        await PostgresStore.open(dsn, schema=schema)
    assert step in problem.value.step
    assert PASSWORD not in str(problem.value)


async def test_no_server(tmp_path: Path) -> None:
    await refused(f"host={tmp_path} dbname=x", StorageUnavailable, "does not answer", "pg_isready")


async def test_no_such_database() -> None:
    dsn = make_conninfo(postgres.database(), dbname="nowhere")
    await refused(dsn, SettingInvalid, "no such database", "createdb")


async def test_no_such_role() -> None:
    await refused(make_conninfo(postgres.database(), user="nobody_here"), SettingInvalid, "no such", "createuser")


async def test_a_wrong_password(database: str) -> None:
    execute(database, "DROP ROLE IF EXISTS locked", f"CREATE ROLE locked LOGIN PASSWORD '{PASSWORD}x'")
    dsn = make_conninfo(database, user="locked", password=PASSWORD)
    await refused(dsn, SettingInvalid, "wrong user or password", "secret")
    await refused(make_conninfo(database, user="locked"), SettingInvalid, "wants a password", "secret")


async def test_a_text_that_is_no_connection_string() -> None:
    await refused(f"{PASSWORD} is my password", SettingInvalid, "no PostgreSQL connection string", "postgresql://")


async def test_a_server_that_gives_no_more_connections() -> None:
    with running_server(max_connections="5", superuser_reserved_connections="0", max_wal_senders="0") as server:
        held = [psycopg.connect(server.dsn()) for _ in range(5)]
        await refused(server.dsn(), StorageUnavailable, "takes no more connections", "raise max_connections")
        for one in held:
            one.close()


async def test_a_role_that_may_have_no_more_connections(database: str) -> None:
    execute(database, "DROP ROLE IF EXISTS narrow", "CREATE ROLE narrow LOGIN CONNECTION LIMIT 1")
    dsn = make_conninfo(database, user="narrow")
    with psycopg.connect(dsn):
        await refused(dsn, StorageUnavailable, "takes no more connections", "limit of the role")


async def test_a_name_that_is_no_schema() -> None:
    await refused(postgres.database(), SettingInvalid, "no name for a schema", "stores.schema", "Robert'); DROP")


async def test_a_server_that_is_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("interlock.adapters.postgres.connection.OLDEST_SERVER", 990000)
    await refused(postgres.database(), SettingInvalid, "needs 15 or newer", "Upgrade")


async def test_commits_that_do_not_wait_for_the_disk(database: str) -> None:
    name = psycopg.conninfo.conninfo_to_dict(database)["dbname"]
    execute(database, f'ALTER DATABASE "{name}" SET synchronous_commit = off')
    await refused(database, SettingInvalid, "synchronous_commit is off .* lost in a crash", "synchronous_commit = on")


async def test_a_read_only_server(database: str) -> None:
    name = psycopg.conninfo.conninfo_to_dict(database)["dbname"]
    execute(database, f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    await refused(database, SettingInvalid, "read-only", "primary")


async def test_an_encoding_that_cannot_hold_every_text() -> None:
    server = postgres.server().dsn()
    execute(server, "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    try:
        dsn = make_conninfo(server, dbname="latin")
        await refused(dsn, SettingInvalid, "encoding LATIN1", "ENCODING 'UTF8'")
    finally:
        execute(server, "DROP DATABASE latin")


async def test_a_user_who_may_create_nothing(database: str) -> None:
    execute(database, "DROP ROLE IF EXISTS guest", "CREATE ROLE guest LOGIN")
    await refused(make_conninfo(database, user="guest"), SettingInvalid, "may not create the schema", "GRANT CREATE")


async def test_tables_of_somebody_else(database: str) -> None:
    execute(database, "CREATE SCHEMA interlock", "CREATE TABLE interlock.orders()")
    await refused(database, SettingInvalid, "not Interlock's", "stores.schema")


async def test_an_empty_schema_of_ones_own_is_enough(database: str) -> None:
    """The user may create nothing in the database, and owns the schema that an administrator made."""
    name = psycopg.conninfo.conninfo_to_dict(database)["dbname"]
    execute(
        database,
        "DROP ROLE IF EXISTS tenant",
        f"CREATE ROLE tenant LOGIN PASSWORD '{PASSWORD}'",
        f'REVOKE CREATE ON DATABASE "{name}" FROM PUBLIC',
        "CREATE SCHEMA ours AUTHORIZATION tenant",
    )
    dsn = make_conninfo(database, user="tenant", password=PASSWORD)
    await refused(dsn, SettingInvalid, "may not create the schema", "AUTHORIZATION", "another")
    store = await PostgresStore.open(dsn, schema="ours")
    assert store.partitions == 8
    await store.close()


async def test_writers_who_died_long_ago_are_forgotten(schema: str) -> None:
    """They wake nobody, and after a week nothing is left of them."""
    store = await PostgresStore.open(postgres.database(), schema=schema)
    put = f"INSERT INTO {schema}.writer(session, batch, seen) VALUES (1, 0, now() - interval %s)"
    with psycopg.connect(postgres.database(), autocommit=True) as connection:
        connection.execute(put % "'6 minutes'")  # type: ignore[call-overload]
        assert not await store._others()
        connection.execute(put % "'4 minutes'")  # type: ignore[call-overload]
        assert await store._others()
        connection.execute(f"UPDATE {schema}.writer SET seen = now() - interval '8 days' WHERE batch = 0")  # type: ignore[call-overload]
        assert not await store._others()  # which is also a sign of life
        await (await PostgresStore.open(postgres.database(), schema=schema)).close()
        found = connection.execute(f"SELECT count(*) FROM {schema}.writer").fetchone()  # type: ignore[call-overload]
    assert found == (1,)
    await store.close()


async def test_a_store_that_was_never_made(database: str) -> None:
    for opening in (PostgresReader, PostgresSchemas):
        with pytest.raises(NotFound, match="no Interlock store in the schema interlock") as problem:
            await opening.open(database)
        assert "interlock up" in problem.value.step


async def test_two_that_create_it_at_once_make_one(database: str) -> None:
    import asyncio

    stores = await asyncio.gather(*(PostgresStore.open(database) for _ in range(4)))
    assert len({store.secret for store in stores}) == 1
    for store in stores:
        await store.close()
