"""A redrive may meet its key at work: then it waits for its turn like everything else of that key."""

from __future__ import annotations

import asyncio

from flows.conftest import Bench
from flows.shop import OrderPlaced
from interlock import Context, Flow, RetrySchedule
from interlock.model.handling import Mark


async def test_a_redrive_of_a_key_at_work_keeps_the_order(bench: Bench) -> None:
    flow = Flow("late", owner="team", after_dead_letter="continue", retry=RetrySchedule(()))
    handled: list[int] = []
    gate, running, most, mended = asyncio.Event(), 0, 0, False

    @flow.on(OrderPlaced)
    async def handle(placed: OrderPlaced, ctx: Context) -> None:
        nonlocal running, most
        if placed.n == 0 and not mended:
            raise ConnectionError("down")
        running += 1
        most = max(most, running)
        if placed.n == 1:
            await gate.wait()
        await asyncio.sleep(0.005)
        running -= 1
        handled.append(placed.n)

    await bench.run(flow)
    bench.producer.place("a", 0)
    await bench.settled()
    dead = (await bench.sums())["late"]
    assert dead.dead == 1
    mended = True
    bench.producer.place("a", 1)
    bench.producer.place("a", 2)
    await bench.until(lambda: running == 1)
    first = bench.producer.appended[0]
    assert bench.engine is not None
    await bench.engine.redrive(Mark("late", first.partition, first.position, 0))
    bench.producer.place("a", 3)
    await asyncio.sleep(0.05)
    gate.set()
    await bench.until(lambda: len(handled) == 4)
    await bench.settled()
    assert most == 1, "two handlers of one key ran at once"
    assert [n for n in handled if n] == [1, 2, 3]
    assert (await bench.sums())["late"].done == 4


async def test_a_key_that_fails_at_work_parks_behind_no_lost_redrive(bench: Bench) -> None:
    flow = Flow("late", owner="team", after_dead_letter="continue", retry=RetrySchedule((0.02,), 0))
    handled: list[int] = []
    gate, failures, mended = asyncio.Event(), 0, False

    @flow.on(OrderPlaced)
    async def handle(placed: OrderPlaced, ctx: Context) -> None:
        nonlocal failures
        if placed.n == 0 and not mended:
            ctx.reject("not_yet")
        if placed.n == 1 and not failures:
            await gate.wait()
            failures += 1
            raise ConnectionError("down")
        await asyncio.sleep(0.005)
        handled.append(placed.n)

    await bench.run(flow)
    bench.producer.place("a", 0)
    await bench.settled()
    mended = True
    bench.producer.place("a", 1)
    bench.producer.place("a", 2)
    await asyncio.sleep(0.02)
    first = bench.producer.appended[0]
    assert bench.engine is not None
    await bench.engine.redrive(Mark("late", first.partition, first.position, 0))
    gate.set()
    await bench.until(lambda: len(handled) == 3)
    await bench.settled()
    assert [n for n in handled if n] == [1, 2]
    assert (await bench.sums())["late"].done == 3
