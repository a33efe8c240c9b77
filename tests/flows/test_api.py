"""API handlers: effects and stored answer are one commit, or there is neither."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from flows.conftest import Bench
from interlock import Answer, BusinessConflict, Context, Flow
from interlock.model.problems import AlreadyHandled, UnavailableProblem
from interlock.testing.samples import start


def shop() -> Flow:
    flow = Flow("shop", owner="team")

    @flow.api("shop.take")
    async def take(body: dict[str, int], ctx: Context) -> Answer:
        if body["n"] == 0:
            raise BusinessConflict("nothing to take")
        if body["n"] == 99:
            raise ValueError("broken")
        if body["n"] < 0:
            ctx.counter("stock", "sku").add(-body["n"])
        else:
            ctx.counter("stock", "sku").take(body["n"])
        return Answer({"taken": body["n"]}, 201)

    return flow


async def call(bench: Bench, n: int, scope: str | None) -> tuple[int, dict[str, object]]:
    assert bench.engine is not None
    answer = await bench.engine.call_api("shop.take", {"n": n}, b"%d" % n, scope, None)
    return answer.status, msgspec.json.decode(answer.body)


async def test_answers_and_effects(bench: Bench) -> None:
    await bench.run(shop())
    assert (await call(bench, -5, "fill"))[0] == 201
    assert await call(bench, 3, "one") == (201, {"taken": 3})
    stored = await bench.store.answer("one", bench.clock.now_us())
    assert stored is not None
    assert msgspec.json.decode(stored.body) == {"taken": 3}
    assert await bench.store.counter("stock", "sku") == 2


@pytest.mark.parametrize(("n", "status", "code"), [(0, 409, "business_conflict"), (99, 500, "handler_failed")])
async def test_a_problem_is_an_answer_and_is_kept(bench: Bench, n: int, status: int, code: str) -> None:
    await bench.run(shop())
    found, document = await call(bench, n, "key")
    assert (found, document["code"]) == (status, code)
    stored = await bench.store.answer("key", bench.clock.now_us())
    assert stored is not None
    assert stored.status == status


async def test_a_refused_counter_is_kept_as_answer_without_effects(bench: Bench) -> None:
    await bench.run(shop())
    await call(bench, -1, "fill")
    status, document = await call(bench, 2, "much")
    assert (status, document["code"]) == (409, "counter_refused")
    assert await bench.store.counter("stock", "sku") == 1
    stored = await bench.store.answer("much", bench.clock.now_us())
    assert stored is not None
    assert stored.status == 409


async def test_a_counter_that_was_looked_at_is_decided_anew(bench: Bench) -> None:
    flow = shop()

    @flow.api("shop.ask")
    async def ask(body: dict[str, int], ctx: Context) -> Answer:
        stock = ctx.counter("stock", "sku")
        if await stock.value() < 1:
            return Answer({"taken": 0}, 200)
        await asyncio.sleep(0)
        stock.take(1)
        return Answer({"taken": 1}, 201)

    await bench.run(flow)
    await call(bench, -2, "fill")
    assert bench.engine is not None
    asked = [bench.engine.call_api("shop.ask", {}, b"{}", f"key-{n}", None) for n in range(5)]
    assert sorted(answer.status for answer in await asyncio.gather(*asked)) == [200, 200, 200, 201, 201]
    assert await bench.store.counter("stock", "sku") == 0


async def test_one_scope_takes_effect_once(bench: Bench) -> None:
    await bench.run(shop())
    await call(bench, -10, "fill")
    results = await asyncio.gather(*(call(bench, 1, "same") for _ in range(4)), return_exceptions=True)
    assert sum(isinstance(result, AlreadyHandled) for result in results) == 3
    assert await bench.store.counter("stock", "sku") == 9


async def test_without_a_key_nothing_is_kept(bench: Bench) -> None:
    await bench.run(shop())
    assert await call(bench, -1, None) == (201, {"taken": -1})
    assert await bench.store.answer("", bench.clock.now_us()) is None


async def test_who_asked_is_told_to_try_again_when_the_process_was_away_for_too_long(bench: Bench) -> None:
    """Not an error of theirs, and nothing was stored: found where the database was away for longer than a lease."""
    await bench.run(shop())
    await bench.store.acquire(start(), {})
    with pytest.raises(UnavailableProblem, match="joins anew"):
        await call(bench, -1, "key")
    assert await bench.store.answer("key", bench.clock.now_us()) is None
