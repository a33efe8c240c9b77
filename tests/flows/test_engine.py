"""The promises of the engine, on the memory store and on SQLite."""

from __future__ import annotations

import asyncio
from collections import defaultdict

import msgspec
import pytest

from flows.conftest import Bench
from flows.shop import OrderPlaced, StockReserved
from interlock import Context, Flow, Rejected, RetrySchedule
from interlock.model.handling import HandlingState, Mark
from interlock.model.problems import NotFound

QUICK = RetrySchedule((0.01, 0.01), jitter=0)


async def test_state_and_emitted_event_come_with_the_mark(bench: Bench) -> None:
    flow, seen = Flow("reserve", owner="team"), []

    @flow.on(OrderPlaced)
    async def reserve(order: OrderPlaced, ctx: Context) -> None:
        ctx.put("orders", order.order_id, order.n)
        ctx.emit(StockReserved(order_id=order.order_id, n=order.n))

    @flow.on(StockReserved)
    async def note(fact: StockReserved, ctx: Context) -> None:
        seen.append((fact.n, ctx.event.correlation, ctx.event.causation))

    await bench.run(flow)
    for n in range(50):
        bench.producer.place(f"ORD-{n}", n)
    await bench.until(lambda: len(seen) == 50)
    await bench.settled()
    assert sorted(seen) == [(n, f"evt-{n + 1:06d}", f"evt-{n + 1:06d}") for n in range(50)]
    found = await bench.store.get("orders", "ORD-7")
    assert found is not None
    assert msgspec.json.decode(found.value) == 7
    assert (await bench.sums())["reserve"].done == 100


async def test_order_holds_per_key_and_keys_overlap(bench: Bench) -> None:
    flow = Flow("slow", owner="team")
    order: dict[str, list[int]] = defaultdict(list)
    running: set[str] = set()
    all_five = asyncio.Event()

    @flow.on(OrderPlaced)
    async def handle(placed: OrderPlaced, ctx: Context) -> None:
        assert placed.order_id not in running
        running.add(placed.order_id)
        if len(running) == 5:
            all_five.set()
        await all_five.wait()  # none gets on before all keys are at work, however slow the machine
        await asyncio.sleep(0.002)
        running.discard(placed.order_id)
        order[placed.order_id].append(placed.n)

    await bench.run(flow, in_flight=128)  # room for all 100
    for n in range(20):
        for key in "abcde":
            bench.producer.place(key, n)
    await bench.until(lambda: sum(map(len, order.values())) == 100)
    assert all(seen == list(range(20)) for seen in order.values())


async def test_a_failing_key_parks_alone_and_followers_keep_their_order(bench: Bench) -> None:
    flow, handled, failures = Flow("park", owner="team", retry=RetrySchedule((0.05, 0.05), 0)), [], 0

    @flow.on(OrderPlaced)
    async def handle(placed: OrderPlaced, ctx: Context) -> None:
        nonlocal failures
        if placed.order_id == "bad" and placed.n == 0 and failures < 2:
            failures += 1
            raise ConnectionError("down")
        handled.append((placed.order_id, placed.n))

    await bench.run(flow)
    for n in range(5):
        bench.producer.place("bad", n)
        bench.producer.place("good", n)
    await bench.until(lambda: len(handled) == 10)
    assert [n for key, n in handled if key == "bad"] == [0, 1, 2, 3, 4]
    assert handled[:5] == [("good", n) for n in range(5)]
    await bench.settled()
    assert (await bench.sums())["park"].done == 10


async def test_dead_letter_holds_its_key_until_redriven(bench: Bench) -> None:
    flow, handled, broken = Flow("dead", owner="team", retry=QUICK), [], True

    @flow.on(OrderPlaced)
    async def handle(placed: OrderPlaced, ctx: Context) -> None:
        if broken and placed.n == 0:
            raise ValueError("no")
        handled.append(placed.n)
        ctx.call("payments.charge", amount="1.00")

    await bench.run(flow)
    for n in range(3):
        bench.producer.place("key", n)

    async def dead() -> bool:
        sums = (await bench.sums())["dead"]
        return sums.dead == 1 and sums.parked == 2

    for _ in range(500):
        if await dead():
            break
        await asyncio.sleep(0.01)
    assert handled == []
    await bench.reopen(flow)
    bench.producer.place("key", 3, event_id="after-restart")
    held = await bench.store.held("dead")
    (letter,) = [row for row in held if row.state is HandlingState.DEAD]
    assert letter.error == "handler_failed:ValueError"
    assert letter.attempts == 3
    broken = False
    assert bench.engine is not None
    mark = await bench.engine.redrive(Mark(*letter[:4]))
    assert mark.generation == 1
    await bench.until(lambda: handled == [0, 1, 2, 3])
    await bench.settled()
    sums = (await bench.sums())["dead"]
    assert (sums.accepted, sums.done, sums.dead, sums.parked) == (4, 4, 0, 0)
    with pytest.raises(NotFound):
        await bench.engine.redrive(Mark(*letter[:4]))


async def test_continue_lets_the_key_go_on_and_flags_the_overtaken(bench: Bench) -> None:
    flow, handled = Flow("go-on", owner="team", retry=QUICK, after_dead_letter="continue"), []

    @flow.on(OrderPlaced)
    async def handle(placed: OrderPlaced, ctx: Context) -> None:
        if placed.n == 0:
            raise Rejected("bad_row", "the row is bad")
        handled.append(placed.n)

    await bench.run(flow)
    for n in range(3):
        bench.producer.place("key", n)
    await bench.until(lambda: handled == [1, 2])
    await bench.settled()
    (letter,) = await bench.store.held("go-on")
    assert (letter.state, letter.error, letter.overtaken) == (HandlingState.DEAD, "bad_row", True)
    assert bench.engine is not None
    await bench.engine.discard(Mark(*letter[:4]), "known_bad")
    sums = (await bench.sums())["go-on"]
    assert (sums.done, sums.discarded, sums.dead) == (2, 1, 0)


async def test_beyond_the_park_limit_arrivals_die_in_order(bench: Bench) -> None:
    flow = Flow("full", owner="team", retry=RetrySchedule((60,), 0), park_limit=2)

    @flow.on(OrderPlaced)
    async def handle(placed: OrderPlaced, ctx: Context) -> None:
        raise OSError("down")

    await bench.run(flow)
    for n in range(5):
        bench.producer.place("key", n)
    await bench.settled()
    sums = (await bench.sums())["full"]
    assert (sums.parked, sums.dead) == (3, 2)
    held = [row for row in await bench.store.held("full") if row.state is HandlingState.DEAD]
    assert [row.error for row in held] == ["park_limit", "park_limit"]
    assert [row.position for row in held] == sorted(row.position for row in await bench.store.held("full"))[3:]


async def test_stale_reads_run_again_and_lose_no_update(bench: Bench) -> None:
    flow = Flow("sum", owner="team")
    runs = 0

    @flow.on(OrderPlaced)
    async def add(placed: OrderPlaced, ctx: Context) -> None:
        nonlocal runs
        runs += 1
        total = await ctx.get("total", "all", int) or 0
        await asyncio.sleep(0)
        ctx.put("total", "all", total + placed.n)

    await bench.run(flow, in_flight=8)
    for n in range(1, 41):
        bench.producer.place(f"ORD-{n}", n)
    await bench.settled()
    found = await bench.store.get("total", "all")
    assert found is not None
    assert msgspec.json.decode(found.value) == 820
    assert runs > 40
    assert (await bench.sums())["sum"].done == 40


async def test_counters_never_oversell(bench: Bench) -> None:
    flow = Flow("stock", owner="team", retry=RetrySchedule((), 0), after_dead_letter="continue")

    @flow.on(OrderPlaced)
    async def take(placed: OrderPlaced, ctx: Context) -> None:
        if placed.n < 0:
            ctx.counter("stock", "sku").add(-placed.n)
        else:
            ctx.counter("stock", "sku").take(placed.n)

    await bench.run(flow)
    bench.producer.place("fill", -25)
    await bench.settled()
    for n in range(20):
        bench.producer.place(f"ORD-{n}", 3)
    await bench.settled()
    sums = (await bench.sums())["stock"]
    assert (sums.done, sums.dead) == (9, 12)
    assert await bench.store.counter("stock", "sku") == 1


async def test_a_counter_that_was_looked_at_is_decided_anew(bench: Bench) -> None:
    flow, short = Flow("look", owner="team"), []

    @flow.on(OrderPlaced)
    async def take(placed: OrderPlaced, ctx: Context) -> None:
        stock = ctx.counter("stock", "sku")
        if placed.n < 0:
            stock.add(-placed.n)
        elif await stock.value() >= placed.n:
            stock.take(placed.n)
        else:
            short.append(placed.order_id)

    await bench.run(flow)
    bench.producer.place("fill", -10)
    await bench.settled()
    for n in range(6):
        bench.producer.place(f"ORD-{n}", 3)
    await bench.settled()
    assert len(short) == 3
    assert await bench.store.counter("stock", "sku") == 1
    assert (await bench.sums())["look"].done == 7


async def test_skip_and_contract_violation(bench: Bench) -> None:
    flow = Flow("odd", owner="team", retry=RetrySchedule((), 0), after_dead_letter="continue")

    @flow.on(OrderPlaced)
    async def handle(placed: OrderPlaced, ctx: Context) -> None:
        if placed.n == 1:
            ctx.put("t", "k", 1)
            ctx.skip("not_ours")
        ctx.emit(StockReserved(order_id=placed.order_id, n="x"))  # type: ignore[arg-type]

    await bench.run(flow)
    bench.producer.place("a", 1)
    bench.producer.place("b", 2)
    await bench.settled()
    sums = (await bench.sums())["odd"]
    assert (sums.skipped, sums.dead) == (1, 1)
    assert await bench.store.get("t", "k") is None
    (letter,) = await bench.store.held("odd")
    assert letter.error == "contract_violation"


async def test_a_restart_goes_on_without_doing_anything_twice(bench: Bench) -> None:
    handled: list[int] = []

    def made() -> Flow:
        flow = Flow("again", owner="team")

        @flow.on(OrderPlaced)
        async def handle(placed: OrderPlaced, ctx: Context) -> None:
            await asyncio.sleep(0.001 * (placed.n % 7))
            handled.append(placed.n)
            ctx.counter("c", "all").add(1)

        return flow

    await bench.run(made())
    for n in range(200):
        bench.producer.place(f"ORD-{n % 30}", n)
    await bench.until(lambda: len(handled) > 60)
    await bench.reopen(made())
    await bench.settled()
    assert await bench.store.counter("c", "all") == 200
    assert (await bench.sums())["again"].done == 200


async def test_a_new_epoch_fences_the_old_engine(bench: Bench) -> None:
    flow, lost = Flow("fence", owner="team"), []

    @flow.on(OrderPlaced)
    async def handle(placed: OrderPlaced, ctx: Context) -> None:
        ctx.counter("c", "all").add(1)

    await bench.run(flow)
    old = bench.engine
    assert old is not None
    old.on_fenced = lost.append
    await bench.resume(flow)
    bench.producer.place("a", 1)
    await bench.until(lambda: bool(lost))
    await bench.settled()
    assert lost[0].code == "fenced"
    assert await bench.store.counter("c", "all") == 1
    await old.drain(0.01)
