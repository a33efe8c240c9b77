"""The one committer of a store: group commit across all callers, ingest and steps interleaved by quota.

All that one turn of the event loop submits, and all that comes while a transaction is under way, is the next one. The
driver waits for the server on the event loop, so requests are read and handlers run meanwhile.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from time import perf_counter

import psycopg

from interlock.adapters.postgres.connection import blamed, translate
from interlock.adapters.postgres.session import Session, pauses
from interlock.adapters.postgres.transaction import Committed, Faulty, Transaction, Wanted
from interlock.adapters.postgres.work import AppendWork, CallWork, Work
from interlock.model.commit_figures import CommitFigures
from interlock.model.lasting_task import lasting
from interlock.model.problems import Problem, StorageUnavailable, TooManyRequests

QUOTA_EVENTS = 1024
CLOSE_SECONDS = 10.0
DOUBT_SECONDS = 10.0  # then whoever may send again without harm is no longer kept waiting for what became of it
AnyWork = Wanted | CallWork


class Committer:
    """Runs transactions one after the other, and brings the session back when it was lost."""

    def __init__(
        self,
        session: Session,
        transaction: Transaction,
        publish: Callable[[Committed], Awaitable[None]],
        limit: int,
    ) -> None:
        self._session = session
        self._transaction = transaction
        self._publish = publish
        self._limit = limit
        self._waiting: deque[AnyWork] = deque()
        self._weight = 0
        self.figures = CommitFigures()
        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._task = lasting(self._run(), "PostgreSQL committer")
        self._returning: asyncio.Task[None] | None = None

    def submit(self, work: AnyWork) -> None:
        """Queue work for the next transaction, or refuse it when too much waits."""
        if self._weight + work.weight > self._limit:
            problem = TooManyRequests("Too much work waits for the database.", retry_after_seconds=1)
            self._loop.call_soon(work.finish, problem)
            return
        self._weight += work.weight
        self._waiting.append(work)
        self._idle.clear()
        self._wake.set()

    async def stop(self) -> None:
        """Finish what was submitted. What the server does not settle in time is told so."""
        try:
            await asyncio.wait_for(self._idle.wait(), CLOSE_SECONDS)
        except TimeoutError:
            self._refuse_waiting(StorageUnavailable("The store was closed while the server was away."))
        for task in (self._task, self._returning):
            if task is not None:
                task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                await self._next()
            self._idle.set()

    async def _next(self) -> None:
        if isinstance(self._waiting[0], CallWork):
            await self._call(self._pop())  # type: ignore[arg-type]
            return
        works: list[Wanted] = []
        weight = 0
        while self._waiting and not isinstance(self._waiting[0], CallWork):
            if works and weight + self._waiting[0].weight > QUOTA_EVENTS:
                break
            weight += self._waiting[0].weight
            works.append(self._pop())  # type: ignore[arg-type]
        await self._round(works)

    async def _round(self, works: Sequence[Wanted]) -> None:
        begun = perf_counter()
        try:
            problem = await self._carry_out(works)
        except Faulty:
            half = len(works) // 2
            await self._round(works[:half])
            await self._round(works[half:])
            return
        if problem is None:
            self.figures.seconds.observe(perf_counter() - begun)
            self.figures.items.observe(sum(work.weight for work in works))
        tell_each(works, problem)

    async def _carry_out(self, works: Sequence[Wanted]) -> Problem | None:
        """The problem that kept all of it from being stored."""
        begun = perf_counter()

        def waiting(problem: Problem) -> None:
            self._refuse_waiting(problem)
            if perf_counter() - begun > DOUBT_SECONDS:
                for work in works:
                    if isinstance(work, AppendWork):
                        work.leave_in_doubt(problem)

        try:
            committed = await self._transaction.apply(works, waiting)
        except Faulty:
            raise
        except Problem as problem:
            self._come_back()
            return problem
        except Exception as error:
            self._session.drop()
            self._come_back()
            return blamed(error)
        await self._publish(committed)
        return None

    async def _call(self, work: CallWork) -> None:
        problem: Problem | None = None
        try:
            await work.call(self._session.live)
        except Problem as refused:
            problem = refused
        except Exception as error:
            problem = translate(error, self._session.target)
        if self._session.connection is None or self._session.connection.closed:
            self._come_back()
        tell_each([work], problem)

    def _pop(self) -> AnyWork:
        work = self._waiting.popleft()
        self._weight -= work.weight
        return work

    def _refuse_waiting(self, problem: Problem) -> None:
        """While nobody knows how long the server is away, those who wait are not kept waiting."""
        told = [self._pop() for _ in range(len(self._waiting))]
        tell_each(told, problem)

    def _come_back(self) -> None:
        if self._session.connection is not None and not self._session.connection.closed:
            return
        if self._returning is None or self._returning.done():
            self._returning = lasting(self._reconnect(), "way back to PostgreSQL")

    async def _reconnect(self) -> None:
        """Until it succeeds, with pauses that grow and differ from process to process."""
        for pause in pauses():
            try:
                await self._session.open()
                return
            except Problem as problem:
                if not problem.retryable and not isinstance(problem.__cause__, psycopg.Error):
                    raise  # such as a store that was moved meanwhile: no waiting brings it back
                await asyncio.sleep(pause)


def tell_each(works: Sequence[Work | CallWork], problem: Problem | None) -> None:
    """A caller's callback that raises must not keep the others from their answer."""
    for work in works:
        try:
            work.finish(problem)
        except Exception as error:
            asyncio.get_running_loop().call_exception_handler(
                {"message": "a commit callback raised", "exception": error}
            )
