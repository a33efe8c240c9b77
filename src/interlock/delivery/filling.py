"""Filling lanes from the store, in bounded pages, whenever one of them is low on rows."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from interlock.delivery.lane import END, Key, Lane, key_of
from interlock.delivery.targets import subject_of
from interlock.model.clock import Clock
from interlock.model.problems import Closed, Problem, UnavailableProblem, Unexpected
from interlock.model.record import DeliveryRow
from interlock.ports.state_store import StateStore

_PAUSE_SECONDS = 1.0


class Filling:
    """At most one scan at a time, which serves all lanes in need. `filled` is called after each page."""

    def __init__(
        self,
        store: StateStore,
        lanes: Mapping[str, Lane],
        unknown: Lane,
        clock: Clock,
        page_rows: int,
        filled: Callable[[], None],
        failed: Callable[[Problem], None],
    ) -> None:
        self._store, self._lanes, self._unknown, self._clock = store, lanes, unknown, clock
        self._page_rows = page_rows
        self._filled, self._failed = filled, failed
        self._task: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """Start a scan if some lane wants rows and none is under way."""
        if self._task is None and any(lane.wants_rows for lane in self._lanes.values()):
            self._task = asyncio.create_task(self._run(), name="delivery filling")

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        try:
            while needy := [lane for lane in self._lanes.values() if lane.wants_rows]:
                await self._scan(needy)
        except Closed:
            return  # the engine is going down; a deliverer that is still wanted fails at its next commit
        except Problem as problem:
            self._failed(problem)
            return
        except Exception as defect:
            self._failed(Unexpected(f"The deliverer's scan broke: {type(defect).__name__}: {defect}."))
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

    def _hand_out(self, page: Sequence[DeliveryRow], through: Key, needy: Sequence[Lane]) -> None:
        rows: defaultdict[str, list[DeliveryRow]] = defaultdict(list)
        for row in page:
            rows[self._lanes.get(subject_of(row), self._unknown).name].append(row)
        for lane in needy:
            if lane.scanning:
                lane.take_page(rows[lane.name], through)

    async def _page(self, after: Key) -> list[DeliveryRow]:
        while True:
            try:
                return await self._store.pending_deliveries(*after, self._page_rows)
            except UnavailableProblem:
                await self._clock.sleep(_PAUSE_SECONDS)
