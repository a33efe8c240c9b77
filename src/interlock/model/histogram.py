"""Counts by size: what a metric of durations or sizes is made of."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence


class Histogram:
    """Cheap to feed: one bisection. Single-threaded."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        """`bounds` rise; a value belongs to the first bound that it does not exceed, beyond the last to none."""
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(bounds) + 1)  # not cumulative; the last is beyond all bounds
        self.total = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    @property
    def count(self) -> int:
        return sum(self.counts)
