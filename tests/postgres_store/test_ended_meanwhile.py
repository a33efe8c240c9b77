"""A member that another one ends while its batch is under way comes out as fenced, however the batch is gone about.

Each way is reached as in life: the tries before it fail of what another writer, or the driver, would say.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

import postgres
import pytest

from interlock.adapters.postgres import PostgresStore, sql
from interlock.adapters.postgres.session import Session
from interlock.adapters.postgres.transaction import Committed, Wanted, Way
from interlock.adapters.postgres.work import CommitWork
from interlock.model.problems import Fenced, Problem
from interlock.model.step import Commit, CursorMove, Step, StepResult
from interlock.testing.samples import FLOW, TYPE, commit, event, handling, start, submit
from interlock.testing.steps import problem_of, puts

EMITTING = Step(handling=handling(1), result=StepResult(puts=puts("a").puts, emits=(event(7, 2),)))
UNLEASED = Step(result=puts("a"))  # as an edge commits them
BATCHES: dict[str, Callable[[int], Commit]] = {
    "steps": lambda epoch: commit(epoch, EMITTING),
    "steps and a cursor": lambda epoch: commit(epoch, EMITTING, cursors=[CursorMove(FLOW, 0, 1)]),
    "a cursor": lambda epoch: commit(epoch, cursors=[CursorMove(FLOW, 0, 1)]),
    "without a lease": lambda epoch: commit(epoch, UNLEASED),
}
EVERY_WAY = pytest.mark.parametrize("way", Way, ids=lambda way: way.name)
EVERY_BATCH = pytest.mark.parametrize("batch", BATCHES)


class Pair(NamedTuple):
    """Who writes, and who ends it."""

    store: PostgresStore
    epoch: int
    other: PostgresStore

    async def end(self) -> None:
        await self.other.leave(self.epoch)

    async def written(self) -> bool:
        cursors = await self.other.cursors(FLOW)
        emitted = (await self.other.read(2, 0, 10)).events
        return bool(emitted or cursors[0] or await self.other.get("orders", "a"))


@asynccontextmanager
async def pair(schema: str) -> AsyncIterator[Pair]:
    stores = [await PostgresStore.open(postgres.database(), schema=schema) for _ in range(2)]
    try:
        epochs = [
            await one.join(start(), {FLOW: [TYPE]}, "host", runs_flows=True, lease_seconds=60.0) for one in stores
        ]
        await stores[0].claim(epochs[0], [0])
        yield Pair(stores[0], epochs[0], stores[1])
    finally:
        for store in stores:
            await store.close()


async def overtaken(session: Session) -> None:
    """What a guard says when another writer was faster."""
    await session.live.execute(b"SELECT must(false, 'version')")


async def unsendable(session: Session) -> None:
    raise ValueError("the driver cannot send this")


BEFORE = {Way.PLAIN: [], Way.CAREFUL: [overtaken], Way.LOCKED: [overtaken, overtaken], Way.ALONE: [unsendable]}


def at(pair: Pair, way: Way, then: Callable[[], Awaitable[None]]) -> list[Way]:
    """Lead the next batch to this way, and do that as it begins there. The ways that were gone, as they are gone."""
    transaction, gone = pair.store._transaction, list[Way]()
    genuine, hindrances = transaction._try, list(BEFORE[way])

    async def hindered(this: Way, works: Sequence[Wanted], waiting: Callable[[Problem], None]) -> Committed:
        gone.append(this)
        if hindrances:
            await hindrances.pop(0)(pair.store._session)
        transaction._try = genuine  # type: ignore[method-assign]
        await then()
        return await genuine(this, works, waiting)

    transaction._try = hindered  # type: ignore[method-assign]
    return gone


def before_it_writes(pair: Pair, then: Callable[[], Awaitable[None]]) -> None:
    session = pair.store._session
    genuine = session.write

    async def late(*arguments: object, **options: object) -> Sequence[int]:
        session.write = genuine  # type: ignore[method-assign]
        await then()
        return await genuine(*arguments, **options)  # type: ignore[arg-type]

    session.write = late  # type: ignore[method-assign]


async def ended_before_it_looks(schema: str, way: Way, batch: str) -> None:
    async with pair(schema) as both:
        gone = at(both, way, both.end)
        assert isinstance(await problem_of(submit(both.store, BATCHES[batch](both.epoch))), Fenced)
        assert gone[-1] is way
        assert not await both.written()


async def ended_before_it_writes(schema: str, way: Way, batch: str) -> None:
    async with pair(schema) as both:

        async def then() -> None:
            before_it_writes(both, both.end)

        gone = at(both, way, then)
        assert isinstance(await problem_of(submit(both.store, BATCHES[batch](both.epoch))), Fenced)
        assert gone[-1] is way
        assert not await both.written()


@EVERY_BATCH
@EVERY_WAY
async def test_ended_before_it_looks(schema: str, way: Way, batch: str) -> None:
    await ended_before_it_looks(schema, way, batch)


@EVERY_BATCH
@pytest.mark.parametrize("way", [Way.PLAIN, Way.CAREFUL], ids=lambda way: way.name)
async def test_ended_between_look_and_write(schema: str, way: Way, batch: str) -> None:
    await ended_before_it_writes(schema, way, batch)


@pytest.mark.parametrize("way", [Way.LOCKED, Way.ALONE], ids=lambda way: way.name)
async def test_who_holds_its_row_is_ended_after_its_commit(schema: str, way: Way) -> None:
    async with pair(schema) as both:
        ending: list[asyncio.Task[None]] = []

        async def end_soon() -> None:
            ending.append(asyncio.create_task(both.end()))
            done, _ = await asyncio.wait(ending, timeout=0.3)
            assert not done  # it waits for the row

        async def then() -> None:
            before_it_writes(both, end_soon)

        gone = at(both, way, then)
        assert await submit(both.store, BATCHES["steps and a cursor"](both.epoch)) == [None]
        assert gone[-1] is way
        await asyncio.wait_for(ending[0], 20)
        assert await both.written()
        again = commit(both.epoch, Step(handling=handling(2)))
        assert isinstance(await problem_of(submit(both.store, again)), Fenced)


# Tests of the tests: each of the two guards is missed.


@EVERY_WAY
async def test_who_does_not_look_who_lives_is_caught(schema: str, way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CommitWork, "_fence", lambda self, known: None)
    with pytest.raises(AssertionError):
        await ended_before_it_looks(schema, way, "steps")


@pytest.mark.parametrize("way", [Way.PLAIN, Way.CAREFUL], ids=lambda way: way.name)
async def test_who_does_not_ask_in_the_transaction_is_caught(
    schema: str, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql, "MUST_LIVE", "SELECT $1::bigint, $2::bigint[]")
    with pytest.raises(AssertionError):
        await ended_before_it_writes(schema, way, "steps")
