"""What a handler wants to happen, and what the committer is asked to make durable.

Handlers describe, stores apply: no transaction is open while user code runs. A StepResult is checked and applied as
one: every read still has its version, every counter stays within its bounds, or nothing of it happens.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from interlock.model.event import Event
from interlock.model.handling import Mark
from interlock.model.record import Answer, DeliveryRow, FailedAttempt, HandlingRow, Held, RefusalRow


class Read(NamedTuple):
    """A value that the handler saw: its version, or 0 when it was absent."""

    table: str
    key: str
    version: int


class Put(NamedTuple):
    """A value to store; None deletes."""

    table: str
    key: str
    value: bytes | None


class Add(NamedTuple):
    """A bounded addition to a counter that starts at 0. It cannot conflict, only be refused."""

    table: str
    key: str
    delta: int
    floor: int | None
    ceiling: int | None


class StepResult(NamedTuple):
    """Everything one handler run asks for. Empty when it asks for nothing."""

    reads: tuple[Read, ...] = ()
    puts: tuple[Put, ...] = ()
    adds: tuple[Add, ...] = ()
    emits: tuple[Event, ...] = ()
    calls: tuple[DeliveryRow, ...] = ()


EMPTY = StepResult()


@dataclass(slots=True)
class Step:
    """One unit of the committer: applied whole or not at all. Absent parts stay None.

    handling    inserted, or updated where its state is not final; a final one makes the step AlreadyHandled
    result      the effects of a handler run
    failed      the record of a failed handler attempt
    hold        an envelope to keep: a parked event or a dead letter; replaces the one of the same mark
    release     the mark whose held envelope is no longer needed
    supersede   the dead-lettered mark that a redrive replaces by its next generation
    answer      the stored answer of an idempotent request
    delivery    the new state of a delivery, with the attempt that led to it
    partition   whose lease it needs, where none of the others says so
    """

    handling: HandlingRow | None = None
    result: StepResult = EMPTY
    failed: FailedAttempt | None = None
    hold: Held | None = None
    release: Mark | None = None
    supersede: Mark | None = None
    answer: Answer | None = None
    delivery: DeliveryRow | None = None
    partition: int | None = None

    @property
    def partitions(self) -> set[int]:
        """Those whose lease it needs. A request's answer, a tick and a delivery belong to none."""
        places = (self.handling, self.failed, self.hold, self.release, self.supersede)
        own = {place.partition for place in places if place is not None}
        return own if self.partition is None else own | {self.partition}


class CursorMove(NamedTuple):
    """All events of the partition up to `position` are settled for the flow, or have handling rows of their own."""

    flow: str
    partition: int
    position: int


@dataclass(slots=True)
class Commit:
    """A batch of steps under one epoch. Order within `steps` is the order of application."""

    epoch: int
    steps: list[Step]
    cursors: list[CursorMove]
    refusals: list[RefusalRow]

    @property
    def partitions(self) -> set[int]:
        """Those whose lease it needs."""
        found = {move.partition for move in self.cursors}
        for step in self.steps:
            if step.handling is None or step.failed or step.hold or step.release or step.supersede:
                found |= step.partitions
            else:
                found.add(step.handling.partition)
        return found
