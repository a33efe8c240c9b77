"""A simulated day of a small shop. Prints the digest of its record: `python -m simulation.run <seed>`."""

from __future__ import annotations

import asyncio
import random
import sys
from types import MappingProxyType, SimpleNamespace
from typing import Any, cast

import msgspec

from flows.shop import PLACED, RESERVED, OrderPlaced, StockReserved
from interlock import Context, Flow, Reply, RetrySchedule
from interlock.estate.estate import Estate
from interlock.estate.system import Operation, System
from interlock.testing.simulation import Simulation

RETRY = RetrySchedule((0.5, 2, 5))


def shop(seed: int) -> Estate:
    """Reserve, charge, note the reply; some orders fail a few times, some for good."""
    reserve = Flow("reserve", owner="team", retry=RETRY, after_dead_letter="continue")
    ledger = Flow("ledger", owner="team", retry=RETRY)
    tries: dict[str, int] = {}

    @reserve.on(OrderPlaced)
    async def take(order: OrderPlaced, ctx: Context) -> None:
        name = f"{order.order_id}-{order.n}"
        tries[name] = tries.get(name, 0) + 1
        if tries[name] <= random.Random(f"{seed} {name}").choice((0, 0, 0, 1, 2, 9)):
            raise ConnectionError("down")
        if order.n % 7 == 0:
            ctx.skip("not ours")
        ctx.counter("stock", "sku").add(1)
        ctx.emit(StockReserved(order_id=order.order_id, n=order.n))
        ctx.call("payments.charge", order_id=order.order_id)

    @ledger.on(StockReserved)
    async def book(fact: StockReserved, ctx: Context) -> None:
        seen = await ctx.get("ledger", fact.order_id) or 0
        ctx.put("ledger", fact.order_id, seen + 1)

    @ledger.on_reply("payments.charge")
    async def paid(reply: Reply, ctx: Context) -> None:
        ctx.put("paid", str(reply.request["order_id"]), reply.status)

    charge = Operation(
        name="charge", method="POST", path="/charges", timeout_seconds=5, retry=RetrySchedule((1, 5)), concurrency=4
    )
    payments = System(
        name="payments", owner="team", base_url="http://p", secret_ref=None, operations={"charge": charge}
    )
    contracts = {(one.type, one.version): one for one in (PLACED, RESERVED)}
    parts: dict[str, Any] = {
        "name": "shop",
        "root": None,
        "hash": "0" * 64,
        "contracts": MappingProxyType(contracts),
        "latest": {one.type: one for one in (PLACED, RESERVED)},
        "flows": {"reserve": reserve, "ledger": ledger},
        "systems": {"payments": payments},
    }
    return cast(Estate, SimpleNamespace(**parts))


async def simulate(seed: int) -> Simulation:
    simulation = Simulation(shop(seed), seed, replies=frozenset({"payments.charge"}))
    await simulation.start()
    chance = random.Random(seed)
    for _ in range(20):
        orders = [{"order_id": f"ORD-{chance.randrange(30)}", "n": chance.randrange(1000)} for _ in range(10)]
        await simulation.place(PLACED.type, [(str(order["order_id"]), msgspec.json.encode(order)) for order in orders])
        await simulation.run(chance.random())
    await simulation.finish()
    await simulation.stop()
    return simulation


if __name__ == "__main__":
    print(asyncio.run(simulate(int(sys.argv[1]))).digest())
