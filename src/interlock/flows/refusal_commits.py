"""What the edge refused, on its way to the record: one commit at a time, for which nothing else waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from interlock.model.clock import Clock
from interlock.model.problems import Problem
from interlock.model.record import RefusalRow
from interlock.model.step import Commit
from interlock.ports.state_store import StateStore

MOST_ROWS = 10_000


class RefusalCommits:
    """`take` gives what was refused since it was asked last. It is not asked while a commit is under way: whoever
    counts is bounded by itself.
    """

    def __init__(self, store: StateStore, clock: Clock, take: Callable[[], list[RefusalRow]]) -> None:
        self._store = store
        self._clock = clock
        self._take = take
        self._unsaved: list[RefusalRow] = []
        self._answered: asyncio.Future[None] | None = None

    def flush(self, epoch: int) -> None:
        """What the store does not take goes with the next flush; beyond the bound the oldest rows are kept."""
        if self._answered is not None:
            return
        rows = (self._unsaved + self._take())[:MOST_ROWS]
        self._unsaved = []
        if not rows:
            return
        answered = self._answered = asyncio.get_running_loop().create_future()

        def done(_: object, problem: Problem | None) -> None:
            self._unsaved = rows if problem is not None else []
            self._answered = None
            if not answered.done():  # whoever waited was stopped
                answered.set_result(None)

        self._store.submit(Commit(epoch, [], [], rows), done)

    async def finish(self, epoch: int, seconds: float) -> None:
        """Flush what there is, and wait for the answers no longer than this."""
        limit = asyncio.ensure_future(self._clock.sleep(seconds))
        while not limit.done():
            before = self._answered
            self.flush(epoch)
            if self._answered is None:
                break
            await asyncio.wait({self._answered, limit}, return_when=asyncio.FIRST_COMPLETED)
            if before is None:
                break
        limit.cancel()
