"""Time that moves only when the test says so."""

from __future__ import annotations

import asyncio
import heapq

from interlock.simulation.loop import START_US as START_US

_TURNS = 50  # event-loop turns granted to what a wake-up sets off


class FakeClock:
    """`model.Clock` by hand. Sleepers wake in order of their due time, ties in the order in which they lay down."""

    def __init__(self, start_us: int = START_US) -> None:
        self._now_us = start_us
        self._monotonic_us = 0
        self._order = 0
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []

    def now_us(self) -> int:
        return self._now_us

    def monotonic_us(self) -> int:
        return self._monotonic_us

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            return
        due_us = self._monotonic_us + round(seconds * 1_000_000)
        waker = asyncio.get_running_loop().create_future()
        self._order += 1
        heapq.heappush(self._sleepers, (due_us, self._order, waker))
        await waker

    @property
    def sleepers(self) -> int:
        """How many coroutines sleep."""
        return sum(not waker.done() for _, _, waker in self._sleepers)

    @property
    def next_due_seconds(self) -> float | None:
        """How long until the first sleeper is due; None when nobody sleeps."""
        self._forget_cancelled()
        return (self._sleepers[0][0] - self._monotonic_us) / 1_000_000 if self._sleepers else None

    async def advance(self, seconds: float) -> None:
        """Let time pass. Each sleeper sees the moment it was due, and what it starts may sleep within the span too."""
        end_us = self._monotonic_us + round(seconds * 1_000_000)
        await settle()
        while self._due_by(end_us):
            due_us, _, waker = heapq.heappop(self._sleepers)
            self._move_to(max(due_us, self._monotonic_us))
            waker.set_result(None)
            await settle()
        self._move_to(end_us)

    def step_wall(self, seconds: float) -> None:
        """Step the wall clock alone, back or forth, as NTP or an operator would."""
        self._now_us += round(seconds * 1_000_000)

    def _due_by(self, end_us: int) -> bool:
        self._forget_cancelled()
        return bool(self._sleepers) and self._sleepers[0][0] <= end_us

    def _forget_cancelled(self) -> None:
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)

    def _move_to(self, monotonic_us: int) -> None:
        self._now_us += monotonic_us - self._monotonic_us
        self._monotonic_us = monotonic_us


async def settle(turns: int = _TURNS) -> None:
    """Give ready tasks and callbacks `turns` rounds of the event loop. Threads are not waited for."""
    for _ in range(turns):
        await asyncio.sleep(0)
