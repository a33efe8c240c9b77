"""Members join, leave, die and hang: partitions move, order per key holds, and effects happen once."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Collection
from typing import Any

import pytest

from flows.members import LATENCY_SECONDS, LEASE_SECONDS, PARTITIONS, Crewmate, Fleet
from flows.shop import OrderPlaced
from interlock import Context, Flow, RetrySchedule
from interlock.model.handling import HandlingState, Mark
from interlock.model.problems import Draining, Fenced, LeasedElsewhere, StorageUnavailable
from interlock.testing.fake_clock import FakeClock, settle

KEYS = [f"order-{number}" for number in range(24)]


def story(clock: list[FakeClock], chance: random.Random, failing: float = 0.0) -> Flow:
    """Writes down, key by key, what it handled: so the value tells order and number of the effects."""
    flow = Flow("story", owner="team", retry=RetrySchedule((0.5, 1, 2, 3, 5, 8)))

    @flow.on(OrderPlaced)
    async def handle(placed: OrderPlaced, ctx: Context) -> None:
        if chance.random() < 0.3:
            await clock[0].sleep(chance.random())
        if chance.random() < failing:
            raise ConnectionError("down")
        seen = await ctx.get("story", placed.order_id) or []
        ctx.put("story", placed.order_id, [*seen, placed.n])
        ctx.counter("effects", "all").add(1)

    return flow


class Told:
    """A fleet, and what was placed in it."""

    def __init__(self, seed: int = 1, failing: float = 0.0, drain_seconds: float = 5.0) -> None:
        clock: list[FakeClock] = []
        self.chance = random.Random(seed)
        self.fleet = Fleet(story(clock, self.chance, failing), drain_seconds=drain_seconds)
        clock.append(self.fleet.clock)
        self.placed = dict.fromkeys(KEYS, 0)

    def place(self, count: int) -> None:
        for _ in range(count):
            key = self.chance.choice(KEYS)
            self.fleet.producer.place(key, self.placed[key])
            self.placed[key] += 1

    async def holds(self) -> None:
        """Everything was handled once, in order of its key."""
        await self.fleet.until_done(sum(self.placed.values()), seconds=400)
        for key, count in self.placed.items():
            found = await self.fleet.store.get("story", key)
            assert (found.value if found else b"[]") == f"[{','.join(map(str, range(count)))}]".encode(), key
        assert await self.fleet.store.counter("effects", "all") == sum(self.placed.values())


@pytest.fixture
async def told() -> AsyncIterator[Told]:
    made = Told()
    yield made
    for mate in made.fleet.crew:
        await made.fleet.kill(mate)


async def test_a_join_takes_half_and_a_leave_gives_it_back(told: Told) -> None:
    fleet = told.fleet
    first = await fleet.join()
    assert first.partitions == frozenset(range(PARTITIONS))
    told.place(50)
    second = await fleet.join()
    kept = first.partitions
    await fleet.until_even(first, second)
    assert first.partitions < kept
    told.place(50)
    await fleet.leave(second)
    await fleet.until_even(first)
    await told.holds()
    assert not first.ended
    assert not second.ended


async def test_the_partitions_of_a_killed_member_move_when_its_lease_is_over(told: Told) -> None:
    fleet = told.fleet
    first, second = await fleet.join(), await fleet.join()
    await fleet.until_even(first, second)
    told.place(80)
    await fleet.clock.advance(0.05)
    await fleet.kill(second)
    await fleet.clock.advance(LEASE_SECONDS / 3)
    assert len(first.partitions) == PARTITIONS / 2
    await fleet.until_even(first, seconds=2 * LEASE_SECONDS)
    await told.holds()


async def test_a_member_that_was_paused_past_its_lease_writes_nothing_and_ends_fenced(told: Told) -> None:
    fleet = told.fleet
    first, second = await fleet.join(), await fleet.join()
    await fleet.until_even(first, second)
    told.place(80)
    await fleet.clock.advance(0.05)
    second.view.pause()
    await fleet.until_even(first, seconds=3 * LEASE_SECONDS)
    before = len(fleet.handlings())
    second.view.go_on()
    await fleet.clock.advance(0)
    assert [type(problem) for problem in second.ended][:1] == [Fenced]
    assert len(fleet.handlings()) >= before
    await told.holds()


async def test_who_finds_its_parked_events_handled_by_others_ends_fenced() -> None:
    """A timer may ring before the next beat does, in a process that was paused."""
    flow, failed = Flow("second try", owner="team", retry=RetrySchedule((2 * LEASE_SECONDS,))), set[str]()

    @flow.on(OrderPlaced)
    async def handle(placed: OrderPlaced, ctx: Context) -> None:
        if placed.order_id not in failed:
            failed.add(placed.order_id)
            raise ConnectionError("down")

    fleet = Fleet(flow)
    first, second = await fleet.join(), await fleet.join()
    await fleet.until_even(first, second)
    for key in KEYS:
        fleet.producer.place(key)
    await fleet.clock.advance(1)
    assert {held.partition for held in fleet.store.tables.held.values()} & second.partitions
    assert second.engine.crew is not None
    second.engine.crew._tasks[0].cancel()  # no beat will tell
    second.view.pause()
    await fleet.until_done(len(KEYS))
    second.view.go_on()
    await fleet.clock.advance(1)
    assert [type(problem) for problem in second.ended][:1] == [Fenced]
    assert not first.ended
    for mate in fleet.crew:
        await fleet.kill(mate)


async def test_a_store_that_is_away_keeps_what_waited_too_long_until_it_is_back() -> None:
    flow = Flow("never", owner="team", retry=RetrySchedule((100.0,)), park_age_seconds=3)

    @flow.on(OrderPlaced)
    async def handle(placed: OrderPlaced, ctx: Context) -> None:
        raise ConnectionError("down")

    fleet = Fleet(flow)
    mate = await fleet.join()
    fleet.producer.place("a", 0)
    fleet.producer.place("a", 1)
    await fleet.clock.advance(2)
    mate.view.away = True
    await fleet.clock.advance(4)
    mate.view.away = False
    await fleet.clock.advance(4)
    assert not mate.ended
    assert len(fleet.handlings(HandlingState.DEAD)) == 1
    await fleet.kill(mate)


async def test_an_absent_store_ends_nobody(told: Told) -> None:
    fleet = told.fleet
    first = await fleet.join()
    told.place(40)
    first.view.away = True
    await fleet.clock.advance(3 * LEASE_SECONDS)
    assert first.engine.crew is not None
    assert first.engine.crew.stale
    first.view.away = False
    await fleet.clock.advance(LEASE_SECONDS)
    assert not first.engine.crew.stale
    await told.holds()
    assert not first.ended


async def test_a_handler_that_does_not_end_is_broken_off_at_the_deadline() -> None:
    clock: list[FakeClock] = []
    flow, runs = Flow("slow", owner="team"), list[str]()

    @flow.on(OrderPlaced)
    async def handle(placed: OrderPlaced, ctx: Context) -> None:
        runs.append(placed.order_id)
        if len(runs) <= PARTITIONS:
            await clock[0].sleep(25)
        ctx.counter("effects", placed.order_id).add(1)

    fleet = Fleet(flow, drain_seconds=2.0)
    clock.append(fleet.clock)
    first = await fleet.join()
    keys = one_key_each(fleet)
    for key in keys:
        fleet.producer.place(key)
    await fleet.clock.advance(0)
    assert len(runs) == PARTITIONS
    second = await fleet.join()
    await fleet.clock.advance(1.9)
    assert not second.partitions, "its handler still has time"
    await fleet.until_even(first, second, seconds=LEASE_SECONDS)
    await fleet.until_done(PARTITIONS)
    assert [await fleet.store.counter("effects", key) for key in keys] == [1] * PARTITIONS
    assert len(runs) == PARTITIONS * 1.5


def one_key_each(fleet: Fleet) -> list[str]:
    """A key in each partition."""
    found: dict[int, str] = {}
    number = 0
    while len(found) < PARTITIONS:
        key = f"k{number}"
        found.setdefault(fleet.producer.partition(key), key)
        number += 1
    return [found[partition] for partition in sorted(found)]


async def test_parked_keys_and_dead_letters_move_with_their_partition() -> None:
    flow, healed = Flow("parks", owner="team", retry=RetrySchedule((30,))), list[bool]()

    @flow.on(OrderPlaced)
    async def handle(placed: OrderPlaced, ctx: Context) -> None:
        if not healed:
            raise ConnectionError("down")
        ctx.counter("effects", placed.order_id).add(1)

    fleet = Fleet(flow)
    first = await fleet.join()
    keys = one_key_each(fleet)
    for key in keys * 2:
        fleet.producer.place(key)
    await fleet.clock.advance(1)
    assert len(fleet.handlings(HandlingState.PARKED)) == 2 * PARTITIONS
    second = await fleet.join()
    await fleet.until_even(first, second)
    await fleet.clock.advance(40)
    dead = fleet.handlings(HandlingState.DEAD)
    assert len(dead) == PARTITIONS, "the head of each key, by whoever has it; the others wait behind"
    assert {row.attempts for row in dead} == {2}
    healed.append(True)
    foreign = next(row for row in dead if row.partition in second.partitions)
    with pytest.raises(LeasedElsewhere, match="belongs to m1"):
        await first.engine.redrive(Mark(*foreign[:4]))
    await fleet.leave(first)
    await fleet.until_even(second)
    redriven = asyncio.gather(*(second.engine.redrive(Mark(*row[:4])) for row in dead))
    await fleet.clock.advance(1)
    assert [mark.generation for mark in await redriven] == [1] * PARTITIONS
    await fleet.until_done(2 * PARTITIONS)
    assert [await fleet.store.counter("effects", key) for key in keys] == [2] * PARTITIONS


async def test_an_edge_knows_the_lag_and_joins_anew(told: Told) -> None:
    fleet = told.fleet
    edge = await fleet.join(runs_flows=False)
    told.place(30)
    await fleet.clock.advance(2)
    assert not edge.partitions
    assert edge.engine.lag > 0, "nobody handles them yet"
    first = await fleet.join()
    await fleet.until_done(30)
    await fleet.clock.advance(2)
    assert edge.engine.lag == 0
    first.view.pause()
    told.place(30)
    await fleet.clock.advance(2)
    assert edge.engine.lag > 0
    before = edge.engine.epoch
    edge.view.away = True
    first.view.go_on()
    await fleet.clock.advance(3 * LEASE_SECONDS)
    edge.view.away = False
    await fleet.clock.advance(LEASE_SECONDS)
    assert edge.engine.epoch > before
    assert not edge.ended


@pytest.mark.parametrize("seed", range(12))
async def test_any_story_of_members_keeps_order_and_effects(seed: int) -> None:
    told = Told(seed, failing=0.05, drain_seconds=0.3)
    fleet, chance = told.fleet, random.Random(seed)
    living, paused = [await fleet.join()], list[Crewmate]()
    for _ in range(30):
        told.place(chance.randint(0, 25))
        act = chance.random()
        if act < 0.25 and len(living) < 5:
            living.append(await fleet.join())
        elif act < 0.4 and len(living) > 1:
            await fleet.leave(living.pop(chance.randrange(len(living))))
        elif act < 0.5 and len(living) > 1:
            await fleet.kill(living.pop(chance.randrange(len(living))))
        elif act < 0.6 and len(living) > 1:
            paused.append(living.pop(chance.randrange(len(living))))
            paused[-1].view.pause()
        elif act < 0.7 and paused:
            back = paused.pop()
            back.view.go_on()
            await fleet.clock.advance(LEASE_SECONDS)
            if not back.ended:
                living.append(back)
        await fleet.clock.advance(chance.random() * 4)
        assert not [mate.ended for mate in living if mate.ended], "who was never paused loses nothing"
    for mate in paused:
        await fleet.kill(mate)
    if not living:
        living.append(await fleet.join())
    await told.holds()
    await fleet.until_even(*living)
    for mate in fleet.crew:
        await fleet.kill(mate)


async def test_a_stuck_partition_and_partitions_without_a_member_are_named(caplog: pytest.LogCaptureFixture) -> None:
    flow, healed = Flow("stuck", owner="team", retry=RetrySchedule((60,) * 20)), list[bool]()

    @flow.on(OrderPlaced)
    async def handle(placed: OrderPlaced, ctx: Context) -> None:
        if not healed:
            raise ConnectionError("down")

    fleet = Fleet(flow)
    edge, first = await fleet.join(runs_flows=False), await fleet.join()
    fleet.producer.place("a")
    await fleet.clock.advance(320)
    (told,) = [record for record in caplog.records if record.msg == "flow.partition_stuck"]
    assert (told.flow, told.partition) == ("stuck", fleet.producer.partition("a"))
    assert first.engine.watchdog.stuck == {("stuck", fleet.producer.partition("a"))}
    healed.append(True)
    await fleet.clock.advance(80)
    assert first.engine.watchdog.stuck == set()
    await fleet.kill(first)
    await fleet.clock.advance(5 * LEASE_SECONDS)
    (told,) = [record for record in caplog.records if record.msg == "partition.unowned"]
    assert (told.partitions, told.members) == (list(range(PARTITIONS)), 0)
    assert edge.engine.watchdog.unowned == set(range(PARTITIONS))
    await fleet.kill(edge)


async def test_a_lease_whose_answer_was_lost_is_not_kept_idle() -> None:
    told = Told()
    fleet = told.fleet
    lost = [True]
    real = fleet.store.claim

    async def claim(epoch: int, partitions: Collection[int]) -> list[int]:
        gained = await real(epoch, partitions)
        if lost and gained:
            lost.clear()
            raise StorageUnavailable("the answer was lost")
        return gained

    fleet.store.claim = claim  # type: ignore[method-assign]
    first = await fleet.join()
    assert not lost
    assert not first.partitions
    told.place(20)
    await fleet.until_even(first, seconds=2 * LEASE_SECONDS)
    await told.holds()
    await fleet.kill(first)


async def test_an_edge_outlives_a_store_that_goes_away_as_it_joins_anew(told: Told) -> None:
    fleet = told.fleet
    edge, first = await fleet.join(runs_flows=False), await fleet.join()
    edge.view.away = True
    await fleet.clock.advance(3 * LEASE_SECONDS)
    assert edge.engine.epoch not in {member.epoch for member in first.engine.crew.roster.members}  # type: ignore[union-attr]
    real, tries = fleet.store.join, list[int]()

    async def join(*arguments: Any, **named: Any) -> int:
        tries.append(1)
        if len(tries) == 1:
            raise StorageUnavailable("away again")
        return await real(*arguments, **named)

    fleet.store.join = join  # type: ignore[method-assign]
    edge.view.away = False
    await fleet.clock.advance(LEASE_SECONDS)
    assert len(tries) == 2
    assert not edge.ended
    assert not edge.engine.crew.stale  # type: ignore[union-attr]


async def test_who_gives_up_waiting_for_a_redrive_stops_nobody_else() -> None:
    flow = Flow("one", owner="team", retry=RetrySchedule(()))

    @flow.on(OrderPlaced)
    async def handle(placed: OrderPlaced, ctx: Context) -> None:
        if placed.order_id == "bad":
            raise ConnectionError("down")
        ctx.counter("effects", placed.order_id).add(1)

    fleet = Fleet(flow)
    first = await fleet.join()
    fleet.producer.place("bad")
    await fleet.clock.advance(1)
    (dead,) = fleet.handlings(HandlingState.DEAD)
    fleet.producer.place("other")
    await settle(3)  # its commit is under way: what follows goes with the next one
    redriving = asyncio.create_task(first.engine.redrive(Mark(*dead[:4])))
    await settle(3)
    fleet.producer.place("good")
    await fleet.clock.advance(LATENCY_SECONDS)
    redriving.cancel()
    await fleet.clock.advance(1)
    fleet.producer.place("good")
    await fleet.until_done(3, seconds=5)
    await fleet.kill(first)


async def test_a_request_at_an_edge_that_was_given_up_may_come_again() -> None:
    flow = Flow("asked", owner="team")

    @flow.api("orders.ask")
    async def ask(body: object, ctx: Context) -> str:
        ctx.counter("effects", "asked").add(1)
        return "done"

    fleet = Fleet(flow)
    edge, first = await fleet.join(runs_flows=False), await fleet.join()
    edge.view.pause()
    await fleet.clock.advance(3 * LEASE_SECONDS)
    asking = asyncio.create_task(edge.engine.call_api("orders.ask", None, b"{}", "key", None))
    await fleet.clock.advance(LATENCY_SECONDS)
    edge.view.go_on()
    await fleet.clock.advance(LEASE_SECONDS)
    with pytest.raises(Draining) as told:
        await asking
    assert told.value.retry_after_seconds
    again = asyncio.create_task(edge.engine.call_api("orders.ask", None, b"{}", "key", None))
    await fleet.clock.advance(1)
    assert (await again).status == 200
    assert await fleet.store.counter("effects", "asked") == 1
    await fleet.kill(edge)
    await fleet.kill(first)
