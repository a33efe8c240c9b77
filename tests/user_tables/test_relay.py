"""The relay over sources in memory and real ones: what is published, set aside, repeated and waited for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import mariadb
import pytest

from interlock.adapters.memory import MemoryStore
from interlock.adapters.memory_source import MemoryRows, MemorySource
from interlock.adapters.sqlite import SqliteReader, SqliteStore
from interlock.contracts.event_contract import EventContract
from interlock.edge.source_relay import SourceRelay
from interlock.model.problems import StorageUnavailable, TooManyRequests, Unexpected
from interlock.ports.outbox_source import OutboxRow
from user_tables.databases import Database, new
from user_tables.relaying import contracts, logged, order_text, relay_over, until


@pytest.fixture
def events(tmp_path: Path) -> list[EventContract]:
    return contracts(tmp_path)


@pytest.fixture
async def store() -> AsyncIterator[MemoryStore]:
    made = MemoryStore()
    yield made
    await made.close()


@pytest.fixture(params=["sqlite", "postgres", pytest.param("mysql", marks=mariadb.needed)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    return new(request.param, tmp_path)


def filled(*rows: tuple[str, str], age_seconds: float = 0.0, **attributes: str) -> MemoryRows:
    shared = MemoryRows(asyncio.get_running_loop().time)
    for event_id, data in rows:
        named = {"id": event_id, "type": "orders.OrderPlaced", **attributes}
        place, at = shared.number(), shared.clock() - age_seconds
        shared.commit({place: OutboxRow(place, at, len(data), data, named)})
    return shared


async def led(relay: SourceRelay) -> SourceRelay:
    await relay._outbox.lead()
    relay._begin()
    return relay


async def test_rows_become_events_with_all_that_they_say(store: MemoryStore, events: list[EventContract]) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    rows = filled(
        ("1", order_text(1)), correlationid="basket-9", causationid="click-3", traceparent=trace, subject="O-1"
    )
    relay = await led(relay_over(MemorySource(rows), store, events))
    assert await relay.publish_next() == 1
    (event,) = await logged(store)
    assert (event.id, event.source, event.type, event.version) == ("1", "/app", "orders.OrderPlaced", "1.0.0")
    assert (event.correlation, event.causation, event.trace) == ("basket-9", "click-3", trace)
    assert event.attributes == b'{"subject":"O-1"}'
    assert not rows.rows


async def test_bad_rows_are_set_aside_with_reasons_and_stop_nobody(
    store: MemoryStore, events: list[EventContract]
) -> None:
    rows = filled(
        ("good", order_text(1)),
        ("no-json", "{"),
        ("twice", '{"order_id": "1", "order_id": "2"}'),
        ("incomplete", '{"order_id": "1"}'),
        ("", order_text(2)),
        ("surrogate", '"\udcff"'),
        ("deep", "[" * 100 + "]" * 100),
        ("also-good", order_text(3)),
    )
    huge, unknown = rows.number(), rows.number()
    rows.commit({huge: OutboxRow(huge, 0, 5_000_000, "x", {"id": "huge", "type": "orders.OrderPlaced"})})
    rows.commit({unknown: OutboxRow(unknown, 0, 2, "{}", {"id": "unknown", "type": "orders.OrderPlacd"})})
    relay = await led(relay_over(MemorySource(rows), store, events))
    await relay.publish_next()
    assert [event.id for event in await logged(store)] == ["good", "also-good"]
    told = {one.row.attributes["id"]: (one.code, one.reason) for one in rows.refused.values()}
    assert {event_id: code for event_id, (code, _) in told.items()} == {
        "no-json": "malformed_request",
        "twice": "hostile_json",
        "incomplete": "contract_violation",
        "": "malformed_request",
        "surrogate": "malformed_request",
        "deep": "hostile_json",
        "huge": "body_too_large",
        "unknown": "unknown_contract",
    }
    assert "customer_id" in told["incomplete"][1]
    assert "Did you mean orders.OrderPlaced?" in told["unknown"][1]
    assert "5000000 bytes" in told["huge"][1]
    assert (relay.figures.published, relay.figures.refused) == (2, 8)
    refusals = {(row.code, row.contract): row.total for row in relay._refusals.take()}
    assert refusals["unknown_contract", "orders.OrderPlacd"] == 1


class FailingLog:
    """Delegates; `problems` are what the next appends end with, whether or not (`took`) the log has the events."""

    def __init__(self, store: MemoryStore, *problems: Any, took: bool = False) -> None:
        self._store = store
        self.problems = list(problems)
        self._took = took
        self.calls: list[list[str]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def append(self, events: Sequence[Any], done: Any) -> None:
        self.calls.append([event.id for event in events])
        problem = self.problems.pop(0) if self.problems else None
        if problem is None:
            self._store.append(events, done)
        elif self._took:
            self._store.append(events, lambda appended, _: done(None, problem))
        else:
            asyncio.get_running_loop().call_soon(done, None, problem)


async def test_a_log_that_refuses_leaves_every_row_and_is_tried_again(
    store: MemoryStore, events: list[EventContract]
) -> None:
    rows = filled(("1", order_text(1)), ("2", order_text(2)))
    log = FailingLog(store, StorageUnavailable("away"), TooManyRequests("full"))
    relay = relay_over(MemorySource(rows), log, events)
    running = asyncio.create_task(relay.run())
    await until(lambda: answered(lambda: relay.figures.code is not None))
    assert len(rows.rows) == 2
    await until(lambda: answered(lambda: not rows.rows))
    assert [event.id for event in await logged(store)] == ["1", "2"]
    relay.stop()
    await running


async def answered(question: Any) -> bool:
    return bool(question())


async def test_an_answer_that_was_lost_appends_nothing_twice(store: MemoryStore, events: list[EventContract]) -> None:
    rows = filled(("1", order_text(1)), ("2", order_text(2)))
    log = FailingLog(store, StorageUnavailable("lost"), took=True)
    relay = relay_over(MemorySource(rows), log, events)
    running = asyncio.create_task(relay.run())
    await until(lambda: answered(lambda: not rows.rows))
    assert [event.id for event in await logged(store)] == ["1", "2"]
    assert relay.figures.duplicates == 2
    relay.stop()
    await running


async def test_what_the_log_cannot_hold_is_found_alone(store: MemoryStore, events: list[EventContract]) -> None:
    rows = filled(("1", order_text(1)), ("2", order_text(2)), ("3", order_text(3)))
    log = FailingLog(store, Unexpected("content"), None, Unexpected("content"), None)
    relay = await led(relay_over(MemorySource(rows), log, events))
    await relay.publish_next()
    assert log.calls == [["1", "2", "3"], ["1"], ["2"], ["3"]]
    assert [event.id for event in await logged(store)] == ["1", "3"]
    assert [one.row.attributes["id"] for one in rows.refused.values()] == ["2"]


async def test_down_longer_than_the_logs_memory_asks_the_record(tmp_path: Path, events: list[EventContract]) -> None:
    """The relay before appended and died before it settled; meanwhile the log has forgotten."""
    store = await SqliteStore.open(tmp_path / "store.db", dedupe_bucket_seconds=1)
    reader = SqliteReader(tmp_path / "store.db")
    rows = filled(("1", order_text(1)), ("2", order_text(2)), age_seconds=100)
    first = await led(relay_over(MemorySource(rows), store, events, record=reader, dedupe_seconds=1.0))
    good, _ = first._checked(await first._outbox.read(1))
    await first._append(good)
    await store.expire(1 << 62)
    rows.leader = None
    asleep = FailingLog(store)  # type: ignore[arg-type]
    second = await led(relay_over(MemorySource(rows), asleep, events, record=reader, dedupe_seconds=1.0))
    assert await second.publish_next() == 2
    assert asleep.calls == [["2"]]
    assert not rows.rows
    assert sorted(event.id for event in await logged(store)) == ["1", "2"]
    await reader.close()
    await store.close()


async def test_back_pressure_holds_for_rows_too(store: MemoryStore, events: list[EventContract]) -> None:
    rows = filled(("1", order_text(1)))
    held: list[Any] = [TooManyRequests("Too many accepted events wait to be handled.")]
    relay = relay_over(MemorySource(rows), store, events, admission=lambda: held[0])
    running = asyncio.create_task(relay.run())
    await until(lambda: answered(lambda: relay.figures.code == "too_many_requests"))
    assert await logged(store) == []
    held[0] = None
    await until(lambda: answered(lambda: not rows.rows))
    relay.stop()
    await running


async def test_two_relays_publish_each_row_once_and_the_second_goes_on(
    database: Database, store: MemoryStore, events: list[EventContract]
) -> None:
    database.run(*(database.insert(f"a{number}", order_text(number)) for number in range(20)))
    relays = [relay_over(database.source(), store, events, batch=3) for _ in range(2)]
    running = [asyncio.create_task(relay.run()) for relay in relays]
    await until(lambda: count(store, 20))
    assert sum(relay.figures.leads for relay in relays) == 1
    leader = relays[0] if relays[0].figures.leads else relays[1]
    leader.stop()
    await running[relays.index(leader)]
    database.run(database.insert("b", order_text(99)))
    await until(lambda: count(store, 21))
    other = relays[1] if leader is relays[0] else relays[0]
    assert other.figures.leads
    assert [event.id for event in await logged(store)] == [*(f"a{number}" for number in range(20)), "b"]
    assert sum(relay.figures.duplicates for relay in relays) == 0
    other.stop()
    await asyncio.gather(*running)


async def count(store: Any, wanted: int) -> bool:
    return len(await logged(store)) == wanted


async def test_a_wrong_row_in_a_real_table_is_corrected_by_hand(
    database: Database, store: MemoryStore, events: list[EventContract]
) -> None:
    database.run(
        database.insert("bad", '{"order_id": "O-1"}'),
        database.insert("good", order_text(2)),
        database.insert("strange", "no json at all"),
    )
    relay = relay_over(database.source(), store, events)
    running = asyncio.create_task(relay.run())
    await until(lambda: count(store, 1))
    await until(lambda: answered(lambda: relay.figures.refused == 2))
    found = database.run(f"SELECT id, refused, reason FROM {database.table} ORDER BY seq")
    assert [(row[0], row[1]) for row in found] == [("bad", "contract_violation"), ("strange", "malformed_request")]
    assert "customer_id" in found[0][2]
    database.run(f"UPDATE {database.table} SET data = '{order_text(1)}', refused = NULL WHERE id = 'bad'")
    await until(lambda: count(store, 2))
    relay.stop()
    await running


async def test_text_that_is_no_utf8_is_refused_where_a_database_lets_it_in(
    tmp_path: Path, store: MemoryStore, events: list[EventContract]
) -> None:
    database = new("sqlite", tmp_path)
    database.run(
        "INSERT INTO interlock_outbox (id, type, data) VALUES ('a', 'orders.OrderPlaced', CAST(x'22ff22' AS TEXT))",
        "INSERT INTO interlock_outbox (id, type, data) VALUES (CAST(x'ff' AS TEXT), 'orders.OrderPlaced', '{}')",
        "INSERT INTO interlock_outbox (id, type, data) VALUES (7, 'orders.OrderPlaced', 8)",
        database.insert("good", order_text(1)),
    )
    relay = await led(relay_over(database.source(), store, events))
    assert await relay.publish_next() == 4
    assert [event.id for event in await logged(store)] == ["good"]
    assert relay.figures.refused == 3
    await relay._outbox.close()
