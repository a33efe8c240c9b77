"""A commit may be done although its answer says that the store is away: the engine sends it again, knows its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from flows.shop import OrderPlaced, Producer, estate_of
from interlock import Context, Flow, RetrySchedule
from interlock.adapters.memory import MemoryStore
from interlock.adapters.null_sink import NullSink
from interlock.adapters.system import SystemClock, SystemIds
from interlock.flows.engine import Engine
from interlock.flows.limits import FlowLimits
from interlock.model.handling import HandlingState, Mark
from interlock.model.problems import AlreadyHandled, StorageUnavailable
from interlock.model.record import DeliveryRow
from interlock.model.step import Commit, Step


class Forgetful(MemoryStore):
    """Loses the answer of each commit with a step that `loses` picks, once."""

    loses: Callable[[Step], bool] = staticmethod(lambda step: False)

    def submit(self, commit: Commit, done: Any) -> None:
        if any(map(self.loses, commit.steps)):
            self.loses = lambda step: False
            super().submit(commit, lambda outcomes, problem: done(None, StorageUnavailable("The answer was lost.")))
        else:
            super().submit(commit, done)


class Bench:
    def __init__(self, flow: Flow) -> None:
        self.store = Forgetful(2, secret=b"s" * 32)
        clock = SystemClock()
        limits = FlowLimits(tend_seconds=0.05, store_retry_seconds=0.01)
        self.engine = Engine(estate_of(flow), self.store, self.store, clock, SystemIds(), NullSink(), limits)
        self.called: list[DeliveryRow] = []
        self.engine.on_calls = self.called.extend
        self.producer = Producer(self.store, clock)

    async def start(self) -> None:
        await self.engine.acquire()
        await self.engine.start()

    def states(self) -> list[HandlingState]:
        tables = self.store.tables
        return [
            tables.handlings[Mark(*place, generation)].state for place, generation in sorted(tables.current.items())
        ]

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not true():  # noqa: ASYNC110 - tests poll from outside on purpose
                await asyncio.sleep(0.002)


def refusing() -> Flow:
    """Refuses n = 0 at first; its key waits for a person."""
    flow = Flow("late", owner="team", retry=RetrySchedule((0.01,)))

    @flow.on(OrderPlaced)
    async def handle(placed: OrderPlaced, ctx: Context) -> None:
        if placed.n == 0 and ctx.generation == 0:
            ctx.reject("not_yet")
        ctx.call("payments.charge", n=placed.n)

    return flow


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    made = Bench(refusing())
    await made.start()
    yield made
    await made.engine.drain(1)
    await made.store.close()


async def test_its_calls_are_made_at_once(bench: Bench) -> None:
    bench.store.loses = lambda step: bool(step.result.calls)
    bench.producer.place("a", 1)
    await bench.until(lambda: len(bench.called) == 1)
    assert [row.id for row in bench.called] == list(bench.store.tables.deliveries)


async def test_its_dead_letter_holds_the_key(bench: Bench) -> None:
    bench.store.loses = lambda step: step.hold is not None
    bench.producer.place("a", 0)
    await bench.until(lambda: HandlingState.DEAD in bench.states())
    bench.producer.place("a", 1)
    await bench.until(lambda: len(bench.states()) == 2)
    assert bench.states() == [HandlingState.DEAD, HandlingState.PARKED]


async def test_its_redrive_is_no_other_ones(bench: Bench) -> None:
    await dead(bench)
    bench.store.loses = lambda step: step.supersede is not None
    fresh = await bench.engine.redrive(Mark(*next(iter(bench.store.tables.held.values()))[:4]))
    assert fresh.generation == 1
    await bench.until(lambda: bench.states() == [HandlingState.DONE, HandlingState.DONE])


async def test_its_discard_lets_the_key_go_on(bench: Bench) -> None:
    await dead(bench)
    bench.store.loses = lambda step: step.supersede is not None
    letter = next(held for held in bench.store.tables.held.values() if held.state is HandlingState.DEAD)
    with pytest.raises(AlreadyHandled):  # by whom, the store does not say
        await bench.engine.discard(Mark(*letter[:4]))
    await bench.until(lambda: bench.states() == [HandlingState.DISCARDED, HandlingState.DONE])


async def dead(bench: Bench) -> None:
    """One dead letter, and one that waits behind it."""
    bench.producer.place("a", 0)
    await bench.until(lambda: HandlingState.DEAD in bench.states())
    bench.producer.place("a", 1)
    await bench.until(lambda: bench.states() == [HandlingState.DEAD, HandlingState.PARKED])
