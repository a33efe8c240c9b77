"""The relay: publishes emitted events from the outbox of the state store to a log elsewhere.

It may die between publishing and dropping the row, so it may publish again, always under the identity that the event
got when it was emitted. Within its dedupe window the log recognises that; beyond it the relay looks in the log first.
Rows are taken because they are there, and not because their number is above the last one: a commit that ends late
brings a low number late. Two relays of one partition, for a moment, reorder nothing: each publishes in the outbox's
order, so the first occurrences are in order, and the index knows the others as duplicates.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence

from interlock.model.clock import Clock
from interlock.model.event import Appended, Event
from interlock.model.ids import Ids
from interlock.model.lasting_task import lasting
from interlock.model.pauses import Pauses
from interlock.model.problems import Problem, TooManyRequests
from interlock.ports.event_log import EventLog
from interlock.ports.log_index import LogIndex
from interlock.ports.outbox import Outbox, Waiting

log = logging.getLogger("interlock.relay")
ROWS_PER_PARTITION = 1024  # taken at once
CALL_EVENTS = 1024  # at once, where the log sets no bound of its own
POLL_SECONDS = 1.0  # for rows that nobody told us of: those of other processes, and of commits that ended late
PAUSE_SECONDS = (0.05, 2.0)
SAFE_SHARE = 0.5  # of the log's dedupe window: the rest is for clocks that differ


class Relay:
    """Publishes the rows of the followed partitions. `catch_up` brings the index up to the log's head."""

    def __init__(
        self,
        outbox: Outbox,
        log: EventLog,
        index: LogIndex,
        clock: Clock,
        ids: Ids,
        catch_up: Callable[[Collection[int]], Awaitable[None]],
    ) -> None:
        self._outbox = outbox
        self._log = log
        self._index = index
        self._clock = clock
        self._pauses = Pauses(*PAUSE_SECONDS, ids.chance)
        self._catch_up = catch_up
        self._partitions: frozenset[int] = frozenset()
        self._doubtful_through: int | None = None
        self._safe_us = int(log.log_capabilities.dedupe_seconds * SAFE_SHARE * 1_000_000)
        self._most_events = self._call_events = log.log_capabilities.call_events or CALL_EVENTS
        self._wake = asyncio.Event()
        self._failing = False
        outbox.on_emitted(self._emitted)

    def follow(self, partitions: Collection[int]) -> None:
        """Publish for these from now on. What waits for them may have been published by the one before."""
        self._partitions = frozenset(partitions)
        self._doubtful_through = None
        self._wake.set()

    async def run(self) -> None:
        """For ever. Raises a problem that waiting does not cure."""
        tick = lasting(self._tick(), "relay's clock")
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while await self._publish_patiently():
                    pass
        finally:
            tick.cancel()

    async def _tick(self) -> None:
        while True:
            await self._clock.sleep(POLL_SECONDS)
            self._wake.set()

    def _emitted(self, partitions: Collection[int]) -> None:
        if not self._partitions.isdisjoint(partitions):
            self._wake.set()

    async def _publish_patiently(self) -> bool:
        """Whether there may be more."""
        while True:
            try:
                more = await self.publish()
            except Problem as problem:
                if not problem.retryable:
                    raise
                self._doubtful_through = None  # some of it may be in the log
                if not self._failing:  # once, not at each of the tries that follow
                    self._failing = True
                    log.warning("relay.failed", extra={"code": problem.code})
                await self._clock.sleep(next(self._pauses))
            else:
                self._failing = False
                self._pauses.begin_anew()
                return more

    async def publish(self) -> bool:
        """Publish what waits, up to a bound; whether there was anything. Raises what log and store raise."""
        if self._doubtful_through is None:
            self._doubtful_through = await self._outbox.newest_row()
        doubtful_through = self._doubtful_through  # `follow` may begin anew meanwhile
        rows = await self._outbox.waiting(self._partitions, ROWS_PER_PARTITION)
        if not rows:
            return False
        there = await self._looked_up(rows, doubtful_through)
        fresh = [row.event for row in rows if row.row not in there]
        await self._append(fresh)
        await self._outbox.published(rows)
        return True

    async def _append(self, events: Sequence[Event]) -> None:
        """In calls as large as the log takes now: its room is shared with the edge, and may be small."""
        while events:
            part = events[: self._call_events]
            try:
                await appended(self._log, part)
            except TooManyRequests:
                if len(part) == 1:
                    raise
                self._call_events = len(part) // 2
            else:
                events = events[len(part) :]
                self._call_events = min(2 * self._call_events, self._most_events)

    async def _looked_up(self, rows: Sequence[Waiting], through: int) -> set[int]:
        """Those of the rows whose events are in the log already, as far as the log would not see it by itself."""
        doubtful = [row for row in rows if row.row <= through and self._beyond_window(row.event)]
        if not doubtful:
            return set()
        concerned = sorted({row.event.partition for row in doubtful})
        await self._catch_up(concerned)
        places = await self._index.places([row.event for row in doubtful])
        return {row.row for row in doubtful if (row.event.source, row.event.id) in places}

    def _beyond_window(self, event: Event) -> bool:
        """Whether it was emitted so long ago that the log may have forgotten it, had it been published then."""
        return self._clock.now_us() - event.time_us >= self._safe_us


async def appended(log: EventLog, events: Sequence[Event]) -> Sequence[Appended]:
    """The places, once they are what the log calls done. Raises the problem."""
    answered: asyncio.Future[Sequence[Appended]] = asyncio.get_running_loop().create_future()

    def done(places: Sequence[Appended] | None, problem: Problem | None) -> None:
        if answered.done():  # stopped meanwhile
            return
        if places is None:
            assert problem is not None
            answered.set_exception(problem)
        else:
            answered.set_result(places)

    log.append(events, done)
    return await answered
