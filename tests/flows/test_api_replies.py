"""What API handlers set off: keys of their own, and an answer in every case."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from flows.conftest import Bench
from interlock import Answer, Context, Flow
from interlock.delivery.settlement import reply_event
from interlock.model.record import DeliveryRow
from interlock.model.step import Commit, Step, StepResult
from interlock.ports.http_client import HttpAnswer


async def test_the_replies_of_two_requests_have_two_keys(bench: Bench) -> None:
    flow, calls, handled = Flow("shop", owner="team"), list[DeliveryRow](), list[int]()

    @flow.api("shop.pay")
    async def pay(body: dict[str, int], ctx: Context) -> Answer:
        ctx.call("payments.charge", n=body["n"])
        return Answer({}, 202)

    @flow.on_reply("payments.charge")
    async def paid(reply: Any, ctx: Context) -> None:
        if reply.request["n"] == 1:
            ctx.reject("bad_reply")
        handled.append(reply.request["n"])

    await bench.run(flow)
    assert bench.engine is not None
    bench.engine.on_calls = calls.extend
    for n in (1, 2):
        await bench.engine.call_api("shop.pay", {"n": n}, b"%d" % n, None, None)
    assert len(calls) == 2
    replies = [reply_event(row, HttpAnswer(200, {}, b"{}"), bench.clock.now_us()) for row in calls]
    for event in replies:
        commit = Commit(bench.engine.epoch, [Step(result=StepResult(emits=(event,)))], [], [])
        bench.store.submit(commit, lambda outcomes, problem: None)
    await bench.settled()
    assert handled == [2], "the dead reply of one request holds the other's"


async def test_a_cancelled_error_of_its_own_is_answered(bench: Bench) -> None:
    flow = Flow("shop", owner="team")

    @flow.api("shop.pay")
    async def pay(body: Any, ctx: Context) -> Answer:
        await asyncio.sleep(0)
        raise asyncio.CancelledError

    await bench.run(flow)
    assert bench.engine is not None
    answer = await bench.engine.call_api("shop.pay", {}, b"{}", None, None)
    assert answer.status == 500
    assert msgspec.json.decode(answer.body)["code"] == "handler_failed"


async def test_who_stops_waiting_is_not_answered(bench: Bench) -> None:
    flow = Flow("shop", owner="team")

    @flow.api("shop.pay")
    async def pay(body: Any, ctx: Context) -> Answer:
        await asyncio.sleep(60)
        raise AssertionError

    await bench.run(flow)
    assert bench.engine is not None
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await bench.engine.call_api("shop.pay", {}, b"{}", None, None)
