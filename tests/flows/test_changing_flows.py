"""The books balance also when a flow takes other types than before: `bench.sums` checks the difference."""

from __future__ import annotations

from flows.conftest import Bench
from flows.shop import OrderPlaced, StockReserved
from interlock import Context, Flow


def flow_of(*, orders: bool, emits: bool = True) -> Flow:
    flow = Flow("reserve", owner="team")

    if orders:

        @flow.on(OrderPlaced)
        async def reserve(order: OrderPlaced, ctx: Context) -> None:
            if emits:
                ctx.emit(StockReserved(order_id=order.order_id, n=order.n))

    @flow.on(StockReserved)
    async def note(fact: StockReserved, ctx: Context) -> None:
        ctx.put("notes", fact.order_id, fact.n)

    return flow


async def test_a_type_that_is_dropped_and_taken_again(bench: Bench) -> None:
    await bench.run(flow_of(orders=True))
    for n in range(5):
        bench.producer.place(f"a{n}", n, f"a-{n}")
    await bench.settled()
    first = (await bench.sums())["reserve"]
    assert (first.accepted, first.done) == (10, 10)

    await bench.reopen(flow_of(orders=False))
    for n in range(3):
        bench.producer.place(f"b{n}", n, f"b-{n}")
    await bench.settled()
    second = (await bench.sums())["reserve"]
    assert (second.accepted, second.done) == (10, 10)

    await bench.reopen(flow_of(orders=True))
    for n in range(2):
        bench.producer.place(f"c{n}", n, f"c-{n}")
    await bench.settled()
    third = (await bench.sums())["reserve"]
    assert third.accepted == third.done
    assert third.done in range(14, 21)


async def test_a_new_type_counts_from_the_cursor(bench: Bench) -> None:
    await bench.run(flow_of(orders=False))
    for n in range(4):
        bench.producer.place(f"a{n}", n, f"a-{n}")
    await bench.settled()
    await bench.reopen(flow_of(orders=True, emits=False))
    bench.producer.place("b", 0, "b-0")
    await bench.settled()
    books = (await bench.sums())["reserve"]
    assert books.accepted == books.done >= 1
