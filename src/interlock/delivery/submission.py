"""Making one step durable, however long the store takes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from interlock.model.clock import Clock
from interlock.model.ids import Ids
from interlock.model.pauses import Pauses
from interlock.model.problems import AlreadyHandled, Problem, UnavailableProblem
from interlock.model.step import Commit, Step
from interlock.ports.state_store import StateStore

log = logging.getLogger("interlock.delivery")
_PAUSE_SECONDS = (0.05, 5.0)


async def commit_step(store: StateStore, clock: Clock, ids: Ids, epoch: int, step: Step) -> None:
    """Return once the step is durable. An unavailable store is asked again, for ever; any other problem is raised."""
    pauses, told = Pauses(*_PAUSE_SECONDS, ids.chance), False
    while (problem := await _submitted(store, Commit(epoch, [step], [], []))) is not None:
        if told and isinstance(problem, AlreadyHandled):
            return  # what was sent before was done, and only its answer was lost
        if not isinstance(problem, UnavailableProblem):
            raise problem
        if not told:
            told = True
            log.warning("delivery.store_failed", extra={"code": problem.code})
        await clock.sleep(next(pauses))


async def _submitted(store: StateStore, commit: Commit) -> Problem | None:
    answered: asyncio.Future[Problem | None] = asyncio.get_running_loop().create_future()

    def done(outcomes: Sequence[Problem | None] | None, problem: Problem | None) -> None:
        if not answered.done():  # cancelled while the store was at it
            answered.set_result(problem or (outcomes[0] if outcomes else None))

    store.submit(commit, done)
    return await answered
