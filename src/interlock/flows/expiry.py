"""Events that the log dropped before their flow had handled them: the partition stands until a person gives them up.

Nothing is dropped, so a gap is never jumped in silence. What the index knows of the gap says what was lost; a gap that
held nothing for the flow is none. Giving up writes a discarded handling for each event that is known, by the commits of
the flow, and the cursor follows: so the books balance, and `why` tells of each.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from interlock.flows.lane import elsewhere
from interlock.model.event import Stored
from interlock.model.handling import HandlingState
from interlock.model.problems import AlreadyHandled, NotFound, Problem, UnavailableProblem
from interlock.model.record import HandlingRow
from interlock.model.step import Step
from interlock.ports.log_index import LogIndex

if TYPE_CHECKING:
    from interlock.flows.lane import Lane
    from interlock.flows.worker import Worker

log = logging.getLogger("interlock.flows")
PAGE_EVENTS = 500
RETRY_SECONDS = 0.2
HANDLER = "-"  # none ran
PREFIX = "expired:"


class GivenUp(NamedTuple):
    """What a person gave up: the events that were known, and how many positions nobody has ever looked at."""

    flow: str
    partition: int
    after: int
    through: int
    events: int
    unseen: int


class Expiry:
    """Of one flow. Without an index, as beside a log that never drops anything, all of a gap is unseen."""

    def __init__(self, worker: Worker, index: LogIndex | None) -> None:
        self._worker = worker
        self._index = index

    async def meet(self, lane: Lane, through: int) -> None:
        """The log has nothing up to `through` any more: stand, or read on where nothing of it was for this flow.

        Where the index cannot be asked now, the lane comes back to it after a while.
        """
        try:
            await self._meet(lane, through)
        except UnavailableProblem:
            await self._worker.clock.sleep(RETRY_SECONDS)

    async def _meet(self, lane: Lane, through: int) -> None:
        lost = await self._unseen(lane, through) or await self._next(lane, lane.through, through)
        if not lost:
            if not lane.closing:
                lane.through = max(lane.through, through)
            return
        if self._index is not None:
            await self._index.note_expired(lane.partition, through, self._worker.clock.now_us())
        lane.expired = through
        fields = {"flow": self._worker.flow.name, "partition": lane.partition, "after": lane.through}
        log.error("flow.expired", extra={**fields, "through": through})

    async def give_up(self, lane: Lane, reason: str) -> GivenUp:
        """Discard what is known, and let the flow read on. NotFound where it does not stand; LeasedElsewhere."""
        if not lane.expired:
            raise NotFound(
                f"{self._worker.flow.name} does not stand in partition {lane.partition}: nothing expired there unread.",
                next_step="See where flows stand with: interlock expired list",
            )
        if lane.giving_up:
            raise NotFound(f"Partition {lane.partition} is being given up already.")
        lane.giving_up = True
        try:
            return await self._give_up(lane, lane.expired, reason)
        finally:
            lane.giving_up = False

    async def _give_up(self, lane: Lane, through: int, reason: str) -> GivenUp:
        begin, count, unseen = lane.through, 0, await self._unseen(lane, through)
        while page := await self._next(lane, lane.through, through):
            if lane.closing:
                raise elsewhere(lane.partition)
            await self._discard(lane, page, reason)
            count += len(page)
            lane.through = page[-1].position
        if lane.closing:
            raise elsewhere(lane.partition)
        lane.through, lane.expired = through, 0
        self._worker.woken([lane.partition])
        fields = {"flow": self._worker.flow.name, "partition": lane.partition, "after": begin, "through": through}
        log.warning("flow.gave_up_expired", extra={**fields, "events": count, "unseen": unseen})
        return GivenUp(self._worker.flow.name, lane.partition, begin, through, count, unseen)

    async def _unseen(self, lane: Lane, through: int) -> int:
        if self._index is None:
            return max(0, through - lane.through)
        return await self._index.unseen(lane.partition, lane.through, through)

    async def _next(self, lane: Lane, after: int, through: int) -> Sequence[Stored]:
        """The next events of the gap that the flow takes and has not handled."""
        while self._index is not None:
            types = self._worker.reactions.keys()
            page = await self._index.indexed(lane.partition, after, through, types, PAGE_EVENTS)
            found = [stored for stored in page if stored.position not in lane.marked]
            if found or len(page) < PAGE_EVENTS:
                return found
            after = page[-1].position
        return ()

    async def _discard(self, lane: Lane, events: Sequence[Stored], reason: str) -> None:
        """One commit, or as many as the flow's batches make of it."""
        waiting = []
        for position, event in events:
            self._worker.hand_out(lane, position, event.time_us)
            done: asyncio.Future[Problem | None] = asyncio.get_running_loop().create_future()
            waiting.append(done)
            self._worker.submit(
                lane, Step(handling=self._row(lane, position, reason)), self._settled(lane, position, done)
            )
        self._worker.commit()
        for problem in await asyncio.gather(*waiting):
            if problem is not None and not isinstance(problem, AlreadyHandled):
                raise problem

    def _settled(
        self, lane: Lane, position: int, done: asyncio.Future[Problem | None]
    ) -> Callable[[Problem | None], None]:
        def settled(problem: Problem | None) -> None:
            if not lane.gone:
                self._worker.forget(lane, position)
            if not done.done():
                done.set_result(problem)

        return settled

    def _row(self, lane: Lane, position: int, reason: str) -> HandlingRow:
        flow, now_us = self._worker.flow, self._worker.clock.now_us()
        place = (flow.name, lane.partition, position, 0)
        return HandlingRow(*place, HandlingState.DISCARDED, 0, now_us, 0, HANDLER, flow.version, PREFIX + reason)
