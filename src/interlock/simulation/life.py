"""One life of a simulated process: from its start to its crash or its end. What comes after is another life."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Coroutine
from contextlib import suppress
from contextvars import Context, ContextVar, copy_context
from pathlib import Path
from typing import Any

LIFE: ContextVar[Life | None] = ContextVar("LIFE", default=None)
PACKAGE = str(Path(__file__).parents[1])
OWN = str(Path(__file__).parent)
NEVER = -1
Place = tuple[str, int]  # file below the package, line


class Life:
    """Everything that runs on behalf of the process runs in `context`; so the loop knows what to hold or to drop.

    turns       callbacks so far; at `crash_turn` it ends
    crash_on    what it sends; it ends when that has arrived for the `crash_after`th time, before the answer
    abandoned   where its tasks waited when it crashed: the await points that were tried
    """

    def __init__(self, process: str, number: int) -> None:
        self.process = process
        self.number = number
        self.alive = True
        self.paused = False
        self.held: list[asyncio.Handle] = []
        self.turns = 0
        self.crash_turn = NEVER
        self.crash_on: str | None = None
        self.crash_after = 0
        self.abandoned: set[Place] = set()
        self._tasks: list[asyncio.Task[Any]] = []
        self._most = 64
        self.context = self._own_context()

    @property
    def name(self) -> str:
        return f"{self.process}.{self.number}"

    def spawn(self, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        return asyncio.get_running_loop().create_task(coroutine, context=self.context.copy())

    def own(self, task: asyncio.Task[Any]) -> None:
        self._tasks.append(task)
        if len(self._tasks) > self._most:
            self._tasks = [one for one in self._tasks if not one.done()]
            self._most = max(64, 2 * len(self._tasks))

    def arrived(self, what: str) -> bool:
        """Whether it is to end now that this has arrived."""
        if what != self.crash_on:
            return False
        self.crash_after -= 1
        return self.crash_after == 0

    def crash(self) -> None:
        """The ports are dead first; then the tasks are abandoned, and their `finally` runs to no effect."""
        self.alive = self.paused = False
        self.held.clear()
        waiting = [task for task in self._tasks if not task.done()]
        for task in waiting:
            self.abandoned |= places_of(task.get_coro())
        self._abandon(waiting)

    def end(self) -> None:
        """As `crash`, of a process that had stopped by itself."""
        self.alive = self.paused = False
        self.held.clear()
        self._abandon([task for task in self._tasks if not task.done()])

    def _abandon(self, tasks: list[asyncio.Task[Any]]) -> None:
        self._tasks = []
        for task in tasks:
            task._log_destroy_pending = False  # type: ignore[attr-defined]
            with suppress(BaseException):  # a `finally` that awaits or fails; or the task that asked for the end itself
                self.context.copy().run(task.get_coro().close)
        if self._tasks:  # what a `finally` began
            self._abandon(self._tasks)

    def _own_context(self) -> Context:
        context = copy_context()
        context.run(LIFE.set, self)
        return context


def places_of(coroutine: Any) -> set[Place]:
    """The await points of the package at which a suspended coroutine stands, the outermost to the innermost."""
    places: set[Place] = set()
    while coroutine is not None:
        frame = getattr(coroutine, "cr_frame", None)
        if frame is None:
            break
        file = frame.f_code.co_filename
        if file.startswith(PACKAGE) and not file.startswith(OWN):
            places.add((file[len(PACKAGE) + 1 :], frame.f_lineno))
        coroutine = coroutine.cr_await
    return places


def told(error: BaseException) -> str:
    """An unexpected error with the place that raised it."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}: {error}{where}"
