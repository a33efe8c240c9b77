"""Events in PostgreSQL's own log: commit order, refusals kept, and what can be wrong with a slot."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import postgres
import psycopg
import pytest

from interlock.adapters.memory import MemoryStore
from interlock.adapters.user_tables.bounds import Bounds
from interlock.adapters.user_tables.outbox_sql import ddl
from interlock.contracts.event_contract import EventContract
from interlock.model.problems import SettingInvalid
from interlock.outbox import Outbox
from interlock.testing.postgres_server import PostgresServer, new_database
from user_tables.databases import LogicalDatabase, new_logical
from user_tables.relaying import contracts, logged, order, order_text, relay_over, until

OUTBOX = Outbox("/shop")


@pytest.fixture
def database(logical_server: PostgresServer) -> LogicalDatabase:
    return new_logical(new_database(logical_server))


@pytest.fixture
async def store() -> AsyncIterator[MemoryStore]:
    made = MemoryStore()
    yield made
    await made.close()


@pytest.fixture
def events(tmp_path: Path) -> list[EventContract]:
    return contracts(tmp_path)


async def test_emitted_events_come_in_the_order_of_commits_and_leave_no_row(
    database: LogicalDatabase, store: MemoryStore, events: list[EventContract]
) -> None:
    with psycopg.connect(database.dsn) as slow, psycopg.connect(database.dsn) as quick:
        OUTBOX.emit(slow, "orders.OrderPlaced", order(1), id="first-written")
        OUTBOX.emit(quick, "orders.OrderPlaced", order(2), id="first-committed", key="C-1", correlation="basket")
        quick.commit()
        slow.commit()
        OUTBOX.emit(quick, "orders.OrderPlaced", order(3), id="rolled-back")
        quick.rollback()
    async with await psycopg.AsyncConnection.connect(database.dsn) as connection:
        await OUTBOX.emit_async(connection, "orders.OrderPlaced", order(4), id="third")
    relay = relay_over(database.source(), store, events)
    await relay._outbox.lead()
    relay._begin()
    assert await relay.publish_next() == 3
    assert await relay.publish_next() == 0
    found = await logged(store)
    assert [event.id for event in found] == ["first-committed", "first-written", "third"]
    assert (found[0].correlation, found[0].source) == ("basket", "/shop")
    assert database.run("SELECT count(*) FROM interlock_outbox") == [(0,)]
    await relay._outbox.close()


async def test_what_is_refused_becomes_a_row_whole_and_is_relayed_when_it_was_corrected(
    database: LogicalDatabase, store: MemoryStore, events: list[EventContract]
) -> None:
    big = {"order_id": "x" * 5000}
    with psycopg.connect(database.dsn) as connection:
        OUTBOX.emit(connection, "orders.OrderPlaced", {"order_id": "O-1"}, id="incomplete")
        OUTBOX.emit(connection, "orders.OrderPlaced", big, id="big")
        OUTBOX.emit(connection, "orders.OrderPlaced", order(1), id="good")
        connection.execute("SELECT pg_logical_emit_message(true, 'interlock_outbox', 'no json')")
        connection.execute("SELECT pg_logical_emit_message(true, 'interlock_outbox', '\\xff00'::bytea)")
        connection.execute("SELECT pg_logical_emit_message(true, 'somebody else', '{}')")
        connection.execute("SELECT pg_logical_emit_message(false, 'interlock_outbox', '{}')")
    relay = relay_over(database.source(Bounds(row_bytes=1000)), store, events)
    running = asyncio.create_task(relay.run())
    await until(lambda: refused(relay, 4))
    assert [event.id for event in await logged(store)] == ["good"]
    rows = database.run("SELECT id, refused, length(data) FROM interlock_outbox ORDER BY seq")
    assert rows[:2] == [("incomplete", "contract_violation", 18), ("big", "body_too_large", len(str(big)) - 1)]
    assert [row[1] for row in rows[2:]] == ["malformed_request", "malformed_request"]
    database.run(f"UPDATE interlock_outbox SET data = '{order_text(9)}', refused = NULL WHERE id = 'incomplete'")
    await until(lambda: holds(store, ["good", "incomplete"]))
    relay.stop()
    await running


async def refused(relay: object, rows: int) -> bool:
    return bool(relay.figures.refused == rows)  # type: ignore[attr-defined]


async def holds(store: MemoryStore, ids: list[str]) -> bool:
    return [event.id for event in await logged(store)] == ids


async def test_log_that_others_write_is_not_kept_for_us(database: LogicalDatabase) -> None:
    source = database.source()
    await source.lead()
    assert await source.read(10) == []
    before = (await source.figures()).held_bytes or 0
    database.run(
        "CREATE TABLE noise (t text)", "INSERT INTO noise SELECT repeat('x', 900) FROM generate_series(1, 5000)"
    )
    grown = (await source.figures()).held_bytes or 0
    assert grown > before + 3_000_000

    async def given_back() -> bool:
        assert await source.read(10) == []
        database.run("CHECKPOINT")
        return ((await source.figures()).held_bytes or 0) < grown / 2

    await until(given_back)
    await source.close()


async def test_what_is_wrong_with_a_slot_is_said(database: LogicalDatabase) -> None:
    source = database.source()
    await source.lead()
    await source.close()
    database.run(f"SELECT pg_drop_replication_slot('{database.slot}')")
    with pytest.raises(SettingInvalid, match=f"no replication slot {database.slot}") as missing:
        await source.lead()
    assert "interlock outbox ddl" in missing.value.step
    database.run(f"SELECT pg_create_logical_replication_slot('{database.slot}', 'test_decoding')")
    with pytest.raises(SettingInvalid, match="another database or plugin"):
        await source.lead()
    database.run(f"SELECT pg_drop_replication_slot('{database.slot}')")


async def test_a_server_without_logical_decoding_says_so() -> None:
    database = LogicalDatabase(new_database(postgres.server()))
    database.run(*ddl("postgres"))
    with pytest.raises(SettingInvalid, match="wal_level = replica"):
        await database.source().lead()


async def test_a_lost_slot_is_said_and_never_made_anew(logical_server: PostgresServer) -> None:
    database = new_logical(new_database(logical_server))
    source = database.source()
    await source.lead()
    await source.close()
    try:
        database.run("ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'", "SELECT pg_reload_conf()")
        database.run("CREATE TABLE noise (t text)")
        for _ in range(6):
            database.run("INSERT INTO noise SELECT repeat('x', 900) FROM generate_series(1, 20000)")
            database.run("SELECT pg_switch_wal()", "CHECKPOINT")
        (status,) = database.run(f"SELECT wal_status FROM pg_replication_slots WHERE slot_name = '{database.slot}'")
        assert status == ("lost",)
        with pytest.raises(SettingInvalid, match="is lost"):
            await source.lead()
    finally:
        database.run("ALTER SYSTEM RESET max_slot_wal_keep_size", "SELECT pg_reload_conf()")
        database.run(f"SELECT pg_drop_replication_slot('{database.slot}')")
