"""An application writes its row and the event by whatever driver it has: both are there, or neither."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import aiosqlite
import apsw
import asyncmy
import asyncpg
import mariadb
import psycopg
import pytest
import sqlalchemy
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from interlock.estate.starter import write_starter
from interlock.model.problems import ContractViolation, TransactionMissing, UnknownContract
from interlock.outbox import Outbox, ddl, insert
from user_tables.databases import Database, mysql_connection, new
from user_tables.relaying import order

ORDERS = "CREATE TABLE orders (order_id VARCHAR(40) PRIMARY KEY)"
OUTBOX = Outbox("/shop")


class Driver(NamedTuple):
    """`opened` yields a connection on which `begin` and `end` ("commit" or "rollback") work, and `run` a statement."""

    kind: str
    opened: Callable[[Database], Any]
    begin: Callable[[Any], Any]
    run: Callable[[Any, str], Any]
    end: Callable[[Any, str], Any]


def nothing(connection: Any) -> None:
    return None


def called(connection: Any, how: str) -> Any:
    return getattr(connection, how)()


def executed(connection: Any, statement: str) -> Any:
    return connection.execute(statement)


def by_cursor(connection: Any, statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def as_text(connection: Any, statement: str) -> Any:
    return connection.execute(sqlalchemy.text(statement))


@contextmanager
def sqlite3_connection(database: Database) -> Iterator[Any]:
    connection = sqlite3.connect(database.dsn)
    yield connection
    connection.close()


@contextmanager
def apsw_connection(database: Database) -> Iterator[Any]:
    connection = apsw.Connection(database.dsn)
    yield connection
    connection.close()


@contextmanager
def psycopg_connection(database: Database) -> Iterator[Any]:
    with psycopg.connect(database.dsn) as connection:
        yield connection


@contextmanager
def pymysql_connection(database: Database) -> Iterator[Any]:
    connection = mysql_connection(database.dsn, autocommit=False)
    yield connection
    connection.close()


def url(database: Database, driver: str) -> sqlalchemy.URL:
    if database.kind == "sqlite":
        return sqlalchemy.URL.create(driver, database=database.dsn)
    if database.kind == "mysql":
        parts = urlsplit(database.dsn)
        place = {"unix_socket": parse_qs(parts.query)["unix_socket"][0]}
        return sqlalchemy.URL.create(driver, username="root", database=parts.path[1:], query=place)
    found = conninfo_to_dict(database.dsn)
    place = {"host": str(found["host"])}
    return sqlalchemy.URL.create(driver, username="postgres", database=str(found["dbname"]), query=place)


def with_session(driver: str) -> Callable[[Database], Any]:
    @contextmanager
    def opened(database: Database) -> Iterator[Any]:
        engine = sqlalchemy.create_engine(url(database, driver))
        with Session(engine) as session:
            yield session
        engine.dispose()

    return opened


def with_connection(driver: str) -> Callable[[Database], Any]:
    @contextmanager
    def opened(database: Database) -> Iterator[Any]:
        engine = sqlalchemy.create_engine(url(database, driver))
        with engine.connect() as connection:
            yield connection
        engine.dispose()

    return opened


MYSQL = mariadb.needed
SYNC = {
    "sqlite3": Driver("sqlite", sqlite3_connection, nothing, executed, called),
    "apsw": Driver("sqlite", apsw_connection, lambda c: c.execute("BEGIN"), executed, lambda c, how: c.execute(how)),
    "psycopg": Driver("postgres", psycopg_connection, nothing, executed, called),
    "pymysql": Driver("mysql", pymysql_connection, nothing, by_cursor, called),
    "sqlalchemy-sqlite": Driver("sqlite", with_session("sqlite"), nothing, as_text, called),
    "sqlalchemy-psycopg": Driver("postgres", with_session("postgresql+psycopg"), nothing, as_text, called),
    "sqlalchemy-core": Driver("postgres", with_connection("postgresql+psycopg"), nothing, as_text, called),
    "sqlalchemy-pymysql": Driver("mysql", with_session("mysql+pymysql"), nothing, as_text, called),
}


def named(drivers: dict[str, Driver]) -> list[Any]:
    return [pytest.param(one, id=name, marks=MYSQL if one.kind == "mysql" else ()) for name, one in drivers.items()]


def prepared(driver: Driver, folder: Path) -> Database:
    database = new(driver.kind, folder)
    database.library = apsw if driver.opened is apsw_connection else sqlite3
    database.run(ORDERS)
    return database


def counts(database: Database) -> tuple[int, int]:
    """Orders and events, as somebody else sees them."""
    (orders,) = database.run("SELECT count(*) FROM orders")
    (events,) = database.run("SELECT count(*) FROM interlock_outbox")
    return orders[0], events[0]


@pytest.mark.parametrize("driver", named(SYNC))
def test_row_and_event_are_both_committed_or_neither(driver: Driver, tmp_path: Path) -> None:
    write_beside_a_row(driver, tmp_path, OUTBOX)


class CommitsItself(Outbox):
    def write(self, connection: Any, event: str | object, data: Any = None, **attributes: str | None) -> str:
        written = super().write(connection, event, data, **attributes)
        connection.commit()
        return written


def test_a_write_that_commits_is_caught(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="write has committed"):
        write_beside_a_row(SYNC["sqlite3"], tmp_path, CommitsItself("/shop"))


def write_beside_a_row(driver: Driver, tmp_path: Path, outbox: Outbox) -> None:
    database = prepared(driver, tmp_path)
    with driver.opened(database) as connection:
        for how, there in (("rollback", 0), ("commit", 1)):
            driver.begin(connection)
            driver.run(connection, "INSERT INTO orders VALUES ('O-1')")
            event_id = outbox.write(connection, "orders.OrderPlaced", order(1), key="C-1", correlation="basket-9")
            assert counts(database) == (0, 0), "write has committed"
            driver.end(connection, how)
            assert counts(database) == (there, there)
    (row,) = database.run("SELECT id, type, source, partitionkey, correlationid, data FROM interlock_outbox")
    assert row[:5] == (event_id, "orders.OrderPlaced", "/shop", "C-1", "basket-9")
    assert row[5].startswith('{"order_id":"O-1"')
    assert event_id[14] == "7"


@asynccontextmanager
async def psycopg_async(database: Database) -> AsyncIterator[Any]:
    async with await psycopg.AsyncConnection.connect(database.dsn) as connection:
        yield connection


@asynccontextmanager
async def asyncpg_connection(database: Database) -> AsyncIterator[Any]:
    found = conninfo_to_dict(database.dsn)
    connection = await asyncpg.connect(host=str(found["host"]), user="postgres", database=str(found["dbname"]))
    yield connection
    await connection.close()


@asynccontextmanager
async def aiosqlite_connection(database: Database) -> AsyncIterator[Any]:
    async with aiosqlite.connect(database.dsn) as connection:
        yield connection


@asynccontextmanager
async def asyncmy_connection(database: Database) -> AsyncIterator[Any]:
    parts = urlsplit(database.dsn)
    place = parse_qs(parts.query)["unix_socket"][0]
    connection = await asyncmy.connect(unix_socket=place, user="root", database=parts.path[1:])
    yield connection
    await connection.ensure_closed()


def with_async_session(driver: str) -> Callable[[Database], Any]:
    @asynccontextmanager
    async def opened(database: Database) -> AsyncIterator[Any]:
        engine = create_async_engine(url(database, driver))
        async with AsyncSession(engine) as session:
            yield session
        await engine.dispose()

    return opened


async def by_async_cursor(connection: Any, statement: str) -> None:
    async with connection.cursor() as cursor:
        await cursor.execute(statement)


ASYNC = {
    "psycopg": Driver("postgres", psycopg_async, nothing, executed, called),
    "asyncpg": Driver(
        "postgres", asyncpg_connection, lambda c: c.execute("BEGIN"), executed, lambda c, how: c.execute(how)
    ),
    "aiosqlite": Driver("sqlite", aiosqlite_connection, nothing, executed, called),
    "asyncmy": Driver("mysql", asyncmy_connection, nothing, by_async_cursor, called),
    "sqlalchemy-asyncpg": Driver("postgres", with_async_session("postgresql+asyncpg"), nothing, as_text, called),
    "sqlalchemy-aiosqlite": Driver("sqlite", with_async_session("sqlite+aiosqlite"), nothing, as_text, called),
    "sqlalchemy-asyncmy": Driver("mysql", with_async_session("mysql+asyncmy"), nothing, as_text, called),
}


@pytest.mark.parametrize("driver", named(ASYNC))
async def test_asynchronous_drivers_too(driver: Driver, tmp_path: Path) -> None:
    database = prepared(driver, tmp_path)
    async with driver.opened(database) as connection:
        for how, there in (("rollback", 0), ("commit", 1)):
            await settled(driver.begin(connection))
            await settled(driver.run(connection, "INSERT INTO orders VALUES ('O-1')"))
            await OUTBOX.write_async(connection, "orders.OrderPlaced", order(1))
            assert counts(database) == (0, 0), "write_async has committed"
            await settled(driver.end(connection, how))
            assert counts(database) == (there, there)


async def settled(result: Any) -> None:
    if isinstance(result, Awaitable):
        await result


def sqlite3_autocommit(database: Database) -> Any:
    return sqlite3.connect(database.dsn, isolation_level=None)


def psycopg_autocommit(database: Database) -> Any:
    return psycopg.connect(database.dsn, autocommit=True)


def sqlalchemy_autocommit(database: Database) -> Any:
    engine = sqlalchemy.create_engine(url(database, "postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    return engine.connect()


@pytest.mark.parametrize(
    ("kind", "connect"),
    [
        ("sqlite", sqlite3_autocommit),
        ("sqlite", lambda database: apsw.Connection(database.dsn)),
        ("postgres", psycopg_autocommit),
        ("postgres", sqlalchemy_autocommit),
        pytest.param("mysql", lambda database: mysql_connection(database.dsn, autocommit=True), marks=MYSQL),
    ],
    ids=["sqlite3", "apsw", "psycopg", "sqlalchemy", "pymysql"],
)
def test_without_a_transaction_nothing_is_written(
    kind: str, connect: Callable[[Database], Any], tmp_path: Path
) -> None:
    database = new(kind, tmp_path)
    database.library = sqlite3 if connect is sqlite3_autocommit else apsw
    connection = connect(database)
    with pytest.raises(TransactionMissing, match="autocommit"):
        OUTBOX.write(connection, "orders.OrderPlaced", order(1))
    connection.close()
    assert database.run("SELECT count(*) FROM interlock_outbox")[0][0] == 0


def test_an_explicit_transaction_in_autocommit_mode_is_one(tmp_path: Path) -> None:
    for kind in ("sqlite", "postgres", *(["mysql"] if not MYSQL.args[0] else [])):
        database = new(kind, tmp_path)
        connection = database.connect(autocommit=True)
        (by_cursor if kind == "mysql" else executed)(connection, "BEGIN")
        OUTBOX.write(connection, "orders.OrderPlaced", order(1))
        assert database.run("SELECT count(*) FROM interlock_outbox")[0][0] == 0
        (by_cursor if kind == "mysql" else executed)(connection, "COMMIT")
        connection.close()
        assert database.run("SELECT count(*) FROM interlock_outbox")[0][0] == 1


def test_an_asynchronous_connection_is_not_left_unawaited(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="no connection of a known driver"):
        OUTBOX.write(object(), "orders.OrderPlaced", {})


def test_with_an_estate_at_hand_a_wrong_event_is_refused_before_it_is_written(tmp_path: Path) -> None:
    write_starter(tmp_path / "estate", "shop")
    outbox = Outbox("/shop", estate=tmp_path / "estate")
    assert outbox.row("orders.OrderPlaced", order(1))["dataschema"] == "1.0.0"
    with pytest.raises(ContractViolation) as violation:
        outbox.row("orders.OrderPlaced", {**order(1), "total": 8.2})
    assert violation.value.errors[0]["pointer"] == "/total"
    with pytest.raises(UnknownContract):
        outbox.row("orders.OrderPlacd", order(1))
    with pytest.raises(UnknownContract):
        outbox.row("orders.OrderPlaced", order(1), dataschema="9.9.9")


def test_names_of_tables_are_checked() -> None:
    for bad in ("orders; DROP TABLE orders", "Orders", 'o"', "a.b.c", ""):
        with pytest.raises(ValueError, match="no table name"):
            Outbox(table=bad)
        with pytest.raises(ValueError, match="no table name"):
            ddl("postgres", bad)
        with pytest.raises(ValueError, match="no table name"):
            insert("qmark", bad)


def test_an_application_loads_no_part_of_the_engine() -> None:
    code = "import sys, interlock.outbox; print(*sorted(name for name in sys.modules if '.' in name or len(name) > 3))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    loaded = set(told.stdout.split())
    assert "interlock.outbox.outbox" in loaded
    rooms = {name.split(".")[1] for name in loaded if name.startswith("interlock.")}
    assert rooms <= {"adapters", "model", "outbox", "sdk"}
    assert not loaded & {"aiohttp", "apsw", "httptools", "jsonschema_rs", "psycopg", "pymysql", "uvloop", "rich"}
