"""The kinds of work that a transaction consists of: appended events, committed steps, and calls that run by themselves.

A work is made of parts. Normally all parts of all works are one batch; when something in it is at fault, each part is
applied alone, in a savepoint, so that only the faulty one fails.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from interlock.adapters.postgres.batch import Batch, Staged
from interlock.adapters.postgres.connection import Connection
from interlock.adapters.postgres.lookup import Lookup
from interlock.adapters.postgres.names import Names
from interlock.model.event import Appended, Event
from interlock.model.problems import Fenced, Problem
from interlock.model.step import Commit, Step
from interlock.ports.event_log import AppendDone
from interlock.ports.state_store import CommitDone


class Part(Protocol):
    """What is applied whole or not at all."""

    @property
    def epoch(self) -> int | None:
        """Whose part it is; None for what anybody may do."""
        ...

    def want(self, lookup: Lookup) -> None:
        """Say what must be known. Raises UnknownWord."""
        ...

    def stage(self, batch: Batch, known: Lookup) -> None:
        """Check and stage, or keep the problem. Raises UnknownWord."""
        ...

    def refuse(self, problem: Problem) -> None:
        """The store cannot take this part."""
        ...

    def locate(self, bases: Mapping[int, int]) -> None:
        """The positions behind which the events of its batch stand."""
        ...


class Work(Protocol):
    weight: int

    def parts(self) -> Sequence[Part]: ...

    def whole(self) -> Part:
        """All parts as one."""
        ...

    def finish(self, problem: Problem | None) -> None:
        """Tell the caller. Called exactly once, after the transaction ended."""
        ...


class AppendWork:
    """Events of one append call: a work of one part."""

    __slots__ = ("_appended", "_done", "_left", "_places", "_refused", "events", "weight")
    epoch = None

    def __init__(self, events: Sequence[Event], done: AppendDone) -> None:
        self.events = events
        self.weight = len(events)
        self._done = done
        self._places: list[Staged | Appended] = []
        self._appended: list[Appended] = []
        self._refused: Problem | None = None
        self._left = False

    @property
    def moment_us(self) -> int:
        """When it is, for dedupe: by its writer's clock."""
        return self.events[0].time_us

    def parts(self) -> Sequence[Part]:
        return (self,)

    def whole(self) -> Part:
        return self

    def want(self, lookup: Lookup) -> None:
        lookup.want_events(self.events)

    def stage(self, batch: Batch, known: Lookup) -> None:
        self._refused = None
        self._places = batch.append(self.events)

    def refuse(self, problem: Problem) -> None:
        self._refused = problem

    def locate(self, bases: Mapping[int, int]) -> None:
        self._appended = [place if isinstance(place, Appended) else place.located(bases) for place in self._places]

    def leave_in_doubt(self, problem: Problem) -> None:
        """Tell the caller now, while nobody knows: a resend is recognised by its identity if it was stored."""
        if not self._left:
            self._left = True
            self._done(None, problem)

    def finish(self, problem: Problem | None) -> None:
        if self._left:
            return
        refused = problem or self._refused
        self._done(None, refused) if refused else self._done(self._appended, None)


class CommitWork:
    """The steps of one submit call, with their cursor moves, under one epoch."""

    __slots__ = ("_done", "_names", "_refused", "commit", "outcomes", "partitions", "weight")

    def __init__(self, names: Names, commit: Commit, done: CommitDone) -> None:
        self._names = names
        self.commit = commit
        self.partitions = commit.partitions
        self.outcomes: list[Problem | None] = [None] * len(commit.steps)
        self.weight = max(1, len(commit.steps))
        self._done = done
        self._refused: Problem | None = None

    @property
    def epoch(self) -> int | None:
        return self.commit.epoch

    def parts(self) -> Sequence[Part]:
        """The cursors first: one of another owner refuses the steps too."""
        return (RestPart(self), *(StepPart(self, nth) for nth in range(len(self.commit.steps))))

    def whole(self) -> Part:
        return self

    def want(self, lookup: Lookup) -> None:
        lookup.want_commit(self.commit, self.partitions)

    def stage(self, batch: Batch, known: Lookup) -> None:
        if self.fenced(known):
            return
        batch.own(self.commit.epoch, self.partitions)
        self.outcomes = [batch.step(step) for step in self.commit.steps]
        self.stage_rest(batch)

    def stage_rest(self, batch: Batch) -> None:
        batch.refuse(self.commit.refusals)
        batch.move(self.commit.epoch, self.commit.cursors)

    def refuse(self, problem: Problem) -> None:
        self._refused = problem

    def locate(self, bases: Mapping[int, int]) -> None:
        """Nobody is told where emitted events went."""

    def finish(self, problem: Problem | None) -> None:
        refused = problem or self._refused
        self._done(None, refused) if refused else self._done(self.outcomes, None)

    def fenced(self, known: Lookup) -> bool:
        """Whether it may not write, or not there. Where nobody looked, the guards of the transaction do."""
        self._refused = self._fence(known) if known.judges else None
        return self._refused is not None

    @property
    def refused(self) -> bool:
        return self._refused is not None

    def _fence(self, known: Lookup) -> Problem | None:
        epoch = self.commit.epoch
        if epoch not in known.living:
            return gone(epoch)
        for partition in sorted(self.partitions):
            if known.leases.get(partition) != epoch:
                return Fenced(f"Epoch {epoch} does not lease partition {partition}.")
        for flow, partition, _ in self.commit.cursors:
            if known.cursors.get((self._names.find(flow), partition)) != epoch:
                return Fenced(f"The cursor of {flow} in partition {partition} belongs to another epoch.")
        return None


def gone(epoch: int) -> Fenced:
    return Fenced(f"Epoch {epoch} is over: its process was replaced, or was silent for too long.")


class RestPart:
    """Cursor moves and refusals of a commit."""

    __slots__ = ("_work", "epoch")

    def __init__(self, work: CommitWork) -> None:
        self._work = work
        self.epoch = work.commit.epoch

    def want(self, lookup: Lookup) -> None:
        lookup.want_owner(self._work.commit, self._work.partitions)

    def stage(self, batch: Batch, known: Lookup) -> None:
        if not self._work.fenced(known):
            batch.own(self.epoch, self._work.partitions)
            self._work.stage_rest(batch)

    def refuse(self, problem: Problem) -> None:
        self._work.refuse(problem)

    def locate(self, bases: Mapping[int, int]) -> None:
        """There are no events."""


class StepPart:
    """One step of a commit."""

    __slots__ = ("_nth", "_work", "epoch")

    def __init__(self, work: CommitWork, nth: int) -> None:
        self._work = work
        self._nth = nth
        self.epoch = work.commit.epoch

    @property
    def _step(self) -> Step:
        return self._work.commit.steps[self._nth]

    def want(self, lookup: Lookup) -> None:
        lookup.want_step(self._step)

    def stage(self, batch: Batch, known: Lookup) -> None:
        if not self._work.refused:
            batch.own(self.epoch, self._step.partitions)
            self._work.outcomes[self._nth] = batch.step(self._step)

    def refuse(self, problem: Problem) -> None:
        self._work.outcomes[self._nth] = problem

    def locate(self, bases: Mapping[int, int]) -> None:
        """Nobody is told where emitted events went."""


class CallWork:
    """A call that has the writing session to itself, between two transactions."""

    __slots__ = ("_done", "call", "weight")

    def __init__(self, call: Callable[[Connection], Awaitable[None]], done: Callable[[Problem | None], None]) -> None:
        self.call = call
        self.weight = 1
        self._done = done

    def finish(self, problem: Problem | None) -> None:
        self._done(problem)
