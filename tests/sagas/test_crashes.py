"""An engine that dies after any of its commits, and the next one too: the same end, and nothing done twice."""

from __future__ import annotations

from typing import Any

import pytest

from flows.shop import OrderPlaced, StockReserved
from interlock import Context, Flow, Reply, SagaContext, StepFailed
from interlock.model.saga import RunState
from interlock.ports.http_client import HttpAnswer

from .test_saga import charge, flow, note, refund, story, unnote
from .trial import Trial


async def flaky(name: str, ctx: Context) -> str:
    flaky.tries[ctx.event.id] = flaky.tries.get(ctx.event.id, 0) + 1  # type: ignore[attr-defined]
    if flaky.tries[ctx.event.id] % 2:  # type: ignore[attr-defined]
        raise ConnectionError("down")
    return await note(name, ctx)


def everything() -> Flow:
    """A saga that uses all there is, and ends by undoing."""
    flaky.tries = {}  # type: ignore[attr-defined]
    own = flow()

    async def part(ctx: SagaContext) -> None:
        await ctx.step(note, "C", undo=unnote)
        await ctx.step(charge, 2, key="child", undo=refund)

    @own.saga(OrderPlaced, waits_for=[StockReserved], deadline="30d")
    async def order_to_cash(order: OrderPlaced, ctx: SagaContext) -> None:
        await ctx.step(note, "A", undo=unnote)

        async def branch() -> Reply:
            await ctx.sleep(3)
            return await ctx.step(charge, 1, key="branch", undo=refund)

        await ctx.gather(branch(), ctx.step(flaky, "B", undo=unnote))
        await ctx.child(part)
        reserved = await ctx.wait_for(StockReserved, key=order.order_id, timeout="1d")
        await ctx.step(note, str(reserved.n))
        try:
            await ctx.step(charge, 0, key="refused")
        except StepFailed as failed:
            ctx.fail(f"status_{failed.reply.status}" if failed.reply else failed.code)

    return own


async def whole_story(dies_after: int | None) -> tuple[Any, ...]:
    trial = Trial(everything(), dies_after=dies_after)

    def answer() -> HttpAnswer:
        status = 402 if trial.target.asked[-1][1] == {"amount": 0} else 200
        return HttpAnswer(status, {}, b'{"did":"charge"}')

    trial.target.answers["charge"] = answer
    async with trial:
        await trial.place("a")
        await trial.settle(10)
        await trial.reserve("a", 7)
        await trial.settle(60)
        assert trial.state is RunState.UNDONE, (trial.run, trial.journal())
        assert trial.open_runs() == 0
        effects = dict(zip(trial.target.keys, trial.target.asked, strict=True))
        outside = sorted((operation, str(body)) for operation, body in effects.values())
        whole_story.deaths = trial.deaths  # type: ignore[attr-defined]
        return story(trial), trial.run.reason, outside


async def test_it_ends_alike_wherever_engines_die() -> None:
    expected = await whole_story(None)
    assert expected[:2] == ("ABC7cba", "status_402")
    assert [operation for operation, _ in expected[2]] == ["charge"] * 3 + ["refund"] * 2
    for dies_after in range(1, 40):
        assert await whole_story(dies_after) == expected, f"when each engine dies after {dies_after} commits"
        if not whole_story.deaths:  # type: ignore[attr-defined]
            break
    else:
        raise AssertionError("it never came to the end without a death")


async def test_code_that_does_something_else_than_it_did_is_stopped() -> None:
    def version(first: str, amount: int) -> Flow:
        own = flow()

        @own.saga(OrderPlaced)
        async def pay(order: OrderPlaced, ctx: SagaContext) -> None:
            await ctx.step(note, first, undo=unnote)
            await ctx.sleep(10)
            await ctx.step(charge, amount)

        return own

    async with Trial(version("A", 1)) as trial:
        await trial.place("a")
        await trial.restart(version("B", 1))
        await trial.settle(11)
        assert (trial.state, trial.run.reason) == (RunState.DIVERGED, "diverged")
        assert trial.target.asked == []
        (held,) = trial.tables.held.values()
        assert held.error == "diverged"
        assert "note" in (held.detail or "")
        await trial.restart(version("A", 1))  # mended, and redriven
        await trial.engine.redrive(held_mark(held))
        await trial.settle(1)
        assert trial.state is RunState.COMPLETED
        assert trial.target.operations == ["charge"]


def held_mark(held: Any) -> Any:
    from interlock.model.handling import Mark

    return Mark(*held[:4])


@pytest.mark.parametrize("awaited", ["future", "other"])
async def test_an_await_that_cannot_be_repeated_is_refused(awaited: str) -> None:
    import asyncio

    own = flow()

    @own.saga(OrderPlaced)
    async def pay(order: OrderPlaced, ctx: SagaContext) -> None:
        await ctx.step(note, "A", undo=unnote)
        if awaited == "future":
            await asyncio.get_running_loop().create_future()
        else:
            await asyncio.sleep(0)

    async with Trial(own) as trial:
        await trial.place("a")
        await trial.settle(1)
        assert trial.state is RunState.DIVERGED
        assert story(trial) == "A"
