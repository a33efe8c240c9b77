"""Port: everything that changes, changed in one commit per step."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

from interlock.model.commit_figures import CommitFigures
from interlock.model.handling import Mark
from interlock.model.problems import Problem
from interlock.model.record import Answer, DeliveryRow, Held, StartRow, Tally
from interlock.model.step import Commit

CommitDone = Callable[[Sequence[Problem | None] | None, Problem | None], None]


class Versioned(NamedTuple):
    value: bytes
    version: int


@dataclass(frozen=True, slots=True)
class StateCapabilities:
    """What an adapter can do beyond the promises.

    fused_log   emitted events of a step are appended to the log by the very same commit
    durable     what was committed survives a restart
    """

    fused_log: bool
    durable: bool


class StateStore(Protocol):
    """State, handling marks, cursors, held envelopes, deliveries and stored answers.

    Promises
    - one commit: a step's handling row, values, counters, emitted events, calls, held envelope and answer are applied
      together or not at all, and the batch is durable before `done` is called;
    - isolation of failures: a step that cannot be applied (StaleRead, CounterRefused, AlreadyHandled) leaves the rest
      of its batch standing; its outcome is that problem, the others' is None;
    - checked reads: a step whose `reads` are no longer current is not applied (StaleRead), also against earlier steps
      of its own batch;
    - bounded counters: no committed sequence of adds leaves [floor, ceiling]; the add that would is CounterRefused;
    - marks for ever: a handling in a final state is never changed nor applied again: AlreadyHandled;
    - fenced: a commit under an epoch that is over is refused whole with Fenced;
    - cursors only of the owner: moves apply with their batch, under its epoch, or not at all;
    - bounded: beyond its limit of steps in flight, `submit` calls `done` with TooManyRequests.

    Not promised: that `get` sees a commit before its `done` was called.
    """

    @property
    def capabilities(self) -> StateCapabilities: ...

    async def acquire(self, start: StartRow, flows: Mapping[str, Sequence[str]]) -> int:
        """Become the only owner: a new epoch, higher than all before, recorded with `start` (whose epoch is ignored).

        `flows` names the flows that this owner runs, with the event types that each takes. A flow that the store has
        not seen begins at the head of each partition; a type that a flow newly takes counts as accepted from its
        cursor. All older epochs are over, and all members of `Membership` gone.
        """
        ...

    def submit(self, commit: Commit, done: CommitDone) -> None:
        """Apply a batch. `done(outcomes, None)` with one entry per step, or `done(None, problem)` for the whole.

        Called exactly once, on the event loop's thread, never before `submit` returns. StorageUnavailable and
        StorageFull say nothing about the steps: submit them again.
        """
        ...

    async def get(self, table: str, key: str) -> Versioned | None:
        """The committed value."""
        ...

    async def counter(self, table: str, key: str) -> int:
        """The committed value of a counter; 0 when it was never touched."""
        ...

    async def cursors(self, flow: str) -> dict[int, int]:
        """Committed cursor of each partition."""
        ...

    async def marks_after(self, flow: str, partition: int, position: int) -> set[int]:
        """Positions above `position` that have a handling row: the exceptions to the cursor."""
        ...

    async def held(self, flow: str, partitions: Collection[int] | None = None) -> list[Held]:
        """All envelopes held for the flow, by (partition, position). The event's body may be left out (b'').

        Of these partitions only, unless None.
        """
        ...

    async def held_one(self, mark: Mark) -> Held | None:
        """One held envelope with its body."""
        ...

    async def pending_deliveries(
        self, after_due_us: int, after_id: str, limit: int, partitions: Collection[int] | None = None
    ) -> list[DeliveryRow]:
        """Pending deliveries in order of (due, id), beyond the given one; of these partitions only, unless None."""
        ...

    async def delivery(self, delivery_id: str) -> DeliveryRow | None: ...

    async def answer(self, scope: str, now_us: int) -> Answer | None:
        """The stored answer of a request, unless it has expired."""
        ...

    async def expire(self, now_us: int) -> int:
        """Drop expired answers and dedupe buckets; how many answers went."""
        ...

    async def tallies(self) -> list[Tally]:
        """Kept by the commits themselves: cheap at any size."""
        ...

    async def close(self) -> None:
        """Finish what was submitted, then refuse with Closed."""
        ...


@runtime_checkable
class MeasuresCommits(Protocol):
    """A store that counts how long its commits take, and how much they carry."""

    @property
    def commit_figures(self) -> CommitFigures: ...
