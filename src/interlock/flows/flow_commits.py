"""The commits of one flow: at most one is in flight; what finishes meanwhile forms the next one.

So joins to a parked key keep their order even when the store fails in between.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from typing import Any, NamedTuple

from interlock.flows.handler_run import HandlerRun
from interlock.flows.lane import Lane
from interlock.model.clock import Clock
from interlock.model.pauses import Pauses
from interlock.model.problems import AlreadyHandled, Fenced, Problem
from interlock.model.step import Commit, CursorMove, Step
from interlock.ports.state_store import StateStore

log = logging.getLogger("interlock.flows")


class Pending(NamedTuple):
    """A step that waits for its commit, and whom to tell: the run that it came from, or somebody else."""

    step: Step
    lane: Lane
    run: HandlerRun | None
    settled: Callable[[Problem | None], None] | None


Settled = Callable[[Pending, Problem | None], None]


class FlowCommits:
    """`settled` hears of each step after its commit, `committed` of each commit, `failed` when there can be no more.

    `pauses` are those before a failing store is asked again. `later` keeps a coroutine running. `lanes` is the flow's
    own table, which changes.
    """

    def __init__(
        self,
        flow: str,
        lanes: Mapping[int, Lane],
        store: StateStore,
        clock: Clock,
        pauses: Pauses,
        settled: Settled,
        committed: Callable[[], None],
        failed: Callable[[Problem], None],
        later: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        self.epoch = 0
        self._flow = flow
        self._lanes = lanes
        self._store = store
        self._clock = clock
        self._pauses = pauses
        self._tell = settled
        self._committed = committed
        self._failed = failed
        self._later = later
        self._pending: list[Pending] = []
        self._sent: Commit | None = None
        self._store_failing = False
        self._stopped = False

    @property
    def idle(self) -> bool:
        return not (self._pending or self._sent)

    @property
    def waiting(self) -> int:
        """Steps for the next commit."""
        return len(self._pending)

    def add(self, entry: Pending) -> None:
        """Put a step into the next commit. Call `commit` at the end of the turn."""
        self._pending.append(entry)

    def commit(self) -> None:
        """Commit what has finished, unless a commit is in flight: then its end does."""
        if self._sent is not None or self._stopped or not self._pending:
            return
        batch, self._pending = self._pending, []
        self._send(batch)

    def save_cursors(self) -> None:
        """Commit how far the lanes are, when nothing else is to be committed that would carry it."""
        if self.idle and not self._stopped and any(lane.cursor > lane.saved for lane in self._lanes.values()):
            self._send([])

    def stop(self) -> None:
        """Send nothing more, and tell nobody: what was committed is, and the next owner finds it so."""
        self._stopped = True

    def drop(self, lanes: Collection[Lane], problem: Problem) -> None:
        """Forget the steps of these lanes that were not sent yet."""
        dropped = [entry for entry in self._pending if entry.lane in lanes]
        self._pending = [entry for entry in self._pending if entry.lane not in lanes]
        for entry in dropped:
            if entry.settled is not None:
                entry.settled(problem)

    def concern(self, lane: Lane) -> bool:
        """Whether something of the lane waits for its commit or for the answer to it."""
        return any(entry.lane is lane for entry in self._pending) or self.carry(lane.partition)

    def carry(self, partition: int) -> bool:
        """Whether the commit in flight has something of the partition."""
        if self._sent is None:
            return False
        return partition in self._sent.partitions

    def _send(self, batch: list[Pending], again: bool = False) -> None:
        self._sent = commit = Commit(self.epoch, [entry.step for entry in batch], self._moves(), [])
        self._store.submit(commit, lambda outcomes, problem: self._answered(batch, outcomes, problem, again))

    def _moves(self) -> list[CursorMove]:
        moves = []
        for lane in self._lanes.values():
            cursor = lane.cursor
            if cursor > lane.saved:
                lane.saved = cursor
                moves.append(CursorMove(self._flow, lane.partition, cursor))
        return moves

    def _answered(
        self, batch: list[Pending], outcomes: Sequence[Problem | None] | None, problem: Problem | None, again: bool
    ) -> None:
        if self._stopped:
            return
        if outcomes is None:
            assert problem is not None
            self._not_committed(batch, problem)
            return
        self._sent = None
        self._store_failing = False
        self._pauses.begin_anew()
        for entry, outcome in zip(batch, outcomes, strict=True):
            self._tell(entry, None if again and was_applied(entry.step, outcome) else outcome)
        self._committed()
        self.commit()

    def _not_committed(self, batch: list[Pending], problem: Problem) -> None:
        """The store is to blame, not the steps: the very same batch goes again, and no attempt is spent."""
        for lane in self._lanes.values():
            lane.saved = 0  # the moves of this batch were not made: say them again
        if isinstance(problem, Fenced) or not problem.retryable:
            self._failed(problem)
            return
        if not self._store_failing:  # once, not at each of the tries that follow
            self._store_failing = True
            log.warning("flow.store_failed", extra={"flow": self._flow, "code": problem.code})
        self._later(self._again(batch))

    async def _again(self, batch: list[Pending]) -> None:
        await self._clock.sleep(next(self._pauses))
        self._send(batch, again=True)


def was_applied(step: Step, outcome: Problem | None) -> bool:
    """Whether a step that was sent again had been applied before, and only its answer was lost.

    Nobody but the owner of its partition makes such a mark. What supersedes a dead letter may have lost against another
    who did: of that its mark says nothing.
    """
    return isinstance(outcome, AlreadyHandled) and step.handling is not None and step.supersede is None
