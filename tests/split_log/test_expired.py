"""Events that the log outside dropped unread: their partition stands, others go on, and a person ends it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import pytest
from split import Split

from flows.shop import OrderPlaced, estate_of
from interlock import Context, Flow
from interlock.adapters.memory import MemoryStore
from interlock.adapters.memory_split import MemoryState
from interlock.adapters.memory_tables import Tables
from interlock.adapters.null_sink import NullSink
from interlock.flows.engine import Engine
from interlock.flows.limits import FlowLimits
from interlock.model.event import Event
from interlock.model.problems import NotFound, Problem
from interlock.operate.books import read_books
from interlock.operate.books_text import render
from interlock.operate.story_text import render as story_text
from interlock.operate.why import tell
from interlock.testing.fake_clock import FakeClock, settle
from interlock.testing.samples import append, event
from interlock.testing.seeded_ids import SeededIds

SECRET = b"s" * 32
FLOWS = {"story": ["orders.OrderPlaced"]}


class Run(NamedTuple):
    engine: Engine
    split: Split
    clock: FakeClock
    handled: list[str]
    problems: list[Problem]

    async def books(self) -> Any:
        return await read_books(self.split.state, FLOWS)  # type: ignore[arg-type]


class Place:
    """The log and the state, which stay while engines come and go."""

    def __init__(self) -> None:
        self.log_tables = Tables(4, 3600)
        self.state = MemoryState(4, secret=SECRET)
        self.clock = FakeClock()
        self.gate = asyncio.Event()
        self.gate.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Run]:
        handled: list[str] = []
        flow = Flow("story", owner="team")

        @flow.on(OrderPlaced)
        async def handle(placed: OrderPlaced, ctx: Context) -> None:
            await self.gate.wait()
            handled.append(ctx.event.id)

        split = Split(MemoryStore(secret=SECRET, tables=self.log_tables), self.state, self.clock)
        problems: list[Problem] = []
        split.log.on_failure = problems.append
        limits, ids = FlowLimits(tend_seconds=1.0, in_flight=2), SeededIds(1, self.clock)
        engine = Engine(estate_of(flow), split.log, self.state, self.clock, ids, NullSink(), limits)
        engine.on_fenced = problems.append
        await split.log.catch_up()
        await engine.acquire()
        await engine.start()
        await settle()
        try:
            yield Run(engine, split, self.clock, handled, problems)
        finally:
            await engine.drain(0)
            await split.log.close()


def order(number: int, partition: int = 1) -> Event:
    return event(number, partition)._replace(
        type="orders.OrderPlaced", version="1.0.0", body=b'{"order_id":"A-%d","n":1}' % number, key_hash=number
    )


async def until(what: Callable[[], object]) -> None:
    for _ in range(2000):
        if what():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("it did not come to that")


async def test_a_cursor_before_the_log_stands_and_a_person_ends_it(caplog: pytest.LogCaptureFixture) -> None:
    """Six events are indexed, two of them under way when the log drops the first five: what is in memory goes on."""
    caplog.set_level(logging.INFO, "interlock")
    place = Place()
    place.gate.clear()
    async with place.running() as run:
        await append(run.split.log, [order(number) for number in range(6)])
        await until(lambda: run.split.log.head(1) == 6 and run.engine.figures()[0].in_flight == 2)
        place.log_tables.forget(1, 5)
        place.gate.set()
        await until(lambda: run.engine.figures()[0].expired)
        await append(run.split.log, [order(10, 2)])
        await until(lambda: "e000010" in run.handled)
        assert run.handled == ["e000000", "e000001", "e000010"]
        await run.clock.advance(3)
        assert run.engine.lag == 0, "callers are not held back for what waiting does not mend"
        books = await run.books()
        assert books.balanced
        assert not books.settled
        [standing] = books.expired
        assert (standing.flow, standing.partition, standing.through) == ("story", 1, 5)
        assert (standing.types, standing.ids, standing.unseen) == (
            {"orders.OrderPlaced": 3},
            ("e000002", "e000003", "e000004"),
            0,
        )
        assert "interlock expired list" in render(books)
        with pytest.raises(NotFound, match="does not stand in partition 2"):
            await run.engine.give_up_expired("story", 2, "retention")
        given = await run.engine.give_up_expired("story", 1, "retention")
        assert (given.events, given.unseen, given.through) == (3, 0, 5)
        await until(lambda: "e000005" in run.handled)
        await run.clock.advance(3)
        books = await run.books()
        assert (books.balanced, books.settled, books.expired) == (True, True, ())
        assert (books.sums[0].done, books.sums[0].discarded) == (4, 3)
        told = story_text(await tell(run.split.state, "e000003", FLOWS))  # type: ignore[arg-type]
        assert "discarded: expired:retention" in told
        assert run.problems == []
    names = [record.msg for record in caplog.records if str(record.msg).startswith("flow.")]
    assert names == ["flow.expired", "flow.gave_up_expired"]


async def test_what_expired_while_nobody_ran_stands_after_the_start_too() -> None:
    """Of the gap 3 events were indexed, two more came while no engine ran: nobody knows what they were."""
    place = Place()
    async with place.running() as run:
        await append(run.split.log, [order(0)])
        await until(lambda: run.handled)
        await run.clock.advance(3)
    place.log_tables.append([order(number) for number in range(1, 4)])
    place.log_tables.forget(1, 3)
    async with place.running() as run:
        await until(lambda: run.engine.figures()[0].expired)
        [standing] = (await run.books()).expired
        assert (standing.events, standing.unseen, standing.after, standing.through) == (0, 2, 1, 3)
    async with place.running() as run:
        await until(lambda: run.engine.figures()[0].expired)
        given = await run.engine.give_up_expired("story", 1, "retention")
        assert (given.events, given.unseen) == (0, 2)
        await until(lambda: run.handled)
        assert run.handled == ["e000003"]
        await run.clock.advance(3)
        books = await run.books()
        assert (books.balanced, books.settled) == (True, True)
        assert run.problems == []
    async with place.running() as run:
        assert run.engine.figures()[0].expired == 0


async def test_a_gap_that_held_nothing_for_the_flow_is_none() -> None:
    place = Place()
    async with place.running() as run:
        await append(run.split.log, [order(0)])
        await until(lambda: run.handled)
        await append(run.split.log, [order(number)._replace(type="orders.Other") for number in range(1, 4)])
        await until(lambda: run.split.log.head(1) == 4)
    place.log_tables.forget(1, 4)
    place.log_tables.append([order(5)])
    async with place.running() as run:
        await until(lambda: run.handled)
        assert (run.handled, run.engine.figures()[0].expired) == (["e000005"], 0)
        assert (await run.books()).expired == ()


async def test_a_gap_that_the_index_meets_while_all_is_quiet_wakes_the_flows() -> None:
    """No event of their types comes: without the call they would be taken to have read all there is."""
    place = Place()
    async with place.running() as run:
        place.log_tables.append([order(number) for number in range(3)])
        place.log_tables.forget(1, 2)
        place.log_tables.append([order(7)._replace(type="orders.Other")])
        run.split.log._wake.set()
        await until(lambda: run.split.log.head(1) == 4)
        await run.clock.advance(3)
        await settle()
        assert run.engine.figures()[0].expired == 1
        assert run.handled == []
        [standing] = (await run.books()).expired
        assert (standing.events, standing.unseen) == (0, 2), "the third is there still"
