"""Things that are due later: one heap, one sleeper."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable

from interlock.model.clock import Clock
from interlock.model.lasting_task import lasting


class Timers:
    """Calls `ring(key)` when a key is due. Bounded by what the caller adds; nothing polls."""

    def __init__(self, clock: Clock, ring: Callable[[int], None]) -> None:
        self._clock = clock
        self._ring = ring
        self._heap: list[tuple[int, int]] = []
        self._sleeper: asyncio.Task[None] | None = None
        self._wakes_us = 0

    def add(self, due_us: int, key: int) -> None:
        heapq.heappush(self._heap, (due_us, key))
        if self._sleeper is None or due_us < self._wakes_us:
            self._rearm()

    def stop(self) -> None:
        if self._sleeper is not None:
            self._sleeper.cancel()
            self._sleeper = None
        self._heap.clear()

    def _rearm(self) -> None:
        if self._sleeper is not None:
            self._sleeper.cancel()
        self._wakes_us = self._heap[0][0]
        self._sleeper = lasting(self._sleep(), "clock of parked keys")

    async def _sleep(self) -> None:
        while self._heap:
            self._wakes_us = self._heap[0][0]
            await self._clock.sleep((self._wakes_us - self._clock.now_us()) / 1_000_000)
            now_us = self._clock.now_us()
            self._wakes_us = 0  # what is added while ringing is seen by this loop, and must not cancel it
            while self._heap and self._heap[0][0] <= now_us:
                self._ring(heapq.heappop(self._heap)[1])
        self._sleeper = None
