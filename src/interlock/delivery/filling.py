"""Filling lanes from the store, in bounded pages, whenever one of them is low on rows."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence

from interlock.delivery.lane import END, Key, Lane, key_of
from interlock.delivery.targets import subject_of
from interlock.model.clock import Clock
from interlock.model.ids import Ids
from interlock.model.pauses import Pauses
from interlock.model.problems import Closed, Problem, UnavailableProblem, Unexpected
from interlock.model.record import DeliveryRow
from interlock.ports.state_store import StateStore

_PAUSE_SECONDS = (0.5, 5.0)
# How far the clock of whoever placed a delivery may be behind or ahead of ours, its commit's time included.
_BEHIND_US, _AHEAD_US = 60_000_000, 5_000_000
_LOOK_BACK_US = (
    60_000_000  # how often all that is due is looked through: a commit may have come later than any clock errs
)


class Filling:
    """At most one scan at a time, which serves all lanes in need. `filled` is called after each page.

    `partitions` are those whose deliveries this process sends; None while it sends all.
    """

    def __init__(
        self,
        store: StateStore,
        lanes: Mapping[str, Lane],
        unknown: Lane,
        clock: Clock,
        ids: Ids,
        page_rows: int,
        partitions: Callable[[], Collection[int] | None],
        filled: Callable[[], None],
        failed: Callable[[Problem], None],
    ) -> None:
        self._store, self._lanes, self._unknown, self._clock = store, lanes, unknown, clock
        self._page_rows = page_rows
        self._chance = ids.chance
        self._partitions = partitions
        self._turn = asyncio.Lock()
        self._looked_back_us = 0
        self._filled, self._failed = filled, failed
        self._task: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """Start a scan if some lane wants rows and none is under way."""
        if self._partitions() == frozenset():
            return
        if self._task is None and any(lane.wants_rows for lane in self._lanes.values()):
            self._task = asyncio.create_task(self._run(), name="delivery filling")

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        try:
            while needy := [lane for lane in self._lanes.values() if lane.wants_rows]:
                async with self._turn:
                    await self._scan(needy)
        except Closed:
            return  # the engine is going down; a deliverer that is still wanted fails at its next commit
        except Problem as problem:
            self._failed(problem)
            return
        except Exception as defect:
            self._failed(Unexpected.of(defect, "The deliverer's scan broke"))
            return
        self._task = None

    async def _scan(self, needy: Sequence[Lane]) -> None:
        for lane in needy:
            lane.begin_scan()
        through = min(lane.horizon for lane in needy)
        try:
            while any(lane.scanning for lane in needy):
                page = await self._page(through)
                through = key_of(page[-1]) if len(page) >= self._page_rows else END
                self._hand_out(page, through, needy)
                self._filled()
        finally:
            for lane in needy:
                lane.end_scan()

    async def look(self) -> bool:
        """Take in what came due lately and was placed by others; whether there was anything.

        Nobody tells of it, and a lane that has read to the end does not read again.
        """
        async with self._turn:
            now_us, fresh = self._clock.now_us(), False
            for lane in self._lanes.values():
                lane.begin_look()
            try:
                after: Key | None = (self._look_from(now_us), "")
                while after is not None:
                    page = await self._page(after)
                    due = [row for row in page if row.due_us <= now_us + _AHEAD_US]
                    taken = [self._lane(row).offer_seen(row) for row in self._still_ours(due)]
                    fresh = fresh or any(taken)
                    after = key_of(page[-1]) if len(due) >= self._page_rows else None
            finally:
                for lane in self._lanes.values():
                    lane.end_look()
        return fresh

    def _look_from(self, now_us: int) -> int:
        if now_us - self._looked_back_us < _LOOK_BACK_US:
            return now_us - _BEHIND_US
        self._looked_back_us = now_us
        return 0

    def _lane(self, row: DeliveryRow) -> Lane:
        return self._lanes.get(subject_of(row), self._unknown)

    def _hand_out(self, page: Sequence[DeliveryRow], through: Key, needy: Sequence[Lane]) -> None:
        rows: defaultdict[str, list[DeliveryRow]] = defaultdict(list)
        for row in self._still_ours(page):
            rows[self._lane(row).name].append(row)
        for lane in needy:
            if lane.scanning:
                lane.take_page(rows[lane.name], through)

    def _still_ours(self, page: Sequence[DeliveryRow]) -> Sequence[DeliveryRow]:
        """Without those of partitions that were given back while the store was asked."""
        ours = self._partitions()
        return page if ours is None else [row for row in page if row.partition in ours]

    async def _page(self, after: Key) -> list[DeliveryRow]:
        pauses = Pauses(*_PAUSE_SECONDS, self._chance)
        while True:
            try:
                return await self._store.pending_deliveries(*after, self._page_rows, self._partitions())
            except UnavailableProblem:
                await self._clock.sleep(next(pauses))
