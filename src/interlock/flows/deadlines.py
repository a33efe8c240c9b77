"""Time limits of handlers, on the engine's clock: so that a simulation times them out as it times everything else.

All runs have the same limit, so the one that began first is due first, and one sleeper serves them all.
"""

from __future__ import annotations

import asyncio
from types import TracebackType

from interlock.model.clock import Clock
from interlock.model.lasting_task import lasting


class Deadlines:
    """Hands out limits: `async with deadlines.limit():` raises TimeoutError when the block takes longer."""

    def __init__(self, clock: Clock, limit_seconds: float) -> None:
        self._clock = clock
        self.limit_seconds = limit_seconds
        self._limit_us = int(limit_seconds * 1_000_000)
        self._due: dict[Limit, int] = {}  # in order of their beginning
        self._sleeper: asyncio.Task[None] | None = None

    def limit(self) -> Limit:
        return Limit(self)

    def begin(self, limit: Limit) -> None:
        self._due[limit] = self._clock.monotonic_us() + self._limit_us
        if self._sleeper is None:
            self._sleeper = lasting(self._sleep(), "clock of handlers' deadlines")

    def end(self, limit: Limit) -> None:
        self._due.pop(limit, None)

    def stop(self) -> None:
        """Nobody is timed out from now on."""
        if self._sleeper is not None:
            self._sleeper.cancel()

    async def _sleep(self) -> None:
        while self._due:
            limit, due_us = next(iter(self._due.items()))
            wait_us = due_us - self._clock.monotonic_us()
            if wait_us > 0:
                await self._clock.sleep(wait_us / 1_000_000)
            else:
                del self._due[limit]
                limit.expire()
        self._sleeper = None


class Limit:
    """As asyncio.Timeout, which knows only the event loop's own time."""

    __slots__ = ("_cancelling", "_deadlines", "_expired", "_task")

    def __init__(self, deadlines: Deadlines) -> None:
        self._deadlines = deadlines
        self._expired = False

    def expire(self) -> None:
        self._expired = True
        self._task.cancel()

    async def __aenter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._task, self._cancelling = task, task.cancelling()
        self._deadlines.begin(self)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._deadlines.end(self)
        ours = self._expired and self._task.uncancel() <= self._cancelling
        if ours and kind is asyncio.CancelledError:  # else somebody else cancelled too, or the block ended in time
            raise TimeoutError from error
