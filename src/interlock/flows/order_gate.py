"""Before a log elsewhere: what was emitted for a key by a commit that is done is in the log before what comes after it.

A keyed request is acknowledged when its commit is; its events wait in the outbox. Whoever was told of it, or was called
by a handler, may send the next event of that key at once: straight to the log it would overtake. So an append looks in
the outbox first, once for all that wait, and those of a key with rows wait until these are published.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple

from interlock.model.clock import Clock
from interlock.model.event import Event
from interlock.model.problems import Closed, Problem, StorageUnavailable, TooManyRequests, problem_of
from interlock.ports.event_log import AppendDone, EventLog
from interlock.ports.outbox import Key, Outbox

MOST_EVENTS = 65_536
LOOK_AGAIN_SECONDS = 0.005
GIVE_UP_SECONDS = 10.0


class Call(NamedTuple):
    """An append that has not gone to the log yet, and until when it may wait, on the monotonic clock."""

    events: Sequence[Event]
    done: AppendDone
    until_us: int

    @property
    def keys(self) -> set[Key]:
        return {(event.partition, event.key_hash) for event in self.events}


class OrderGate:
    """Keeps the order of the append calls for each key. `done` comes from the log, or says why it never got there."""

    def __init__(self, log: EventLog, outbox: Outbox, clock: Clock, failed: Callable[[Problem], None]) -> None:
        self._log = log
        self._outbox = outbox
        self._clock = clock
        self._failed = failed
        self._calls: list[Call] = []
        self._pending = 0
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    def append(self, events: Sequence[Event], done: AppendDone) -> None:
        """See EventLog.append."""
        loop = asyncio.get_running_loop()
        if self._closed:
            loop.call_soon(done, None, Closed("The log was closed."))
            return
        if self._pending + len(events) > MOST_EVENTS:
            problem = TooManyRequests("Too many events wait for the log.", retry_after_seconds=1)
            loop.call_soon(done, None, problem)
            return
        self._pending += len(events)
        self._calls.append(Call(events, done, self._clock.monotonic_us() + int(GIVE_UP_SECONDS * 1_000_000)))
        self._wake.set()
        if self._task is None:
            self._task = loop.create_task(self._run())
            self._task.add_done_callback(self._ended)

    async def close(self) -> None:
        """Let through what may go now, refuse the rest."""
        self._closed = True
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            await self._let_through()
        for call in self._taken():
            refuse(call, Closed("The log was closed."))

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Without the gate nothing is accepted any more: that must not be silent, nor leave anybody waiting."""
        if task.cancelled() or (error := task.exception()) is None:
            return
        problem = problem_of(error, "The gate before the log broke")
        self._closed = True
        for call in self._taken():
            refuse(call, problem)
        self._failed(problem)

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._calls:
                if await self._let_through():
                    await self._clock.sleep(LOOK_AGAIN_SECONDS)

    async def _let_through(self) -> bool:
        """Hand on what may go; whether something has to wait."""
        asked = len(self._calls)
        keys = {key for call in self._calls for key in call.keys}
        try:
            busy = await self._outbox.keys_waiting(keys)
        except Problem as problem:
            for call in self._taken():
                refuse(call, problem)
            return False
        calls = self._taken()
        for nth, call in enumerate(calls):
            mine = call.keys
            if nth < asked and busy.isdisjoint(mine):
                self._log.append(call.events, call.done)
            elif self._clock.monotonic_us() > call.until_us:
                refuse(call, unpublished())
            else:
                busy |= mine
                self._keep(call)
        return bool(self._calls)

    def _taken(self) -> list[Call]:
        calls, self._calls, self._pending = self._calls, [], 0
        return calls

    def _keep(self, call: Call) -> None:
        self._calls.append(call)
        self._pending += len(call.events)


def refuse(call: Call, problem: Problem) -> None:
    """On its own, so that a caller that raises keeps none of the others waiting for ever."""
    asyncio.get_running_loop().call_soon(call.done, None, problem)


def unpublished() -> StorageUnavailable:
    return StorageUnavailable(
        "Earlier events of the same key wait to be published.",
        next_step="Send it again. If it lasts, see with interlock status whether a worker has each partition.",
        retry_after_seconds=1,
    )
