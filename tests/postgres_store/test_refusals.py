"""What PostgreSQL cannot hold, and what it is out of room for."""

from __future__ import annotations

import asyncio

import postgres
import psycopg
import pytest

from interlock.adapters.postgres import PostgresReader, PostgresStore
from interlock.model.lookup_segment import SEAL_EVENTS
from interlock.model.problems import StorageFull, StorageUnavailable, Unexpected
from interlock.model.step import Put, Step, StepResult
from interlock.testing.samples import FLOW, TYPE, append, commit, event, events, handling, start, submit
from interlock.testing.steps import kinds, puts

NUL, SURROGATE = "a\0b", "\ud800"


def executed(schema: str, *statements: str) -> None:
    with psycopg.connect(postgres.database(), autocommit=True) as connection:
        connection.execute(f"SET search_path = {schema}")  # type: ignore[call-overload]
        for statement in statements:
            connection.execute(statement)  # type: ignore[call-overload]


@pytest.mark.parametrize("text", [NUL, SURROGATE])
async def test_a_step_that_cannot_be_stored_fails_alone(schema: str, text: str) -> None:
    store = await PostgresStore.open(postgres.database(), schema=schema)
    epoch = await store.acquire(start(), {FLOW: [TYPE]})
    bad = StepResult(puts=(Put("orders", text, b"1"),), emits=(event(3, 1),))
    good = puts("a")._replace(emits=(event(1, 1),))
    steps = [
        Step(handling=handling(1), result=good),
        Step(handling=handling(2), result=bad),
        Step(handling=handling(3)),
    ]
    others = [submit(store, commit(epoch, Step(handling=handling(n)))) for n in range(10, 20)]
    outcomes, *rest = await asyncio.gather(submit(store, commit(epoch, *steps)), *others, append(store, events(50, 5)))
    assert kinds(outcomes) == [None, Unexpected, None]
    assert rest[:10] == [[None]] * 10
    assert await store.marks_after(FLOW, 0, 0) == {1, 3, *range(10, 20)}
    assert [stored.event.id for stored in (await store.read(1, 0, 10)).events] == ["e000001"]
    await submit(store, commit(epoch, Step(handling=handling(4), result=puts("b"))))
    await store.close()


async def test_an_event_that_cannot_be_stored_leaves_the_other_calls_standing(schema: str) -> None:
    store = await PostgresStore.open(postgres.database(), schema=schema)
    heard: list[str] = []
    store.listen(lambda fresh: heard.extend(stored.event.id for stored in fresh))
    calls = [append(store, [event(n)._replace(id=NUL) if n == 13 else event(n)]) for n in range(30)]
    found = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(one) is list for one in found] == [n != 13 for n in range(30)]
    assert isinstance(found[13], Unexpected)
    assert "U+0000" in found[13].step
    assert [place[0].position for place in found if isinstance(place, list)] == list(range(1, 30))  # no gap either
    assert heard == [event(n).id for n in range(30) if n != 13]
    await store.close()


async def test_a_full_disk_is_told_and_passes(schema: str) -> None:
    store = await PostgresStore.open(postgres.database(), schema=schema)
    await append(store, [event(1)])
    full = "RAISE EXCEPTION USING ERRCODE = 'disk_full', MESSAGE = 'could not extend file'"
    executed(
        schema,
        f"CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {full}; END $$",
        "CREATE TRIGGER full_disk BEFORE INSERT ON log EXECUTE FUNCTION full_disk()",
    )
    with pytest.raises(StorageFull):
        await append(store, [event(2)])
    executed(schema, "DROP TRIGGER full_disk ON log", "DROP FUNCTION full_disk")
    assert (await append(store, [event(2)]))[0].position == 2
    await store.close()


async def test_a_table_that_is_locked_is_waited_for_within_bounds(schema: str) -> None:
    store = await PostgresStore.open(postgres.database(), schema=schema)
    await append(store, [event(1)])
    await store._session.live.execute(b"SET lock_timeout = '100ms'")
    with psycopg.connect(postgres.database()) as outside:
        outside.execute(f"LOCK TABLE {schema}.log IN ACCESS EXCLUSIVE MODE")  # type: ignore[call-overload]
        with pytest.raises(StorageUnavailable):
            await append(store, [event(2)])
    assert (await append(store, [event(2)]))[0].position == 2
    await store.close()


async def test_sealed_stretches_are_found_like_the_open_end(schema: str) -> None:
    store = await PostgresStore.open(postgres.database(), schema=schema)
    for first in range(0, SEAL_EVENTS + 4000, 1000):
        await append(store, events(first, 1000, 2))
    await store.expire(0)
    await store.expire(0)
    with psycopg.connect(postgres.database()) as connection:
        query = f"SELECT partition, first, last FROM {schema}.segment"
        assert connection.execute(query).fetchall() == [(2, 1, SEAL_EVENTS)]  # type: ignore[call-overload]
    reader = await PostgresReader.open(postgres.database(), schema=schema)
    for number in (0, SEAL_EVENTS - 1, SEAL_EVENTS, SEAL_EVENTS + 3000):
        assert [row.position for row in await reader.find_events(event(number).id)] == [number + 1]
    assert await reader.find_events("nothing") == []
    await reader.close()
    await store.close()
