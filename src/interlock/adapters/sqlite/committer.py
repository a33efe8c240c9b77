"""The one committer: group commit across all callers, ingest and steps interleaved by quota.

SQL runs on the event loop's thread, since a statement costs a microsecond and a thread hop costs fifty; only COMMIT,
which waits for the disk, runs on a thread of its own. While it waits, the loop reads requests and runs handlers, and
their work forms the next batch.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from time import perf_counter
from typing import Protocol

import apsw

from interlock.adapters.sqlite.file import is_infrastructure, translate
from interlock.model.commit_figures import CommitFigures
from interlock.model.problems import Problem, TooManyRequests, Unexpected

QUOTA_EVENTS = 1024


class Work(Protocol):
    """One caller's part of a transaction."""

    weight: int

    def stage(self) -> None:
        """Check and stage. Raising makes the whole transaction fall back to one by one."""
        ...

    def stage_alone(self) -> None:
        """Stage and flush each part within savepoints; never raises for the part's own faults."""
        ...

    def finish(self, problem: Problem | None) -> None:
        """Tell the caller. Called exactly once, after the transaction ended."""
        ...


class Committer:
    """Runs transactions one after the other on one connection."""

    def __init__(
        self,
        connection: apsw.Connection,
        begin: Callable[[Sequence[Work]], None],
        flush: Callable[[], None],
        ended: Callable[[bool], None],
        limit: int,
    ) -> None:
        self._connection = connection
        self._begin = begin
        self._flush = flush
        self._ended = ended
        self._limit = limit
        self._waiting: deque[Work] = deque()
        self._weight = 0
        self._carried = 0  # weight of the transaction under way
        self.figures = CommitFigures()
        self._running: list[Work] = []
        self._scheduled = False
        self._undone = True
        self._loop = asyncio.get_running_loop()
        self._idle = asyncio.Event()
        self._idle.set()
        self._commits: SimpleQueue[bool] = SimpleQueue()
        self._thread = Thread(target=self._commit_for_ever, name="interlock-commit", daemon=True)
        self._thread.start()

    def submit(self, work: Work) -> None:
        """Queue work for the next transaction, or refuse it when too much waits."""
        if self._weight + work.weight > self._limit:
            problem = TooManyRequests("Too much work waits for the disk.", retry_after_seconds=1)
            self._loop.call_soon(work.finish, problem)
            return
        self._weight += work.weight
        self._waiting.append(work)
        if not self._running:
            self._schedule()

    async def drain(self) -> None:
        await self._idle.wait()

    def stop(self) -> None:
        self._commits.put(False)
        self._thread.join()

    def _schedule(self) -> None:
        """The transaction forms at the end of this turn of the loop, from all that the turn submits."""
        if self._scheduled:
            return
        self._scheduled = True
        self._idle.clear()
        self._loop.call_soon(self._pump)

    def _pump(self) -> None:
        """Form a transaction and hand its COMMIT to the thread."""
        self._scheduled = False
        self._take()
        try:
            if not self._undone:
                self._undo()
            self._connection.execute("BEGIN IMMEDIATE")
            self._fill()
        except Exception as error:
            self._abort(error)
            return
        self._commits.put(True)

    def _take(self) -> None:
        weight = 0
        while self._waiting and (not weight or weight + self._waiting[0].weight <= QUOTA_EVENTS):
            work = self._waiting.popleft()
            weight += work.weight
            self._running.append(work)
        self._weight -= weight
        self._carried = weight

    def _fill(self) -> None:
        self._begin(self._running)
        try:
            for work in self._running:
                work.stage()
            self._flush()
        except Exception as error:
            if is_infrastructure(error):
                raise
            self._refill_alone()

    def _refill_alone(self) -> None:
        """Something in the batch is at fault: undo it all, then apply each part alone within the same transaction."""
        self._connection.execute("ROLLBACK")
        self._ended(False)
        self._connection.execute("BEGIN IMMEDIATE")
        self._begin(self._running)
        for work in self._running:
            work.stage_alone()

    def _commit_for_ever(self) -> None:
        while self._commits.get():
            error: Exception | None = None
            begun = perf_counter()
            try:
                self._connection.execute("COMMIT")
            except Exception as caught:
                error = caught
            self._loop.call_soon_threadsafe(self._committed, error, perf_counter() - begun)

    def _committed(self, error: Exception | None, seconds: float) -> None:
        if error is not None:
            self._abort(error)
            return
        self.figures.seconds.observe(seconds)
        self.figures.items.observe(self._carried)
        self._ended(True)
        self._tell(None)

    def _abort(self, error: Exception) -> None:
        self._undone = False
        with suppress(apsw.Error):  # a disk that fails now is asked again before the next transaction
            self._undo()
        known = is_infrastructure(error) or isinstance(error, Problem)
        self._tell(translate(error) if known else Unexpected.of(error))

    def _undo(self) -> None:
        """Leave nothing of a failed transaction, on the connection nor in the caches."""
        if not self._connection.get_autocommit():
            self._connection.execute("ROLLBACK")
        self._ended(False)
        self._undone = True

    def _tell(self, problem: Problem | None) -> None:
        told, self._running = self._running, []
        tell_each(told, problem)
        if self._waiting:
            self._schedule()
        else:
            self._idle.set()


def tell_each(works: Sequence[Work], problem: Problem | None) -> None:
    """A caller's callback that raises must not keep the others from their answer."""
    for work in works:
        try:
            work.finish(problem)
        except Exception as error:
            asyncio.get_running_loop().call_exception_handler(
                {"message": "a commit callback raised", "exception": error}
            )
