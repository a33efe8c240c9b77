"""Each store gives all its rows and takes them: whatever is lost or altered on the way stops the move."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import postgres
import psycopg
import pytest

from interlock.adapters.postgres import PostgresStore
from interlock.adapters.postgres import archive as postgres_archive
from interlock.adapters.postgres.archive import PostgresArchive, PostgresRestoration
from interlock.adapters.sqlite import SqliteReader, SqliteStore
from interlock.adapters.sqlite.archive import SqliteArchive, SqliteRestoration
from interlock.app import migrating
from interlock.app.migrating import carry, compare, digest
from interlock.model.archive import EVENT, KINDS, Kind, Places, Row
from interlock.model.handling import HandlingState
from interlock.model.lookup_segment import SEAL_EVENTS
from interlock.model.problems import AlreadyRunning, NotFound, Problem, StorageCorrupt
from interlock.model.step import Add, Commit, CursorMove, Put, Step, StepResult
from interlock.testing.samples import (
    FLOW,
    TYPE,
    answer,
    append,
    delivery,
    event,
    events,
    failed,
    handling,
    held,
    refusal,
    start,
    submit,
)

PARTITIONS = 3


async def fill(path: Path, many: int = 40) -> None:
    """Something of every kind, and a cursor that stands between two events of its partition."""
    store = await SqliteStore.open(path, partitions=PARTITIONS)
    epoch = await store.acquire(start(), {FLOW: [TYPE]})
    for first in range(0, many, 20):
        await append(store, [event(number, number % PARTITIONS) for number in range(first, first + 20)])
    parked = Step(handling(1, HandlingState.PARKED), failed=failed(1, 1), hold=held(1, HandlingState.PARKED))
    done = Step(
        handling(4, partition=0),
        StepResult(
            puts=(Put("stock", "a", b"1"), Put("stock", "ü", b"2")),
            adds=(Add("sold", "a", 3, 0, None),),
            emits=(event(9000, 2),),
            calls=(delivery("d1"),),
        ),
        answer=answer("scope"),
    )
    commit = Commit(epoch, [parked, done], [CursorMove(FLOW, 0, 3), CursorMove(FLOW, 1, 2)], [refusal(3)])
    assert await submit(store, commit) == [None, None]
    await store.close()


async def sqlite_target(folder: Path) -> SqliteRestoration:
    return SqliteRestoration(folder / "target.db", PARTITIONS)


@pytest.fixture
def schema():
    made = postgres.new_schema(0)
    yield made
    postgres.give_back(made, 0)


async def carried(source: SqliteArchive, target):
    meta = await source.meta()
    await target.begin(meta)
    before, after = await carry(source, target, meta.partitions, lambda kind, count: None)
    return before.result(), after.result()


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_every_kind_of_row_arrives(kind, tmp_path, schema):
    await fill(tmp_path / "source.db")
    source = SqliteArchive(tmp_path / "source.db")
    if kind == "sqlite":
        target = await sqlite_target(tmp_path)
    else:
        target = await PostgresRestoration.make(postgres.database(), schema, PARTITIONS)
    before, after = await carried(source, target)
    assert before == after
    registry = {"schema_content", "schema_version", "schema_reference", "schema_setting"}
    counts = {row.kind: row.rows for row in before}
    assert counts.keys() | registry >= {EVENT.name, *(one.name for one in KINDS)} - {"delivery_attempt"}
    assert counts["event"] == 41
    assert counts["claim"] == 40
    await target.close()
    await source.close()


async def test_what_was_not_committed_is_not_there(tmp_path, schema):
    await fill(tmp_path / "source.db")
    source = SqliteArchive(tmp_path / "source.db")
    target = await PostgresRestoration.make(postgres.database(), schema, PARTITIONS)
    await carried(source, target)
    await target.close()
    again = await PostgresRestoration.make(postgres.database(), schema, PARTITIONS)
    await again.close()
    here = await sqlite_target(tmp_path)
    await carried(source, here)
    await here.close()
    assert not (tmp_path / "target.db").exists()
    await source.close()


class Forgetful(SqliteRestoration):
    async def add(self, kind: Kind, rows: Sequence[Row]) -> None:
        await super().add(kind, rows[:-1] if kind.name == "state" else rows)


class Garbling(SqliteRestoration):
    async def add(self, kind: Kind, rows: Sequence[Row]) -> None:
        await super().add(kind, [(*row[:-1], b"other") for row in rows] if kind.name == "state" else rows)


class Shifting(SqliteRestoration):
    """Marks that stand at the wrong event: handled ones would run again."""

    async def add(self, kind: Kind, rows: Sequence[Row]) -> None:
        if kind.name == "handling":
            rows = [(*row[:2], row[2] + 3, *row[3:]) for row in rows]
        await super().add(kind, rows)


@pytest.mark.parametrize("broken", [Forgetful, Garbling, Shifting])
async def test_what_does_not_arrive_as_it_was_stops_the_move(broken, tmp_path, monkeypatch):
    await fill(tmp_path / "source.db")

    async def source(estate, opened):
        found = SqliteArchive(tmp_path / "source.db")
        opened.push_async_callback(found.close)
        return found

    async def target(estate, to, meta, schema, opened):
        made = broken(tmp_path / "target.db", meta.partitions)
        opened.push_async_callback(made.close)
        await made.begin(meta)
        return made

    monkeypatch.setattr(migrating, "open_source", source)
    monkeypatch.setattr(migrating, "make_target", target)
    estate = SimpleNamespace(
        settings=SimpleNamespace(stores=SimpleNamespace(kind="sqlite", log="state", dsn="env:NAME"))
    )
    with pytest.raises(StorageCorrupt, match=r"Nothing was moved"):
        await migrating.move(estate, "postgres", "", lambda kind, count: None)
    assert not (tmp_path / "target.db").exists()
    store = await SqliteStore.open(tmp_path / "source.db", partitions=PARTITIONS)  # goes on as if nothing had been
    await store.close()


async def test_a_long_log_can_be_searched_at_its_new_place(tmp_path):
    store = await SqliteStore.open(tmp_path / "source.db", partitions=1)
    count = 2 * SEAL_EVENTS + 100
    for first in range(0, count, 1000):
        await append(store, events(first, min(1000, count - first)))
    await store.close()
    source, target = SqliteArchive(tmp_path / "source.db"), SqliteRestoration(tmp_path / "target.db", 1)
    before, after = await carried(source, target)
    compare(before, after)
    await target.commit()
    await target.close()
    await source.close()
    reader = SqliteReader(tmp_path / "target.db")
    for number in (0, SEAL_EVENTS - 1, SEAL_EVENTS, count - 1):
        assert [found.position for found in await reader.find_events(event(number).id)] == [number + 1]
    await reader.close()


async def test_an_altered_body_stops_the_move(tmp_path):
    await fill(tmp_path / "source.db")
    source = SqliteArchive(tmp_path / "source.db")
    source._connection.execute("UPDATE log SET body = x'7b7d' WHERE position = 7")
    with pytest.raises(StorageCorrupt):
        await digest(source, Places(PARTITIONS))
    await source.close()


async def test_what_a_move_is_still_committing_is_not_taken_for_missing(
    schema: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else `migrate --stay` would open the source again, and the target came to be a moment later: two live stores."""
    monkeypatch.setattr(postgres_archive, "WAITS", 1)
    dsn = postgres.database()
    target = await PostgresRestoration.make(dsn, schema, PARTITIONS)
    with pytest.raises(AlreadyRunning):
        await PostgresArchive.open(dsn, schema=schema)
    await target.close()
    with pytest.raises(NotFound):
        await PostgresArchive.open(dsn, schema=schema)


async def test_an_engine_that_was_cut_off_writes_nothing_into_a_store_that_left(schema: str) -> None:
    """Its session is over, so a move may begin; when it comes back it would append what nobody carries."""
    dsn = postgres.database()
    store = await PostgresStore.open(dsn, schema=schema, partitions=PARTITIONS)
    await store.acquire(start(), {FLOW: [TYPE]})
    await append(store, [event(1, 0)])
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as other:
        await other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND classid = "
            "hashtext('interlock owner')::oid AND objid = hashtext(%s)::oid",
            (schema,),
        )
        archive = await PostgresArchive.open(dsn, schema=schema)
        late = asyncio.create_task(append(store, [event(2, 0)]))  # while all is being carried
        await asyncio.sleep(0.5)
        assert not late.done()
        await archive.leave("elsewhere", whole=False)
        with pytest.raises(Problem):
            await late
        await archive.leave("elsewhere", whole=True)
        await archive.close()
        with pytest.raises(Problem):
            await append(store, [event(3, 0)])
        for enter in (
            store.acquire(start(), {FLOW: [TYPE]}),
            store.join(start(), {FLOW: [TYPE]}, "w", runs_flows=True, lease_seconds=5),
        ):
            with pytest.raises(Problem):
                await enter
        found = await (await other.execute(f"SELECT count(*) FROM {schema}.log")).fetchone()
        assert found == (1,)
    with suppress(Problem):
        await store.close()
