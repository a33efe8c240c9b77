"""Processes that lost the same server at the same moment do not ask for it in step.

Twenty of each sort lose it at once. Wherever there is a fixed pause all of them ask within one hundredth of a second,
for as long as it is away.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from typing import Any

import pytest

from flows.members import LEASE_SECONDS, Fleet
from flows.shop import OrderPlaced
from interlock import Context, Flow
from interlock.adapters.memory import MemoryStore
from interlock.delivery.breaker import Breaker
from interlock.delivery.filling import Filling
from interlock.delivery.lane import Lane
from interlock.delivery.submission import commit_step
from interlock.flows.indexed_log import IndexedLog
from interlock.flows.relay import Relay
from interlock.flows.schedule import Scheduler
from interlock.model.hashing import KeyHasher
from interlock.model.ids import Ids
from interlock.model.problems import Problem, StorageUnavailable
from interlock.model.step import Step
from interlock.testing.fake_clock import FakeClock, settle
from interlock.testing.seeded_ids import SeededIds

PROCESSES = 20
SECONDS = 40.0
SLOT_US = 10_000
MOST_AT_ONCE = 5  # of twenty within a hundredth of a second, once the pauses have grown


class Away:
    """Every question to it is in vain, and written down. What is told at once is what a log or store says of itself."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.asked_us: list[int] = []
        store = MemoryStore(4, secret=b"s" * 32)
        self.log_capabilities, self.capabilities = store.log_capabilities, store.capabilities
        self.partitions, self.secret = 4, b"s" * 32

    def submit(self, commit: object, done: Any) -> None:
        self.asked_us.append(self._clock.monotonic_us())
        asyncio.get_running_loop().call_soon(done, None, StorageUnavailable("away"))

    def head(self, partition: int) -> int:
        return 1  # more than is indexed

    def listen(self, listener: object) -> None:
        pass

    on_emitted = listen

    def __getattr__(self, name: str) -> Any:
        async def ask(*arguments: object) -> None:
            self.asked_us.append(self._clock.monotonic_us())
            raise StorageUnavailable("away")

        return ask


def unexpected(problem: Problem) -> None:
    raise AssertionError(problem)


def deliveries(away: Any, clock: FakeClock, ids: Ids) -> Awaitable[None]:
    return commit_step(away, clock, ids, 1, Step())


async def filling(away: Any, clock: FakeClock, ids: Ids) -> None:
    lanes = {"lane": Lane("lane", 1, 10, 1000)}
    Filling(away, lanes, lanes["lane"], clock, ids, 10, lambda: None, lambda: None, unexpected).wake()


def relay(away: Any, clock: FakeClock, ids: Ids) -> Awaitable[None]:
    async def caught_up(partitions: Collection[int]) -> None:
        raise AssertionError(partitions)

    made = Relay(away, away, away, clock, ids, caught_up)
    made.follow([0, 1])
    return made.run()


def index(away: Any, clock: FakeClock, ids: Ids) -> Awaitable[None]:
    return IndexedLog(away, away, away, clock, ids)._index()


async def schedule(away: Any, clock: FakeClock, ids: Ids) -> None:
    flow = Flow("nightly", owner="team")

    @flow.every("0 3 * * *", name="close")
    async def close(tick: object, ctx: Context) -> None: ...

    await Scheduler([flow], away, away, clock, ids, KeyHasher(away.secret), unexpected).take(range(4))


@pytest.mark.parametrize("sort", [deliveries, filling, relay, index, schedule])
async def test_what_lost_a_server_together_asks_for_it_apart(sort: Callable[..., Awaitable[None]]) -> None:
    clock = FakeClock()
    away = [Away(clock) for _ in range(PROCESSES)]
    tasks = [asyncio.ensure_future(sort(one, clock, SeededIds(seed))) for seed, one in enumerate(away)]
    await clock.advance(SECONDS)
    apart([one.asked_us for one in away])
    for task in {*tasks, *asyncio.all_tasks()} - {asyncio.current_task()}:
        task.cancel()


def apart(asked_us: list[list[int]]) -> None:
    """Each goes on asking, not too often, and in the second half of the time not in step."""
    half_us = int(SECONDS * 500_000)
    late = [[at_us for at_us in one if at_us >= half_us] for one in asked_us]
    assert all(2 <= len(one) <= SECONDS * 10 for one in late), [len(one) for one in late]
    slots = Counter(slot for one in late for slot in {at_us // SLOT_US for at_us in one})
    assert max(slots.values()) <= MOST_AT_ONCE, slots.most_common(3)


@pytest.fixture
async def fleet() -> AsyncIterator[Fleet]:
    flow = Flow("story", owner="team")

    @flow.on(OrderPlaced)
    async def handle(placed: OrderPlaced, ctx: Context) -> None:
        ctx.put("story", placed.order_id, placed.n)

    made = Fleet(flow)
    yield made
    for mate in made.crew:
        await made.kill(mate)


@pytest.mark.parametrize("call", ["submit", "beat"])
async def test_members_that_lost_the_store_together_ask_for_it_apart(fleet: Fleet, call: str) -> None:
    """Their batches, and their beats. All joined in one moment, and had something to commit in one moment."""
    mates = [await fleet.join() for _ in range(8)]
    await fleet.until_even(*mates)
    for number in range(64):
        fleet.producer.place(f"order-{number}", number)
    await settle(20)  # until they are handled, and not committed
    for mate in mates:
        mate.view.away = True
    await fleet.clock.advance(2 * LEASE_SECONDS)
    beginning_us = fleet.clock.monotonic_us() - int(LEASE_SECONDS * 1_000_000)
    slots: Counter[int] = Counter()
    for mate in mates:
        asked_us = [at_us for name, at_us in mate.view.asked_in_vain if name == call and at_us >= beginning_us]
        assert 5 <= len(asked_us) <= 100
        slots.update({at_us // SLOT_US for at_us in asked_us})
    assert max(slots.values()) <= 3, slots.most_common(3)
    for mate in mates:
        mate.view.away = False
    await fleet.until_done(64)


def test_breakers_that_opened_together_probe_apart() -> None:
    breakers = [Breaker(1, 2.0, 60.0, SeededIds(seed).chance) for seed in range(PROCESSES)]
    for breaker in breakers:
        assert breaker.failed(0, probe=False)
    ready_us = sorted(breaker.ready_us for breaker in breakers)
    assert 1_000_000 <= ready_us[0] < ready_us[-1] < 3_000_000
    assert ready_us[-1] - ready_us[0] > 1_000_000


async def test_a_process_commits_again_soon_after_a_short_absence(fleet: Fleet) -> None:
    """Pauses begin anew with each success: an absence does not make the next one longer."""
    mate = await fleet.join()
    for _ in range(3):
        fleet.producer.place("a", 1)
        await settle(20)
        mate.view.away = True
        await fleet.clock.advance(5)
        done = len(fleet.handlings())
        mate.view.away = False
        await fleet.clock.advance(2)
        assert len(fleet.handlings()) == done + 1
    submits = [at_us for name, at_us in mate.view.asked_in_vain if name == "submit"]
    assert submits[1] - submits[0] < 400_000
