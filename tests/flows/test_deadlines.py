"""Time limits on the engine's clock."""

from __future__ import annotations

import asyncio

import pytest

from interlock.flows.deadlines import Deadlines
from interlock.testing.fake_clock import FakeClock, settle


async def guarded(deadlines: Deadlines, work: asyncio.Event | FakeClock, seconds: float = 0) -> str:
    async with deadlines.limit():
        await (work.sleep(seconds) if isinstance(work, FakeClock) else work.wait())
    return "done"


async def test_each_is_timed_out_at_its_own_moment_and_no_other() -> None:
    clock, never = FakeClock(), asyncio.Event()
    deadlines = Deadlines(clock, 10)
    first = asyncio.create_task(guarded(deadlines, never))
    quick = asyncio.create_task(guarded(deadlines, clock, 9))
    await clock.advance(4)
    second = asyncio.create_task(guarded(deadlines, never))
    await clock.advance(5.999)
    assert (first.done(), quick.done(), second.done()) == (False, True, False)
    await clock.advance(0.001)
    await settle()
    assert isinstance(first.exception(), TimeoutError)
    assert not second.done()
    await clock.advance(4)
    await settle()
    assert isinstance(second.exception(), TimeoutError)
    assert quick.result() == "done"
    third = asyncio.create_task(guarded(deadlines, never))  # the sleeper had gone: it comes back
    await clock.advance(10)
    await settle()
    assert isinstance(third.exception(), TimeoutError)
    assert clock.sleepers == 0


async def test_a_cancellation_from_elsewhere_stays_one() -> None:
    clock = FakeClock()
    task = asyncio.create_task(guarded(Deadlines(clock, 10), asyncio.Event()))
    await clock.advance(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_who_swallows_the_timeout_goes_on_uncancelled() -> None:
    clock = FakeClock()
    deadlines = Deadlines(clock, 10)

    async def stubborn() -> int:
        try:
            async with deadlines.limit():
                await asyncio.Event().wait()
        except TimeoutError:
            await asyncio.sleep(0)
        task = asyncio.current_task()
        return task.cancelling() if task else -1

    task = asyncio.create_task(stubborn())
    await clock.advance(10)
    assert await task == 0


async def test_after_the_stop_nobody_is_timed_out() -> None:
    clock = FakeClock()
    deadlines = Deadlines(clock, 10)
    task = asyncio.create_task(guarded(deadlines, clock, 20))
    await clock.advance(1)
    deadlines.stop()
    await clock.advance(20)
    assert await task == "done"
