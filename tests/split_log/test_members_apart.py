"""Two members on PostgreSQL with the log in JetStream: what they index and relay follows the leases."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import msgspec
from split import Split
from stores import JetStreamBacking

from flows.shop import OrderPlaced, Producer, StockReserved, estate_of
from interlock import Context, Flow
from interlock.adapters.null_sink import NullSink
from interlock.adapters.system import SystemClock, SystemIds
from interlock.flows.crew import Enlistment
from interlock.flows.engine import Engine, types_of
from interlock.flows.limits import FlowLimits

ORDERS, EACH = 12, 8


def flow() -> Flow:
    made = Flow("reserve", owner="team")

    @made.on(OrderPlaced)
    async def reserve(order: OrderPlaced, ctx: Context) -> None:
        ctx.emit(StockReserved(order_id=order.order_id, n=order.n))

    @made.on(StockReserved)
    async def note(fact: StockReserved, ctx: Context) -> None:
        ctx.put("seen", fact.order_id, [*(await ctx.get("seen", fact.order_id) or []), fact.n])

    return made


class Member:
    """A process of its own, but for the process: own connections, own engine."""

    async def begin(self, backing: JetStreamBacking, name: str) -> None:
        self.split = cast(Split, await backing.open())
        enlistment = Enlistment(self.split.state, name, lease_seconds=3, drain_seconds=5)  # type: ignore[arg-type]
        limits = FlowLimits(tend_seconds=0.1, store_retry_seconds=0.05)
        log, state = self.split.log, self.split.state
        made = flow()
        self.engine = Engine(estate_of(made), log, state, SystemClock(), SystemIds(), NullSink(), limits, enlistment)
        self.failed: list[Any] = []
        self.engine.on_fenced = self.failed.append
        await self.engine.acquire()
        await self.engine.start()

    async def end(self) -> None:
        await self.engine.drain(5)
        await self.engine.leave()
        await self.split.close()


async def until(true: Callable[[], bool], seconds: float = 40) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - it is looked at from outside
            await asyncio.sleep(0.02)


async def test_nothing_is_lost_doubled_or_reordered_when_partitions_move() -> None:
    backing = JetStreamBacking(120)
    edge = cast(Split, await backing.open())
    producer = Producer(edge, SystemClock())  # type: ignore[arg-type]
    first, second = Member(), Member()
    await first.begin(backing, "first")
    placed = 0

    async def place() -> None:
        nonlocal placed
        for n in range(placed, placed + EACH):
            for order in range(ORDERS):
                producer.place(f"o{order}", n)
        placed += EACH
        await until(lambda: len(producer.appended) == placed * ORDERS)

    await place()
    await second.begin(backing, "second")
    await place()
    await until(lambda: bool(second.engine.crew and second.engine.crew.partitions))
    await place()
    await first.end()
    await place()
    await until(lambda: bool(second.engine.crew and len(second.engine.crew.partitions) == 8))
    wanted = list(range(placed))
    async with asyncio.timeout(40):
        for order in range(ORDERS):
            while len(found := await seen(edge, f"o{order}")) < placed:  # noqa: ASYNC110 - it is asked, it does not tell
                await asyncio.sleep(0.05)
            assert found == wanted
    reader = await backing.reader()
    (books,) = await reader.sums({"reserve": types_of(flow())})
    await reader.close()
    assert (books.accepted, books.done, books.difference) == (2 * placed * ORDERS, 2 * placed * ORDERS, 0)
    await edge.log.catch_up()
    raw = [(await edge.outside.read(partition, 0, 10_000)).events for partition in range(8)]
    assert sum(map(len, raw)) == 2 * placed * ORDERS
    assert first.failed == second.failed == []
    await second.end()
    await edge.close()
    backing.drop()


async def seen(split: Split, order: str) -> list[int]:
    found = await split.state.get("seen", order)
    return msgspec.json.decode(found.value) if found else []
