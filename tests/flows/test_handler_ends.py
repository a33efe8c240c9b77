"""However a handler ends, its event is settled: nothing hangs, and the store's faults are not the handler's."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from flows.conftest import Bench
from flows.shop import OrderPlaced
from interlock import Context, Flow, RetrySchedule
from interlock.model.problems import StorageUnavailable


@pytest.mark.parametrize("waits", [False, True])
async def test_a_cancelled_error_of_its_own_is_a_failure(bench: Bench, waits: bool) -> None:
    flow, handled = Flow("cancels", owner="team", retry=RetrySchedule(())), []

    @flow.on(OrderPlaced)
    async def handle(placed: OrderPlaced, ctx: Context) -> None:
        if placed.order_id == "bad":
            if waits:
                await asyncio.sleep(0.001)
            raise asyncio.CancelledError
        handled.append(placed.order_id)

    await bench.run(flow)
    bench.producer.place("bad")
    await asyncio.sleep(0.02)
    bench.producer.place("good")
    await bench.until(lambda: handled == ["good"])
    await bench.settled()
    assert (await bench.sums())["cancels"].dead == 1


async def test_an_error_that_cannot_be_told_is_a_failure(bench: Bench) -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no words")

    flow, handled = Flow("mute", owner="team", retry=RetrySchedule(())), []

    @flow.on(OrderPlaced)
    async def handle(placed: OrderPlaced, ctx: Context) -> None:
        if placed.order_id == "bad":
            raise Mute
        handled.append(placed.order_id)

    await bench.run(flow)
    bench.producer.place("bad")
    bench.producer.place("good")
    await bench.until(lambda: handled == ["good"])
    await bench.settled()
    assert (await bench.sums())["mute"].dead == 1


async def test_a_read_that_the_store_cannot_serve_spends_no_attempt(bench: Bench) -> None:
    flow, handled, runs = Flow("reads", owner="team", retry=RetrySchedule(())), [], 0

    @flow.on(OrderPlaced)
    async def handle(placed: OrderPlaced, ctx: Context) -> None:
        nonlocal runs
        runs += 1
        await ctx.get("orders", placed.order_id)
        handled.append(placed.order_id)

    await bench.run(flow)
    whole, failures = bench.store.get, 3

    async def get(table: str, key: str) -> Any:
        nonlocal failures
        if table == "orders" and failures:
            failures -= 1
            raise StorageUnavailable("The disk does not answer.")
        return await whole(table, key)

    bench.store.get = get  # type: ignore[method-assign]
    bench.producer.place("a")
    await bench.until(lambda: handled == ["a"])
    await bench.settled()
    sums = (await bench.sums())["reads"]
    assert (sums.done, sums.dead, runs) == (1, 0, 4)


async def test_the_engines_own_reads_wait_for_the_store(bench: Bench) -> None:
    flow, handled, problems = Flow("reads", owner="team", retry=RetrySchedule((0.01,), 0)), [], []

    @flow.on(OrderPlaced)
    async def handle(placed: OrderPlaced, ctx: Context) -> None:
        handled.append(placed.n)
        if len(handled) == 1:
            raise ConnectionError("down")

    await bench.run(flow)
    assert bench.engine is not None
    bench.engine.on_fenced = problems.append
    read, held_one, failures = bench.store.read, bench.store.held_one, [2, 2]

    async def failing_read(partition: int, after: int, limit: int) -> Any:
        if failures[0]:
            failures[0] -= 1
            raise StorageUnavailable("The disk does not answer.")
        return await read(partition, after, limit)

    async def failing_held(mark: Any) -> Any:
        if failures[1]:
            failures[1] -= 1
            raise StorageUnavailable("The disk does not answer.")
        return await held_one(mark)

    bench.store.read = failing_read  # type: ignore[method-assign]
    bench.store.held_one = failing_held  # type: ignore[method-assign]
    bench.producer.place("a")
    await bench.until(lambda: len(handled) == 2)
    await bench.settled()
    assert (problems, failures) == ([], [0, 0])
    assert (await bench.sums())["reads"].done == 1


@pytest.mark.parametrize("reason", ["customer Ann Smith, 12 High St", "", "x" * 200, "\ud800"])
async def test_a_reason_that_is_no_code_stays_out_of_the_record(bench: Bench, reason: str) -> None:
    flow = Flow("says", owner="team", retry=RetrySchedule(()))

    @flow.on(OrderPlaced)
    async def handle(placed: OrderPlaced, ctx: Context) -> None:
        if placed.n:
            ctx.skip(reason)
        ctx.reject(reason)

    await bench.run(flow)
    bench.producer.place("a", 0)
    bench.producer.place("b", 1)
    await bench.settled()
    sums = (await bench.sums())["says"]
    assert (sums.dead, sums.skipped) == (1, 1)
    held = (await bench.store.held("says"))[0]
    assert held.error == "rejected"


@pytest.mark.parametrize("end", [SystemExit(4), KeyboardInterrupt()])
@pytest.mark.parametrize("waits", [False, True])
async def test_a_handler_cannot_end_the_process(bench: Bench, end: BaseException, waits: bool) -> None:
    flow = Flow("exit", owner="team", retry=RetrySchedule((), 0), after_dead_letter="continue")

    @flow.on(OrderPlaced)
    async def handle(placed: OrderPlaced, ctx: Context) -> None:
        if waits:
            await asyncio.sleep(0)
        raise end

    await bench.run(flow)
    bench.producer.place("key", 1)
    await bench.settled()
    (letter,) = await bench.store.held("exit")
    assert letter.error == f"handler_failed:{type(end).__name__}"
