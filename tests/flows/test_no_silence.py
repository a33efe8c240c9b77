"""What breaks in the background is heard of, and takes nobody's answer with it."""

from __future__ import annotations

import asyncio
from typing import Any

from flows.conftest import Bench
from flows.shop import OrderPlaced
from interlock import Context, Flow
from interlock.model.problems import Problem, Unexpected


async def test_upkeep_that_breaks_ends_the_engine(bench: Bench) -> None:
    problems: list[Problem] = []
    await bench.run(Flow("idle", owner="team"))
    assert bench.engine is not None
    bench.engine.on_fenced = problems.append

    async def expire(now_us: int) -> int:
        raise KeyError("bucket")

    bench.store.expire = expire  # type: ignore[method-assign]
    await bench.until(lambda: bool(problems))
    assert isinstance(problems[0], Unexpected)


async def test_a_listener_that_raises_takes_no_answer_with_it(bench: Bench) -> None:
    flow, handled, told = Flow("hears", owner="team"), list[int](), list[dict[str, Any]]()
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context))

    @flow.on(OrderPlaced)
    async def handle(placed: OrderPlaced, ctx: Context) -> None:
        handled.append(placed.n)

    def broken(stored: object) -> None:
        raise KeyError("listener")

    bench.store = await bench.backing.open()
    bench.store.listen(broken)
    await bench.resume(flow)
    for n in range(3):
        bench.producer.place("a", n)
        await asyncio.sleep(0.01)
    await bench.until(lambda: handled == [0, 1, 2])
    assert len(bench.producer.appended) == 3
    assert told
