"""An event loop without I/O, whose time is simulated: it jumps to the next moment at which something is due.

Computing takes no time here; waiting does. So what can overtake what is decided by how long each answer of a store or a
system takes, which the seed draws, and `call_soon` keeps the order that asyncio promises: an order that no real
loop can show is not tried either. Between two callbacks a process may be crashed or paused: that is at any await.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from contextvars import Context
from typing import Any

from interlock.simulation.life import LIFE, Life

START_US = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z
Due = asyncio.Handle | asyncio.Future[None]
MOST_TURNS = 200_000  # callbacks without any time passing: somebody spins
__all__ = ["LIFE", "START_US", "SimulatedLoop", "Spinning"]


class Spinning(Exception):
    """Callbacks without end at one moment, or nothing that will ever be due."""


class SimulatedLoop(asyncio.BaseEventLoop):
    """`crashed` is called when a life has made the turn at which it is to end."""

    def __init__(self, crashed: Callable[[Life], None]) -> None:
        super().__init__()
        self.now_us = 0
        self.turns = 0
        self._crashed = crashed
        self._timers: list[tuple[int, int, Due]] = []
        self._order = 0
        self._idle_turns = 0
        self.set_task_factory(_task_of_life)

    def time(self) -> float:
        return self.now_us / 1_000_000

    def at(self, when_us: int, callback: Callable[..., object], *args: Any, context: Context | None = None) -> None:
        """Call at a moment of this loop, in microseconds from its start."""
        self._push(when_us, asyncio.Handle(callback, args, self, context))

    def wake_at(self, when_us: int, waker: asyncio.Future[None]) -> None:
        """Give the future its result at a moment of this loop: as `at`, without a turn of its own."""
        self._push(when_us, waker)

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        self._push(round(when * 1_000_000), timer)
        return timer

    def _push(self, when_us: int, due: Due) -> None:
        self._order += 1
        heapq.heappush(self._timers, (when_us, self._order, due))

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """It is passed over when it is due."""

    def wake(self, life: Life) -> None:
        """The life goes on after a pause: what came meanwhile is done now, in the order in which it came."""
        held, life.held = life.held, []
        life.paused = False
        self._ready.extend(held)  # type: ignore[attr-defined]

    def _run_once(self) -> None:
        ready, life_of = self._ready, LIFE  # type: ignore[attr-defined]
        while not self._stopping:  # type: ignore[attr-defined]
            if not ready:
                self._jump()
                continue
            handle = ready.popleft()
            if handle._cancelled:
                continue
            self._idle_turns += 1
            if self._idle_turns > MOST_TURNS:
                raise Spinning(f"{MOST_TURNS} callbacks at one moment: {handle!r}")
            life = handle._context.get(life_of)
            if life is None:
                handle._run()
            elif life.paused:
                life.held.append(handle)
            elif life.alive:
                life.turns += 1
                handle._run()
                if life.turns == life.crash_turn:
                    self._crashed(life)

    def _jump(self) -> None:
        timers = self._timers
        while timers and timers[0][2].cancelled():
            heapq.heappop(timers)
        if not timers:
            raise Spinning("Nothing is under way, and nothing will ever be due.")
        self.now_us = now_us = max(self.now_us, timers[0][0])
        self.turns += self._idle_turns
        self._idle_turns = 0
        while timers and timers[0][0] <= now_us:
            due = heapq.heappop(timers)[2]
            if isinstance(due, asyncio.Future):
                if not due.done():
                    due.set_result(None)
            elif not due.cancelled():
                self._ready.append(due)  # type: ignore[attr-defined]


def _task_of_life(loop: asyncio.AbstractEventLoop, coroutine: Any, context: Context | None = None) -> asyncio.Task[Any]:
    """Each task belongs to the life that made it, so that a crash can abandon it."""
    task: asyncio.Task[Any] = asyncio.Task(coroutine, loop=loop, context=context)
    life = LIFE.get() if context is None else context.get(LIFE)
    if life is not None:
        life.own(task)
    return task
