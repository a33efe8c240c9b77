"""A saga on every store: steps with state, an event that is waited for, undoing, and a restart in the middle."""

from __future__ import annotations

import msgspec

from flows.conftest import Bench
from flows.shop import OrderPlaced, StockReserved
from interlock import Context, Flow, RetrySchedule, SagaContext
from interlock.flows.saga.records import Run
from interlock.model.saga import ENDED, JOURNAL, RUNS, RunState

ORDERS = [f"o{n}" for n in range(8)]


async def add(name: str, order_id: str, ctx: Context) -> str:
    story = await ctx.get("story", order_id, str) or ""
    ctx.put("story", order_id, story + name)
    return order_id


async def take(order_id: str, ctx: Context) -> None:
    await add("u", order_id, ctx)


def flows() -> tuple[Flow, Flow]:
    fulfil = Flow("fulfil", owner="team", retry=RetrySchedule((0.01, 0.01), 0))
    store = Flow("store", owner="team")

    @fulfil.saga(OrderPlaced, waits_for=[StockReserved])
    async def order_to_cash(order: OrderPlaced, ctx: SagaContext) -> None:
        if order.n:
            return
        await ctx.step(add, "A", order.order_id, undo=take)
        await ctx.gather(
            ctx.step(add, "B", f"{order.order_id}-b", undo=take),
            ctx.step(add, "C", f"{order.order_id}-c"),
        )
        reserved = await ctx.wait_for(StockReserved, key=order.order_id)
        if reserved.n % 2:
            ctx.fail("odd")
        await ctx.step(add, "D", order.order_id)

    @store.on(OrderPlaced)
    async def reserve(order: OrderPlaced, ctx: Context) -> None:
        if order.n > 1:
            ctx.emit(StockReserved(order_id=order.order_id, n=order.n))

    return fulfil, store


async def test_a_saga_on_this_store(bench: Bench) -> None:
    await bench.run(*flows())
    for order_id in ORDERS:
        bench.producer.place(order_id, 0)
    await bench.settled()
    waiting = await _runs(bench, RUNS)
    assert set(waiting) == {RunState.WAITING}
    assert len(waiting) == len(ORDERS)
    await bench.reopen(*flows())
    assert bench.engine is not None
    for n, order_id in enumerate(ORDERS):
        bench.producer.place(order_id, 2 + n, f"again-{n}")  # so the store reserves
    await bench.settled()
    ended = await _runs(bench, ENDED)
    assert sorted(ended) == sorted([RunState.COMPLETED] * 12 + [RunState.UNDONE] * 4)
    assert await _runs(bench, RUNS) == []
    for n, order_id in enumerate(ORDERS):
        assert await _story(bench, order_id) == ("Au" if n % 2 else "AD")
        assert await _story(bench, f"{order_id}-b") == ("Bu" if n % 2 else "B")
        assert await _story(bench, f"{order_id}-c") == "C"
    reader = await bench.backing.reader()
    assert len(await reader.values(JOURNAL, "", 1000)) == sum(4 + (2 if n % 2 else 1) for n in range(8))
    await reader.close()


async def _runs(bench: Bench, table: str) -> list[RunState]:
    reader = await bench.backing.reader()
    found = [msgspec.json.decode(value, type=Run).state for _, value in await reader.values(table, "", 100)]
    await reader.close()
    return found


async def _story(bench: Bench, key: str) -> str:
    found = await bench.store.get("story", key)
    return str(msgspec.json.decode(found.value)) if found is not None else ""
