"""The queue of a parked key: its failing head, and what waits behind it, in order."""

from __future__ import annotations

from bisect import insort
from typing import NamedTuple

from interlock.model.handling import Mark


class Waiter(NamedTuple):
    """A parked event, without its body. Sorts by place in the log, then generation."""

    position: int
    generation: int
    partition: int
    attempts: int
    held_us: int
    accepted_us: int

    def mark(self, flow: str) -> Mark:
        return Mark(flow, self.partition, self.position, self.generation)


class Line:
    """One parked key.

    head       being retried, or due later; None while nothing is
    joining    arrivals whose parking is being committed
    blocked    a dead-lettered head holds the key until somebody redrives or discards it
    """

    __slots__ = ("blocked", "head", "joining", "waiting")

    def __init__(self) -> None:
        self.head: Waiter | None = None
        self.waiting: list[Waiter] = []
        self.joining = 0
        self.blocked: set[Mark] = set()

    def __len__(self) -> int:
        return len(self.waiting) + self.joining

    def join(self, waiter: Waiter) -> None:
        insort(self.waiting, waiter)

    def advance(self) -> Waiter | None:
        """The next to run, now made the head; None while there is a head, a block, or nobody waits."""
        if self.head is not None or self.blocked or not self.waiting:
            return None
        self.head = self.waiting.pop(0)
        return self.head

    @property
    def empty(self) -> bool:
        return self.head is None and not self.waiting and not self.joining and not self.blocked
