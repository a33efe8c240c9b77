"""A connection that is lost at the commit: what became of the batch is asked, never guessed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import postgres
import psycopg
import pytest

from interlock.adapters.postgres import PostgresStore, committer, sql
from interlock.adapters.postgres.session import Found, Session
from interlock.model.event import Appended, Stored
from interlock.model.problems import StorageUnavailable
from interlock.model.step import CursorMove, Step, StepResult
from interlock.testing.samples import FLOW, TYPE, append, commit, event, events, handling, start, submit
from interlock.testing.steps import refill

from .proxy import Proxy

WAYS = ("answer", "request", "late")


def count(schema: str, table: str) -> int:
    with psycopg.connect(postgres.database()) as connection:
        return int(connection.execute(f"SELECT count(*) FROM {schema}.{table}").fetchone()[0])  # type: ignore


async def append_while(proxy: Proxy, schema: str, how: str) -> tuple[list[Appended], list[Stored], int]:
    """Five events whose commit meets the fault, after five others; their places, what was heard, what is there."""
    store = await PostgresStore.open(proxy.dsn, schema=schema)
    heard: list[Stored] = []
    store.listen(heard.extend)
    await append(store, events(0, 5, 1))
    proxy.at_commit = how
    places = await asyncio.wait_for(append(store, events(10, 5, 1)), 10)
    assert proxy.at_commit is None
    await proxy.deliver()
    await append(store, events(20, 1, 1))
    await store.close()
    return places, heard, count(schema, "log")


@pytest.mark.parametrize("how", WAYS)
async def test_events_are_appended_once_and_told_where(proxy: Proxy, schema: str, how: str) -> None:
    places, heard, found = await append_while(proxy, schema, how)
    assert places == [Appended(1, position, False) for position in range(6, 11)]
    assert [stored.position for stored in heard] == list(range(1, 12))
    assert found == 11


async def commit_while(proxy: Proxy, schema: str, how: str) -> tuple[Sequence[Any], int, int, dict[int, int]]:
    store = await PostgresStore.open(proxy.dsn, schema=schema)
    epoch = await store.acquire(start(), {FLOW: [TYPE]})
    emitting = StepResult(adds=refill("s", 1).adds, emits=(event(7, 2),))
    proxy.at_commit = how
    batch = commit(
        epoch, *(Step(handling=handling(n), result=emitting) for n in (1, 2)), cursors=[CursorMove(FLOW, 0, 2)]
    )
    outcomes = await asyncio.wait_for(submit(store, batch), 10)
    assert proxy.at_commit is None
    await proxy.deliver()
    await submit(store, commit(epoch, Step(handling=handling(3))))
    seen = await store.counter("stock", "s"), await store.cursors(FLOW)
    await store.close()
    return outcomes, seen[0], count(schema, "log"), seen[1]


@pytest.mark.parametrize("how", WAYS)
async def test_steps_are_applied_once(proxy: Proxy, schema: str, how: str) -> None:
    outcomes, counted, emitted, cursors = await commit_while(proxy, schema, how)
    assert (outcomes, counted, emitted, cursors[0]) == ([None, None], 2, 2, 2)
    assert count(schema, "handling") == 3


async def test_who_waits_meanwhile_is_told_and_who_is_in_doubt_is_kept(proxy: Proxy, schema: str) -> None:
    store = await PostgresStore.open(proxy.dsn, schema=schema)
    await append(store, [event(100)])
    proxy.at_commit, proxy.refusing = "answer", True
    doubtful = asyncio.create_task(append(store, events(0, 5)))
    await asyncio.sleep(0.1)
    problem = (await asyncio.gather(append(store, events(10, 5)), return_exceptions=True))[0]
    assert type(problem).__name__ == "StorageUnavailable"
    assert not doubtful.done()
    proxy.refusing = False
    assert len(await asyncio.wait_for(doubtful, 10)) == 5
    assert len(await append(store, events(10, 5))) == 5
    await store.close()
    assert count(schema, "log") == 11


async def test_who_may_send_again_is_not_kept_in_doubt_for_as_long_as_the_server_is_away(
    proxy: Proxy, schema: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five events are stored, and their sender cannot know. It sends them again: they are known."""
    monkeypatch.setattr(committer, "DOUBT_SECONDS", 0.3)
    store = await PostgresStore.open(proxy.dsn, schema=schema)
    await append(store, [event(100)])
    proxy.at_commit, proxy.refusing = "answer", True
    with pytest.raises(StorageUnavailable):
        await asyncio.wait_for(append(store, events(0, 5)), 20)
    proxy.refusing = False
    async with asyncio.timeout(20):
        while True:
            with suppress(StorageUnavailable):
                places = await append(store, events(0, 5))
                break
            await asyncio.sleep(0.02)
    assert all(place.duplicate for place in places)
    await store.close()
    assert count(schema, "log") == 6


# Tests of the tests: who guesses, or forgets the guard, is caught.


class GuessesNothingWasDone(Session):
    async def open(self, *, in_doubt: bool = False) -> Found:
        await super().open(in_doubt=in_doubt)
        return Found(-1, ())


class GuessesItWasDone(Session):
    async def open(self, *, in_doubt: bool = False) -> Found:
        found = await super().open(in_doubt=in_doubt)
        return Found(self.batch, found.heads or (10,))


async def test_guessing_that_nothing_was_done_doubles(
    proxy: Proxy, schema: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("interlock.adapters.postgres.store.Session", GuessesNothingWasDone)
    places, _, _ = await append_while(proxy, schema, "answer")
    assert all(place.duplicate for place in places)  # only dedupe saves it; emitted events have none
    with pytest.raises(AssertionError):
        await test_steps_are_applied_once(proxy, schema, "answer")


async def test_guessing_that_it_was_done_loses(proxy: Proxy, schema: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("interlock.adapters.postgres.store.Session", GuessesItWasDone)
    with pytest.raises(AssertionError):
        await test_events_are_appended_once_and_told_where(proxy, schema, "request")


async def test_without_the_guard_a_late_request_is_done_too(
    proxy: Proxy, schema: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql, "WRITER_MARK", sql.WRITER_MARK.replace("AND session = $2::bigint", "AND $2::bigint > 0"))
    monkeypatch.setattr(sql, "HANDLE", sql.HANDLE + " ON CONFLICT DO NOTHING")
    with pytest.raises(AssertionError):
        await test_steps_are_applied_once(proxy, schema, "late")
