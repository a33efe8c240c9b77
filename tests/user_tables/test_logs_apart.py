"""Outboxes whose events go into a log outside the database: a real table, a real broker, and a relay that is killed."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import jetstream
import kafka
import postgres
import psycopg
import pytest

from interlock.app.stores import Stores, open_stores, place_of_store
from interlock.edge.source_relay import SourceRelay
from interlock.estate.contract_files import sound_events
from interlock.estate.estate import Estate
from interlock.estate.loader import load
from interlock.estate.starter import write_starter
from interlock.flows.indexed_log import IndexedLog
from interlock.model.event import Event
from interlock.ports.record_reader import RecordReader
from user_tables.databases import Database, new
from user_tables.relaying import order_text, relay_over, until

TESTS = Path(__file__).parents[1]
WINDOW_SECONDS = 1.0  # of the broker's memory
CUSTOMERS = 3
LOGS = ("jetstream", "kafka")
SOURCES = ("postgres", "sqlite")


@pytest.fixture
def estate(log: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Estate]:
    """With its state on PostgreSQL and its log in the broker that the test names."""
    name = f"t_{secrets.token_hex(6)}"
    write_starter(tmp_path / "shop", "shop")
    (tmp_path / "shop" / "interlock.toml").write_text(
        f'[estate]\nname = "shop"\n[server]\nport = 0\n'
        f'[stores]\nkind = "postgres"\nschema = "{name}"\nlog = "{log}"\npartitions = 4\n'
        f'[jetstream]\nstream = "{name}"\ndedupe_seconds = {WINDOW_SECONDS}\n[kafka]\ntopic = "{name}"\n'
    )
    monkeypatch.setenv("INTERLOCK_POSTGRES", postgres.database())
    if log == "jetstream":
        monkeypatch.setenv("INTERLOCK_NATS", jetstream.server().url)
    else:
        monkeypatch.setenv("INTERLOCK_KAFKA", kafka.server("tansu").address)
    yield load(tmp_path / "shop")
    with psycopg.connect(postgres.database(), autocommit=True) as connection:
        connection.execute(f"DROP SCHEMA IF EXISTS {name} CASCADE")  # type: ignore[call-overload]


class Opened(NamedTuple):
    stores: Stores
    record: RecordReader


@asynccontextmanager
async def opened(estate: Estate) -> AsyncIterator[Opened]:
    """As an engine opens them: all that the log has is indexed first."""
    async with AsyncExitStack() as stack:
        stores = await open_stores(estate)
        stack.push_async_callback(stores.close)
        record = await place_of_store(estate).reader()
        stack.push_async_callback(record.close)
        yield Opened(stores, record)


def relay_on(place: Opened, database: Database, estate: Estate, record: Any = None, window: float = 0.0) -> SourceRelay:
    contracts = sound_events(estate.root)
    return relay_over(
        database.source(), place.stores.log, contracts, record=record or place.record, dedupe_seconds=window, batch=4
    )


async def outside(place: Opened) -> list[Event]:
    """All that the broker keeps, in the order of its positions; what it took twice is there twice."""
    log = place.stores.log
    assert isinstance(log, IndexedLog)
    found: list[Event] = []
    for partition, head in enumerate(await log._log.heads()):
        after = 0
        while after < head:
            part = await log._log.read(partition, after, 1000)
            found += [stored.event for stored in part.events]
            after = part.through
    return found


def fill(database: Database, first: int, rows: int) -> None:
    numbers = range(first, first + rows)
    database.run(*(database.insert(f"e{n}", order_text(n, f"C-{n % CUSTOMERS}")) for n in numbers))


async def relay_all(relay: SourceRelay, database: Database) -> None:
    running = asyncio.create_task(relay.run())
    await until(lambda: emptied(database), 60)
    relay.stop()
    await running


async def emptied(database: Database) -> bool:
    (waiting,) = await asyncio.to_thread(database.run, f"SELECT count(*) FROM {database.table}")
    return bool(waiting[0] == 0)


async def killed_relay(database: Database, estate: Estate) -> None:
    """By its own hand, when the log has taken the first batch and before the rows are settled."""
    command = [sys.executable, "-m", "user_tables.dying_relay", database.kind, database.dsn, "", str(estate.root), ""]
    environment = {**os.environ, "PYTHONPATH": f"{TESTS}:{TESTS.parent}"}
    process = await asyncio.create_subprocess_exec(*command, env=environment)
    assert await asyncio.wait_for(process.wait(), 60) == -signal.SIGKILL


def each_once_in_order(found: list[Event], rows: int) -> None:
    """Of each customer in the order of the rows."""
    assert sorted(event.id for event in found) == sorted(f"e{number}" for number in range(rows))
    for customer in range(CUSTOMERS):
        mine = [f"e{number}" for number in range(rows) if number % CUSTOMERS == customer]
        assert [event.id for event in found if event.id in mine] == mine


@pytest.mark.parametrize("log", LOGS)
@pytest.mark.parametrize("source", SOURCES)
async def test_a_relay_killed_between_append_and_settlement(
    source: str, log: str, estate: Estate, tmp_path: Path
) -> None:
    """What it had appended is not appended again, and the rest follows in order."""
    database = new(source, tmp_path)
    fill(database, 0, 10)
    await killed_relay(database, estate)
    (left,) = database.run(f"SELECT count(*) FROM {database.table}")
    assert left[0] == 10, "nothing was settled"
    async with opened(estate) as place:
        assert len(await outside(place)) == 4
        fill(database, 10, 5)
        await relay_all(relay_on(place, database, estate), database)
        each_once_in_order(await outside(place), 15)


class Blind:
    """A record that has never heard of anything."""

    def __init__(self, record: RecordReader) -> None:
        self._record = record

    def __getattr__(self, name: str) -> Any:
        return getattr(self._record, name)

    async def recorded(self, identities: Any) -> set[Any]:
        return set()


@pytest.mark.parametrize("log", LOGS)
@pytest.mark.parametrize("look", [True, False], ids=["looks", "planted: does not look"])
async def test_down_for_longer_than_the_broker_remembers(look: bool, log: str, estate: Estate, tmp_path: Path) -> None:
    """The relay before appended and died; the next one looks in the log first. If it did not, the broker would have
    the events twice, and only the index would know."""
    database = new("sqlite", tmp_path)
    fill(database, 0, 4)
    async with opened(estate) as place:
        first = relay_on(place, database, estate)
        await first._outbox.lead()
        good, _ = first._checked(await first._outbox.read(10))
        await first._append(good)
        await first._outbox.close()
        await forgotten(first, good[0][1]._replace(id="probe"))
    fill(database, 4, 2)
    async with opened(estate) as place:
        record: Any = place.record if look else Blind(place.record)
        relay = relay_on(place, database, estate, record, WINDOW_SECONDS if log == "jetstream" else 0.0)
        await relay_all(relay, database)
        found = [event for event in await outside(place) if event.id != "probe"]
        assert (relay.figures.duplicates, len(found)) == ((4, 6) if look else (0, 10))
        if look:
            each_once_in_order(found, 6)
        await until(lambda: indexed(place, 6 + 1))


async def forgotten(relay: SourceRelay, probe: Event) -> None:
    """Until the broker takes a resend for a new event: it has forgotten what came before the probe, too."""

    async def taken_again() -> bool:
        before = relay.figures.duplicates
        assert await relay._appended([probe]) is None
        return relay.figures.duplicates == before

    assert await taken_again()
    await until(taken_again)


async def indexed(place: Opened, events: int) -> bool:
    """Each event counts once for the flows, however often the broker has it."""
    log = place.stores.log
    assert isinstance(log, IndexedLog)
    await log.catch_up()
    return sum(one.total for one in await place.record.carried() if one.place == "log") == events
