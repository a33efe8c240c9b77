"""A step may emit more events than a segment of the log's index holds."""

from __future__ import annotations

from flows.conftest import Bench
from flows.shop import OrderPlaced, StockReserved
from interlock import Context, Flow
from interlock.flows.engine import Engine

SEGMENTS_OF_16384 = {"sqlite": 4, "postgres": 1, "postgres+log": 1, "postgres+jetstream": 1, "postgres+kafka": 1}


async def test_one_step_emits_more_than_a_segment_holds(bench: Bench) -> None:
    if bench.kind.startswith("memory"):
        return
    many = SEGMENTS_OF_16384[bench.kind] * 16_384 + 4000
    flow = Flow("fan", owner="team")

    @flow.on(OrderPlaced)
    async def handle(placed: OrderPlaced, ctx: Context) -> None:
        for n in range(placed.n):
            ctx.emit(StockReserved(order_id=placed.order_id, n=n))

    await bench.run(flow)
    bench.producer.place("a", many)
    await bench.until(lambda: max(map(bench.store.head, range(bench.store.partitions))) > many)
    bench.producer.place("b", 1)
    bench.producer.place("b", 1)
    await bench.until(lambda: len(bench.producer.appended) == 3)
    await bench.settled()
    bench.producer.place("c", 0)
    await bench.settled()
    await bench.reopen(flow)
    assert isinstance(bench.engine, Engine)
    reader = await bench.backing.reader()
    assert len(await reader.find_events("a")) == many + 1
    assert len(await reader.find_events("b")) == 4
    assert len(await reader.find_events("evt-000001")) == many + 1
    await reader.close()
