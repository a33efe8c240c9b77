"""Calls and schedules of several processes: each is the business of whoever leases its partition."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Mapping

import pytest

from flows.members import LEASE_SECONDS, PARTITIONS, Fleet
from flows.shop import OrderPlaced
from interlock import Context, Flow, Tick
from interlock.model.record import DeliveryState
from interlock.ports.http_client import HttpAnswer
from interlock.testing.fake_clock import FakeClock


class Target:
    """Takes its time, and fails now and then. Two requests of one delivery at once are an error."""

    def __init__(self, seed: int = 1, faults: float = 0.0) -> None:
        self.clock: FakeClock
        self.sent: Counter[str] = Counter()
        self.at_once: list[str] = []
        self._faults = faults
        self._open: set[str] = set()
        self._chance = random.Random(seed)

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, timeout_seconds: float
    ) -> HttpAnswer:
        key = headers["idempotency-key"]
        if key in self._open:
            self.at_once.append(key)
        self._open.add(key)
        try:
            await self.clock.sleep(self._chance.random())
        finally:
            self._open.discard(key)
        if self._chance.random() < self._faults:
            return HttpAnswer(503, {}, b"")
        self.sent[key] += 1
        return HttpAnswer(200, {}, b"{}")

    async def close(self) -> None:
        return None


def paying(target: Target, drain_seconds: float = 5.0) -> Fleet:
    flow = Flow("pays", owner="team")

    @flow.on(OrderPlaced)
    async def handle(placed: OrderPlaced, ctx: Context) -> None:
        ctx.call("payments.charge", n=placed.n)

    @flow.api("pay")
    async def pay(body: object, ctx: Context) -> dict[str, str]:
        ctx.call("payments.charge", asked=True)
        return {"status": "asked"}

    fleet = Fleet(flow, drain_seconds=drain_seconds, client=target)
    target.clock = fleet.clock
    return fleet


async def until_sent(fleet: Fleet, target: Target, count: int, seconds: float) -> None:
    for _ in range(int(seconds * 10)):
        if len(target.sent) >= count:
            return
        await fleet.clock.advance(0.1)
    raise AssertionError(f"{len(target.sent)} of {count} after {seconds} s")


async def test_calls_of_a_request_are_sent_soon_by_whoever_leases_their_partition() -> None:
    target = Target()
    fleet = paying(target)
    edge, first, second = await fleet.join(runs_flows=False), await fleet.join(), await fleet.join()
    await fleet.until_even(first, second)
    await fleet.clock.advance(30)
    for number in range(20):
        asked = asyncio.create_task(edge.engine.call_api("pay", {}, b"%d" % number, None, None))
        await fleet.clock.advance(0.1)
        await asked
    rows = fleet.store.tables.deliveries.values()
    assert {row.partition for row in rows} > set(range(PARTITIONS // 2)), "they spread"
    await until_sent(fleet, target, 20, seconds=5)
    assert set(target.sent.values()) == {1}
    assert first.deliverer.outcomes.total()
    assert second.deliverer.outcomes.total()


@pytest.mark.parametrize("seed", range(6))
async def test_no_call_is_made_twice_at_once_while_partitions_move(seed: int) -> None:
    target, chance = Target(seed, faults=0.2), random.Random(seed)
    fleet = paying(target)
    living, placed = [await fleet.join()], 0
    for _ in range(14):
        for _ in range(chance.randint(0, 20)):
            fleet.producer.place(f"o{chance.randrange(40)}", placed)
            placed += 1
        if chance.random() < 0.5 and len(living) < 4:
            living.append(await fleet.join())
        elif len(living) > 1:
            await fleet.leave(living.pop(chance.randrange(len(living))))
        await fleet.clock.advance(chance.random() * 3)
        assert not [mate.ended for mate in fleet.crew if mate.ended]
    await until_sent(fleet, target, placed, seconds=100)
    await fleet.clock.advance(5)
    assert target.at_once == []
    assert set(target.sent.values()) == {1}
    assert {row.state for row in fleet.store.tables.deliveries.values()} == {DeliveryState.SUCCEEDED}


async def test_a_stale_member_begins_no_call_and_the_next_one_does() -> None:
    target = Target()
    fleet = paying(target)
    first, second = await fleet.join(), await fleet.join()
    await fleet.until_even(first, second)
    first.view.pause()
    await fleet.until_even(second, seconds=3 * LEASE_SECONDS)
    assert first.engine.crew.stale
    for n in range(30):
        fleet.producer.place(f"o{n}", n)
    await until_sent(fleet, target, 30, seconds=30)
    assert first.deliverer.outcomes.total() == 0
    assert target.at_once == []


@pytest.mark.parametrize("missed", ["skip", "latest", "all"])
async def test_a_schedule_fires_once_whoever_comes_or_goes(missed: str) -> None:
    flow, fired = Flow("nightly", owner="team"), Counter[str]()

    @flow.every("* * * * *", missed=missed)
    async def tick(tick: Tick, ctx: Context) -> None:
        seen = await ctx.get("fired", tick.due) or 0
        ctx.put("fired", tick.due, seen + 1)

    fleet, chance = Fleet(flow), random.Random(7)
    living = [await fleet.join()]
    for minute in range(12):
        await fleet.clock.advance(59 - (fleet.clock.now_us() // 1_000_000) % 60 + chance.random())
        if minute % 2:
            living.append(await fleet.join())
        elif minute % 4:
            await fleet.leave(living.pop(0))
        elif len(living) > 1:
            await fleet.kill(living.pop(0))
        await fleet.clock.advance(3 * LEASE_SECONDS)
    assert not [mate.ended for mate in living if mate.ended]
    fired.update(
        {key: int(value.value) for (table, key), value in fleet.store.tables.values.items() if table == "fired"}
    )
    assert set(fired.values()) == {1}
    assert len(fired) >= 12 - 1
