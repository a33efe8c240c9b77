"""Relays that are killed, servers that restart or go away, and ten thousand rows at once."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import mariadb
import pytest

from interlock.adapters.memory import MemoryStore
from interlock.adapters.sqlite import SqliteReader, SqliteStore
from interlock.adapters.user_tables.outbox_sql import ddl
from interlock.edge.source_relay import SourceRelay
from interlock.estate.contract_files import sound_events
from interlock.model.problems import SettingInvalid, StorageUnavailable
from interlock.testing.mariadb_server import running_server as running_mariadb
from interlock.testing.postgres_server import new_database
from interlock.testing.postgres_server import running_server as running_postgres
from user_tables.databases import Database, new
from user_tables.relaying import contracts, logged, order_text, relay_over, until

TESTS = Path(__file__).parents[1]
KINDS = ["sqlite", "postgres", pytest.param("mysql", marks=mariadb.needed)]


async def killed_relay(database: Database, folder: Path, planted: str = "") -> None:
    command = [sys.executable, "-m", "user_tables.dying_relay", database.kind, database.dsn]
    command += [str(folder / "store.db"), str(folder / "shop"), planted]
    environment = {**os.environ, "PYTHONPATH": f"{TESTS}:{TESTS.parent}"}
    process = await asyncio.create_subprocess_exec(*command, env=environment)
    assert await asyncio.wait_for(process.wait(), 60) == -signal.SIGKILL


async def published_by_the_next(database: Database, folder: Path) -> list[str]:
    """By a relay after the killed one, on the same store."""
    store, reader = await SqliteStore.open(folder / "store.db"), SqliteReader(folder / "store.db")
    relay = relay_over(database.source(), store, sound_events(folder / "shop"), record=reader)
    running = asyncio.create_task(relay.run())
    await until(lambda: emptied(database))
    relay.stop()
    await running
    found = [event.id for event in await logged(store)]
    await reader.close()
    await store.close()
    return found


async def emptied(database: Database) -> bool:
    (waiting,) = await asyncio.to_thread(database.run, f"SELECT count(*) FROM {database.table}")
    return bool(waiting[0] == 0)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_relay_killed_between_append_and_settlement_doubles_and_loses_nothing(
    kind: str, tmp_path: Path
) -> None:
    contracts(tmp_path)
    database = new(kind, tmp_path)
    database.run(*(database.insert(f"e{number}", order_text(number)) for number in range(10)))
    for _ in range(2 if kind == "sqlite" else 1):
        await killed_relay(database, tmp_path)
    (left,) = database.run(f"SELECT count(*) FROM {database.table}")
    assert left[0] == 10, "nothing was settled"
    assert await published_by_the_next(database, tmp_path) == [f"e{number}" for number in range(10)]


async def test_a_relay_that_settles_before_it_appends_is_caught(tmp_path: Path) -> None:
    contracts(tmp_path)
    database = new("sqlite", tmp_path)
    database.run(*(database.insert(f"e{number}", order_text(number)) for number in range(10)))
    await killed_relay(database, tmp_path, "settles-first")
    assert len(await published_by_the_next(database, tmp_path)) < 10


@pytest.mark.parametrize("how", ["restart", "kill"])
@pytest.mark.parametrize("kind", ["postgres", pytest.param("mysql", marks=mariadb.needed)])
async def test_a_server_that_goes_and_comes_back(kind: str, how: str, tmp_path: Path) -> None:
    events, store = contracts(tmp_path), MemoryStore()
    with running_postgres() if kind == "postgres" else running_mariadb() as server:
        dsn = new_database(server) if kind == "postgres" else server.new_database()  # type: ignore[arg-type, union-attr]
        database = Database(kind, dsn)  # type: ignore[arg-type]
        database.run(*ddl(database.kind), database.insert("before", order_text(1)))
        relay = relay_over(database.source(), store, events)
        running = asyncio.create_task(relay.run())
        await until(lambda: holds(store, ["before"]))
        if how == "restart":
            await asyncio.to_thread(server.restart)
        else:
            server.kill()
            await until(lambda: said(relay, "storage_unavailable"))
            await asyncio.to_thread(server.start)
        database.run(database.insert("after", order_text(2)))
        await until(lambda: holds(store, ["before", "after"]), 40)
        relay.stop()
        await running
    await store.close()


@pytest.mark.parametrize("kind", ["postgres", pytest.param("mysql", marks=mariadb.needed)])
async def test_a_server_that_is_half_dead_is_given_up(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its connections are open and nothing answers."""
    events, store = contracts(tmp_path), MemoryStore()
    monkeypatch.setattr(f"interlock.adapters.user_tables.{kind}.ANSWER_SECONDS", 1)
    with running_postgres() if kind == "postgres" else running_mariadb() as server:
        dsn = new_database(server) if kind == "postgres" else server.new_database()  # type: ignore[arg-type, union-attr]
        database = Database(kind, dsn)  # type: ignore[arg-type]
        database.run(*ddl(database.kind), database.insert("before", order_text(1)))
        relay = relay_over(database.source(), store, events)
        running = asyncio.create_task(relay.run())
        await until(lambda: holds(store, ["before"]))
        server.pause()
        try:
            await until(lambda: said(relay, "storage_unavailable"), 30)
        finally:
            server.resume()
        database.run(database.insert("after", order_text(2)))
        await until(lambda: holds(store, ["before", "after"]), 40)
        relay.stop()
        await running
    await store.close()


async def holds(store: Any, ids: list[str]) -> bool:
    return [event.id for event in await logged(store)] == ids


async def said(relay: SourceRelay, code: str) -> bool:
    return relay.figures.code == code


@pytest.mark.parametrize("kind", KINDS)
async def test_what_is_wrong_with_a_database_is_said_with_the_next_step(kind: str, tmp_path: Path) -> None:
    database = new(kind, tmp_path, table=False)
    source = database.source()
    with pytest.raises(SettingInvalid, match="interlock outbox ddl --dialect"):
        await source.lead()
    database.run("CREATE TABLE interlock_outbox (id VARCHAR(10))")
    with pytest.raises(SettingInvalid, match="not as an outbox should be"):
        await source.lead()
    await source.close()
    wrong = {
        "sqlite": (str(tmp_path / "elsewhere.db"), SettingInvalid),
        "postgres": (database.dsn.replace("dbname=", "dbname=no"), SettingInvalid),
        "mysql": (database.dsn.replace("/t", "/no"), SettingInvalid),
    }
    dsn, problem = wrong[kind]
    with pytest.raises(problem):
        await Database(kind, dsn).source().lead()  # type: ignore[arg-type]
    if kind != "sqlite":
        away = "mysql://root:geheim@127.0.0.1:1/shop" if kind == "mysql" else "postgresql://u:geheim@127.0.0.1:1/shop"
        with pytest.raises(StorageUnavailable) as told:
            await Database(kind, away).source().lead()  # type: ignore[arg-type]
        assert "geheim" not in str(told.value)


@pytest.mark.parametrize("kind", KINDS)
async def test_ten_thousand_rows_are_not_much_slower_than_reading_and_appending_them(kind: str, tmp_path: Path) -> None:
    """Beside a loop that reads the same rows and appends the same events, and neither checks nor settles."""
    events, store = contracts(tmp_path), await SqliteStore.open(tmp_path / "a.db")
    database = new(kind, tmp_path)
    fill(database, 10_000)
    bare_seconds = await bare_loop(database, await SqliteStore.open(tmp_path / "b.db"), events)
    relay = relay_over(database.source(), store, events, batch=500)
    await relay._outbox.lead()
    relay._begin()
    started = time.perf_counter()
    while await relay.publish_next():
        pass
    seconds = time.perf_counter() - started
    await relay._outbox.close()
    assert relay.figures.published == 10_000
    assert len(await logged(store)) == 10_000
    await store.close()
    print(f"{kind}: {10_000 / seconds:.0f} rows/s, {bare_seconds / seconds:.2f} of a bare loop")
    assert bare_seconds / seconds > 0.05


def fill(database: Database, rows: int) -> None:
    texts = [order_text(number, f"C-{number % 97}") for number in range(rows)]
    values = [f"('e{number}', 'orders.OrderPlaced', '{text}')" for number, text in enumerate(texts)]
    for first in range(0, rows, 1000):
        chunk = ", ".join(values[first : first + 1000])
        database.run(f"INSERT INTO {database.table} (id, type, data) VALUES {chunk}")


async def bare_loop(database: Database, store: SqliteStore, events: Any) -> float:
    relay = relay_over(database.source(), store, events)
    statement = f"SELECT seq, id, type, data FROM {database.table} ORDER BY seq"
    made, _ = relay._checked(await led_rows(relay))
    started = time.perf_counter()
    rows = await asyncio.to_thread(database.run, statement)
    one = made[0][1]
    for first in range(0, len(rows), 500):
        batch = [one._replace(id=row[1], body=row[3].encode()) for row in rows[first : first + 500]]
        await relay._appended(batch)
    seconds = time.perf_counter() - started
    await relay._outbox.close()
    await store.close()
    return seconds


async def led_rows(relay: SourceRelay) -> Any:
    await relay._outbox.lead()
    return await relay._outbox.read(1)
