"""How far one flow is in one partition, and what is under way there."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from interlock.model.problems import LeasedElsewhere

if TYPE_CHECKING:
    from interlock.flows.handler_run import HandlerRun
    from interlock.flows.parking import Parking


class Lane:
    """Cursor plus exceptions. `through` is how far the partition was read; `outstanding` are the positions taken
    whose commit is not done. The cursor never passes one of those, so a crash hands them out again.

    busy     keys at work: the runs that queue up behind the one that is running
    parking  the parked keys of the partition; set by whoever makes the lane
    expired  up to where the log has dropped what was still to be handled: the lane stands there until a person gives it
             up; 0 while it does not
    closing  nothing more is taken: the partition is about to be given back
    gone     it was given back, or the engine ended: what comes late from here concerns nobody
    """

    __slots__ = (
        "busy",
        "closing",
        "dirty",
        "expired",
        "giving_up",
        "gone",
        "marked",
        "outstanding",
        "parking",
        "partition",
        "saved",
        "through",
    )
    parking: Parking

    def __init__(self, partition: int, cursor: int, marked: set[int]) -> None:
        self.partition = partition
        self.through = cursor
        self.saved = cursor
        self.marked = marked  # handled beyond the cursor before this start
        self.outstanding: dict[int, int] = {}  # position -> when the event was accepted; in order of position
        self.busy: dict[int, deque[HandlerRun]] = {}
        self.dirty = True
        self.expired = 0
        self.giving_up = False
        self.closing = False
        self.gone = False

    def take(self, position: int, time_us: int) -> bool:
        """Whether the position is still to be handled."""
        if self.marked and position in self.marked:
            self.marked.discard(position)
            return False
        self.outstanding[position] = time_us
        return True

    def settle(self, position: int) -> None:
        self.outstanding.pop(position, None)

    @property
    def readable(self) -> bool:
        return self.dirty and not self.closing and not self.expired

    @property
    def cursor(self) -> int:
        for first in self.outstanding:
            return first - 1
        return self.through

    @property
    def oldest_us(self) -> int | None:
        """When the oldest event that is not settled was accepted, parked ones included."""
        taken = next(iter(self.outstanding.values()), None)
        parked = self.parking.oldest_us
        return min((at_us for at_us in (taken, parked) if at_us is not None), default=None)


def behind(lane: Lane) -> int:
    return lane.through


def elsewhere(partition: int) -> LeasedElsewhere:
    return LeasedElsewhere(f"Another process has partition {partition}.")
