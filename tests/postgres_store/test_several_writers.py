"""Several processes on one schema: no position becomes visible before a lower one of its partition."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import postgres
import psycopg
import pytest

from interlock.adapters.postgres import PostgresStore, sql
from interlock.adapters.postgres.batch import Statement
from interlock.model.event import Stored
from interlock.model.problems import Fenced, StorageUnavailable
from interlock.model.step import CursorMove, Step, StepResult
from interlock.testing.samples import FLOW, TYPE, append, commit, event, events, handling, start, submit
from interlock.testing.steps import refill

PARTITIONS = 8
ROUNDS = 25


@asynccontextmanager
async def opened(schema: str, count: int) -> AsyncIterator[list[PostgresStore]]:
    stores = [await PostgresStore.open(postgres.database(), schema=schema) for _ in range(count)]
    try:
        yield stores
    finally:
        for store in stores:
            await store.close()


async def write(store: PostgresStore, name: int) -> None:
    """Batches over changing partitions, so that writers cross each other's locks."""
    for round_ in range(ROUNDS):
        first = name * 10_000 + round_ * 20
        await append(store, [event(first + nth, (nth * (name + 1)) % PARTITIONS) for nth in range(20)])


async def positions_seen(schema: str, stop: asyncio.Event) -> list[str]:
    """What a reader that only knows its cursor would miss: gaps that showed at any moment."""
    gaps: list[str] = []
    connection = await psycopg.AsyncConnection.connect(postgres.database(), autocommit=True)
    query = f"SELECT partition, count(*), max(position) FROM {schema}.log GROUP BY partition"
    while not stop.is_set():
        cursor = await connection.execute(query)  # type: ignore[call-overload]
        gaps += [f"{partition}: {count} of {top}" for partition, count, top in await cursor.fetchall() if count != top]
    await connection.close()
    return gaps


async def test_positions_become_visible_in_order(schema: str) -> None:
    async with opened(schema, 4) as stores:
        stop = asyncio.Event()
        watching = asyncio.create_task(positions_seen(schema, stop))
        await asyncio.gather(*(write(store, name) for name, store in enumerate(stores)))
        stop.set()
        assert await watching == []
        for partition in range(PARTITIONS):
            assert stores[0].head(partition) <= ROUNDS * 4 * 20


async def overtaking(schema: str) -> tuple[bool, list[str]]:
    """A writer that is slow to commit, and one behind it: whether that one came through first, and the gaps then."""
    async with opened(schema, 2) as (slow, quick):
        await append(quick, [event(1, 1)])
        written, go = asyncio.Event(), asyncio.Event()
        genuine = slow._session.write

        async def write_then_wait(
            statements: Sequence[Statement], partitions: Sequence[int], *, begun: bool
        ) -> list[int]:
            connection = slow._session.live
            for statement, bindings in ((sql.BEGIN, ()), *statements):
                await connection.execute(statement.encode(), bindings)
            written.set()
            await go.wait()
            return await genuine((), partitions, begun=True)

        slow._session.write = write_then_wait  # type: ignore[method-assign]
        first = asyncio.create_task(append(slow, [event(2, 1)]))
        await written.wait()
        second = asyncio.create_task(append(quick, [event(3, 1)]))
        await asyncio.sleep(0.3)
        overtaken, gaps = second.done(), await gaps_now(schema)
        go.set()
        await asyncio.gather(first, second)
        return overtaken, gaps


async def gaps_now(schema: str) -> list[str]:
    stop = asyncio.Event()
    watching = asyncio.create_task(positions_seen(schema, stop))
    await asyncio.sleep(0.1)
    stop.set()
    return await watching


async def test_nobody_overtakes_a_writer_that_is_slow_to_commit(schema: str) -> None:
    assert await overtaking(schema) == (False, [])


async def test_positions_from_a_sequence_are_caught(schema: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted bug: numbers that are given when the row is written, and not when it becomes visible."""
    async with opened(schema, 1):
        with psycopg.connect(postgres.database(), autocommit=True) as connection:
            connection.execute(f"CREATE SEQUENCE {schema}.place START 2")  # type: ignore[call-overload]
        monkeypatch.setattr(sql, "HEADS_LOCK", "SELECT 1 WHERE $1::bigint[] IS NOT NULL")
        tally = "SELECT $1::bigint[], $2::text[], $3::text[], $4::bigint[]"  # its rows would make the second one wait
        monkeypatch.setattr(sql, "CONTRACT_TALLY", tally)
        place = (
            "WITH place AS MATERIALIZED (SELECT partition, 0 AS base FROM unnest($1::bigint[], $2::bigint[]) "
            "AS n(partition, total)) "
        )
        planted = [
            place + one[one.index(", fresh AS") :].replace("base + nth AS", "nextval('place') - 1 AS")
            for one in sql.APPEND
        ]
        monkeypatch.setattr(sql, "APPEND", tuple(planted))
        overtaken, gaps = await overtaking(schema)
    with psycopg.connect(postgres.database(), autocommit=True) as connection:
        connection.execute(f"DROP SEQUENCE {schema}.place")  # type: ignore[call-overload]
    assert overtaken
    assert gaps


async def test_each_hears_all_in_order_whoever_wrote_it(schema: str) -> None:
    async with opened(schema, 3) as stores:
        heard: list[defaultdict[int, list[int]]] = [defaultdict(list) for _ in stores]

        def listener(mine: defaultdict[int, list[int]], fresh: list[Stored]) -> None:
            for position, stored in fresh:
                mine[stored.partition].append(position)

        for mine, store in zip(heard, stores, strict=True):
            store.listen(lambda fresh, mine=mine: listener(mine, fresh))  # type: ignore[misc]
        await asyncio.gather(*(write(store, name) for name, store in enumerate(stores)))
        async with asyncio.timeout(10):
            while any(sum(map(len, mine.values())) < 3 * ROUNDS * 20 for mine in heard):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        for mine in heard:
            assert all(found == list(range(1, len(found) + 1)) for found in mine.values())
            assert sum(map(len, mine.values())) == 3 * ROUNDS * 20
        for partition in range(PARTITIONS):
            part = await stores[1].read(partition, 0, 10_000)
            assert [stored.position for stored in part.events] == heard[1][partition]


async def test_partitions_that_are_not_followed_are_not_read(schema: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker of one partition pays for one; when it takes another one over, it reads on from its cursor."""
    async with opened(schema, 2) as (reading, writing):
        heard: list[Stored] = []
        reading.listen(heard.extend)
        await reading.follow([1])
        asked: list[object] = []
        genuine = reading._questions.all

        async def counting(statement: str, bindings: Sequence[object] = ()) -> object:
            asked.extend(bindings[:1] if statement == sql.READ else ())
            return await genuine(statement, bindings)

        monkeypatch.setattr(reading._questions, "all", counting)
        await append(writing, [event(number, number % 4) for number in range(40)])
        await append(reading, [event(number, number % 4) for number in range(100, 104)])
        await reading._look()
        assert {stored.event.partition for stored in heard} == {1}
        assert [stored.position for stored in heard] == list(range(1, 12))
        assert set(asked) == {1}
        await reading.follow([2])
        assert reading.head(2) == 11
        assert [stored.position for stored in (await reading.read(2, 4, 100)).events] == list(range(5, 12))
        await append(writing, [event(200, 2), event(201, 1)])
        await reading._look()
        assert [(stored.event.partition, stored.position) for stored in heard[11:]] == [(2, 12)]


async def test_what_could_not_be_read_before_an_own_commit_is_heard_in_order_later(
    schema: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reading session was lost and the writing one was not: found by restarts of a server under a cluster."""
    async with opened(schema, 2) as (reading, writing):
        heard: list[Stored] = []
        reading.listen(heard.extend)
        await reading.follow([0])
        genuine = reading._questions.all

        async def away(statement: str, bindings: Sequence[object] = ()) -> object:
            if statement == sql.READ:
                raise StorageUnavailable("The server is away.")
            return await genuine(statement, bindings)

        with monkeypatch.context() as patch:
            patch.setattr(reading._questions, "all", away)
            await append(writing, [event(1, 0)])
            await append(reading, [event(2, 0)])
            assert (heard, reading.head(0)) == ([], 0)
        await reading._look()
        assert [stored.position for stored in heard] == [1, 2]


async def test_another_writers_event_wakes_soon(schema: str) -> None:
    """By its notification: the pause between two looks is a second."""
    async with opened(schema, 2) as (reading, writing):
        heard = asyncio.Event()
        reading.listen(lambda fresh: heard.set())
        writing.listen(lambda fresh: None)
        await asyncio.sleep(0.3)
        loop = asyncio.get_running_loop()
        waits = []
        for number in range(5):
            heard.clear()
            begun = loop.time()
            await append(writing, [event(number)])
            await asyncio.wait_for(heard.wait(), 5)
            waits.append(loop.time() - begun)
            await asyncio.sleep(0.02)
        assert sorted(waits)[2] < 0.5, waits


async def test_one_event_sent_to_all_writers_is_appended_once(schema: str) -> None:
    async with opened(schema, 4) as stores:
        for round_ in range(20):
            batch = events(round_ * 10, 10)
            turned = [batch if nth % 2 else batch[::-1] for nth in range(4)]
            places = await asyncio.gather(*(append(store, part) for store, part in zip(stores, turned, strict=True)))
            fresh = [place for several in places for place in several if not place.duplicate]
            assert len(fresh) == 10
            assert {place.position for several in places for place in several} == {place.position for place in fresh}


async def test_a_writer_whose_clock_is_behind_uses_the_newest_bucket(schema: str) -> None:
    options = {"schema": schema, "dedupe_bucket_seconds": 60}
    ahead = await PostgresStore.open(postgres.database(), **options)  # type: ignore[arg-type]
    behind = await PostgresStore.open(postgres.database(), **options)  # type: ignore[arg-type]
    first = (await append(behind, [event(1, at_seconds=0)]))[0]
    assert (await append(ahead, [event(1, at_seconds=61)]))[0].duplicate
    assert (await append(behind, [event(2, at_seconds=10)]))[0].duplicate is False
    assert (await append(ahead, [event(2, at_seconds=100)]))[0].duplicate
    assert not (await append(ahead, [event(1, at_seconds=400)]))[0].duplicate
    assert first.position == 1
    for store in (ahead, behind):
        await store.close()


async def test_an_owner_that_was_replaced_between_look_and_write_writes_nothing(
    schema: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(schema, 2) as (old, new):
        epoch = await old.acquire(start(), {FLOW: [TYPE]})
        genuine = old._session.write

        async def late(*arguments: object, **options: object) -> object:
            monkeypatch.setattr(old._session, "write", genuine)
            await new.acquire(start(), {FLOW: [TYPE]})
            return await genuine(*arguments, **options)  # type: ignore[arg-type]

        monkeypatch.setattr(old._session, "write", late)
        emitting = StepResult(adds=refill("s", 1).adds, emits=(event(7, 2),))
        batch = commit(epoch, Step(handling=handling(1), result=emitting), cursors=[CursorMove(FLOW, 0, 1)])
        with pytest.raises(Fenced):
            await submit(old, batch)
        assert await new.counter("stock", "s") == 0
        assert await new.marks_after(FLOW, 0, 0) == set()
        assert (await new.read(2, 0, 10)).events == ()


def unchecked(statement: str) -> str:
    """Writes what it finds, and does not count."""
    return statement.replace("must((SELECT count(*) FROM changed) =", "((SELECT count(*) FROM changed) =").replace(
        "bigint, 'cursor')", "bigint)"
    )


async def test_without_the_guard_of_the_epoch_it_would(schema: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql, "MUST_LIVE", "SELECT $1::bigint, $2::bigint[]")
    monkeypatch.setattr(sql, "CURSOR_MOVE", unchecked(sql.CURSOR_MOVE))
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        await test_an_owner_that_was_replaced_between_look_and_write_writes_nothing(schema, monkeypatch)
