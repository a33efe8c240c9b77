"""A log and a state that are two systems, as one object: what tests of the things above them take for a store."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol

from interlock.adapters.system import SystemClock, SystemIds
from interlock.flows.indexed_log import IndexedLog
from interlock.model.clock import Clock
from interlock.model.event import Event
from interlock.model.problems import Closed, Problem
from interlock.model.record import StartRow
from interlock.model.step import Commit
from interlock.ports.event_log import AppendDone, EventLog
from interlock.ports.log_index import LogIndex
from interlock.ports.outbox import Outbox
from interlock.ports.state_store import CommitDone, StateStore


class State(StateStore, Outbox, LogIndex, Protocol):
    """What a store offers whose log is elsewhere."""


class Split:
    """EventLog is asked of the indexed log, everything else of the state."""

    def __init__(self, outside: EventLog, state: State, clock: Clock | None = None) -> None:
        self.outside = outside
        self.state = state
        self.log = IndexedLog(outside, state, state, clock or SystemClock(), SystemIds())

    def __getattr__(self, name: str) -> Any:
        return getattr(self.log if name in vars(EventLog) else self.state, name)

    async def acquire(self, start: StartRow, flows: Mapping[str, Sequence[str]]) -> int:
        await self.log.catch_up()
        return await self.state.acquire(start, flows)

    async def at_rest(self) -> list[int] | None:
        """The ends of the index when nothing is on its way to the flows: no row waits, and all is indexed."""
        everything, indexing = range(self.log.partitions), self.log._indexing
        if await self.state.waiting(everything, 1):
            return None
        if (late := indexing.behind(everything)) and await indexing.step(late):
            return None
        return list(indexing.ends)

    async def rest(self) -> None:
        async with asyncio.timeout(20):
            while await self.at_rest() is None:  # noqa: ASYNC110 - it is looked at from outside
                await asyncio.sleep(0.001)

    async def close(self) -> None:
        await self.log.close()
        await self.state.close()


class Settled(Split):
    """Tells a caller only when what it did has arrived, so that it may look for it at once, as on a fused store."""

    def __init__(self, outside: EventLog, state: State, clock: Clock | None = None) -> None:
        super().__init__(outside, state, clock)
        self._later: set[asyncio.Task[None]] = set()

    def append(self, events: Sequence[Event], done: AppendDone) -> None:
        self.outside.append(events, self._after_rest(done))

    def submit(self, commit: Commit, done: CommitDone) -> None:
        self.state.submit(commit, self._after_rest(done))

    def _after_rest(self, done: Any) -> Any:
        """A callback that passes on what it is told, later."""
        told: asyncio.Future[tuple[object, Problem | None]] = asyncio.get_running_loop().create_future()

        async def tell() -> None:
            value, problem = await told
            self.log.listen(lambda fresh: None)  # the first one sets it to work
            with suppress(Closed):  # told before
                await self.rest()
            done(value, problem)

        task = asyncio.get_running_loop().create_task(tell())
        self._later.add(task)
        task.add_done_callback(self._later.discard)
        return lambda value, problem: told.set_result((value, problem))

    async def close(self) -> None:
        if self._later:
            await asyncio.wait(self._later)
        await super().close()
