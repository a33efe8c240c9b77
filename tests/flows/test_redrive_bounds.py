"""All dead letters of a key redriven at once, after a restart."""

from __future__ import annotations

from flows.conftest import Bench
from flows.shop import OrderPlaced
from interlock import Context, Flow, RetrySchedule
from interlock.model.handling import HandlingState, Mark


async def test_all_dead_letters_of_a_key_redriven_at_once_keep_their_order(bench: Bench) -> None:
    handled: list[int] = []
    mended = False

    def flow() -> Flow:
        made = Flow("late", owner="team", park_limit=2, retry=RetrySchedule(()))

        @made.on(OrderPlaced)
        async def handle(placed: OrderPlaced, ctx: Context) -> None:
            if not mended:
                raise ConnectionError("down")
            await bench.clock.sleep(0.001)
            handled.append(placed.n)

        return made

    await bench.run(flow())
    for n in range(6):
        bench.producer.place("a", n, f"a-{n}")
        await bench.settled()
    sums = (await bench.sums())["late"]
    assert (sums.dead, sums.parked) == (4, 2)
    mended = True
    await bench.reopen(flow())
    assert bench.engine is not None
    for row in await bench.store.held("late"):
        if row.state is HandlingState.DEAD:
            await bench.engine.redrive(Mark(*row[:4]))
    await bench.until(lambda: len(handled) == 6)
    bench.producer.place("a", 6, "a-6")
    await bench.settled()
    sums = (await bench.sums())["late"]
    assert (sums.accepted, sums.done) == (7, 7)
    assert handled == sorted(handled)
