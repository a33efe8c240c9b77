"""The newest events of each followed partition, in memory, so that a flow that keeps up never asks a broker."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Sequence

from interlock.model.event import Stored
from interlock.ports.event_log import Slice

TAIL_EVENTS = 2048
TAIL_BYTES = 67_108_864  # of bodies, over all partitions


class Tail:
    """Of each partition the events with `floor < position <= reach`. Positions have gaps."""

    def __init__(self) -> None:
        self._parts: dict[int, list[Stored]] = {}
        self._floors: dict[int, int] = {}
        self._reaches: dict[int, int] = {}
        self._bytes = 0

    def keep(self, heads: dict[int, int]) -> None:
        """Exactly these partitions; new ones, and those that heard nothing in between, begin at their heads."""
        for partition in set(self._parts) - set(heads):
            self._cut(partition, len(self._parts[partition]))
            del self._parts[partition], self._floors[partition], self._reaches[partition]
        for partition, head in heads.items():
            if partition not in self._parts:
                self._parts[partition], self._floors[partition], self._reaches[partition] = [], head, head

    def restart(self, partition: int, head: int) -> None:
        """After a gap in what was heard."""
        if partition in self._parts:
            self._cut(partition, len(self._parts[partition]))
            self._floors[partition] = self._reaches[partition] = head

    def reach(self, partition: int) -> int:
        """0 for a partition that is not followed."""
        return self._reaches.get(partition, 0)

    @property
    def partitions(self) -> Collection[int]:
        return self._parts.keys()

    def add(self, partition: int, stored: Sequence[Stored], reach: int) -> Sequence[Stored]:
        """What follows on the reach; returns those that are new."""
        part, known = self._parts.get(partition), self.reach(partition)
        if part is None or reach <= known:
            return ()
        if stored and stored[0][0] <= known:
            stored = [entry for entry in stored if entry[0] > known]
        part += stored
        self._bytes += sum(len(entry[1][14]) for entry in stored)
        self._reaches[partition] = reach
        if len(part) >= 2 * TAIL_EVENTS:
            self._cut(partition, len(part) - TAIL_EVENTS)
        if self._bytes > TAIL_BYTES:  # big events
            for other, entries in self._parts.items():
                self._cut(other, (len(entries) + 1) // 2)
        return stored

    def _cut(self, partition: int, count: int) -> None:
        """Drop the oldest `count` of a partition."""
        if count:
            part = self._parts[partition]
            self._floors[partition] = part[count - 1][0]
            self._bytes -= sum(len(entry[1][14]) for entry in part[:count])
            del part[:count]

    def read(self, partition: int, after: int, limit: int) -> Slice | None:
        """None when the tail does not reach back far enough, or has nothing beyond `after`."""
        part = self._parts.get(partition)
        if part is None or not self._floors[partition] <= after < self._reaches[partition]:
            return None
        start = bisect_left(part, (after + 1,))
        events = part[start : start + limit]
        return Slice(events, events[-1][0] if len(events) == limit else self._reaches[partition])
