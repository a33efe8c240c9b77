"""What a reader of the log most likely asks for next, in memory: for logs whose partitions share one counter.

PostgreSQL counts positions per partition without gaps, and has a tail of its own that needs no search.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from interlock.model.event import Stored
from interlock.ports.event_log import Slice

TAIL_EVENTS = 2048
TAIL_BYTES = 67_108_864  # of bodies, over all partitions
WINDOW_EVENTS = 1024
WINDOW_BYTES = 16_777_216


class Tail:
    """The newest committed events of each partition, so that a flow that keeps up never reads the disk."""

    def __init__(self, partitions: int, head: int) -> None:
        self._parts: list[list[Stored]] = [[] for _ in range(partitions)]
        self._floors = [head] * partitions  # events up to the floor are on disk only
        self._bytes = 0

    def add(self, stored: Sequence[Stored]) -> None:
        parts, weight = self._parts, 0
        for entry in stored:
            event = entry[1]
            parts[event[0]].append(entry)
            weight += len(event[14])
        self._bytes += weight
        for partition, part in enumerate(parts):
            if len(part) >= 2 * TAIL_EVENTS:
                self._cut(partition, len(part) - TAIL_EVENTS)
        if self._bytes > TAIL_BYTES:
            self._shed()

    def restart(self, partition: int, floor: int) -> None:
        """Begin anew: what is added from now on lies above `floor`, and is all that does."""
        self._cut(partition, len(self._parts[partition]))
        self._floors[partition] = floor

    def _cut(self, partition: int, count: int) -> None:
        """Drop the oldest `count` of a partition."""
        part = self._parts[partition]
        if count:
            self._floors[partition] = part[count - 1][0]
            self._bytes -= sum(len(entry[1][14]) for entry in part[:count])
            del part[:count]

    def _shed(self) -> None:
        """Big events: keep the newest, up to half of the bytes, so that this is rare."""
        weight, floor = 0, 0
        for position, size in sorted((entry[0], len(entry[1][14])) for part in self._parts for entry in part)[::-1]:
            weight += size
            if weight > TAIL_BYTES // 2:
                floor = position
                break
        for partition, part in enumerate(self._parts):
            self._cut(partition, bisect_left(part, (floor + 1,)))

    def read(self, partition: int, after: int, limit: int, head: int) -> Slice | None:
        """None when the tail does not reach back far enough."""
        if after < self._floors[partition]:
            return None
        return cut(self._parts[partition], after, limit, head)


class Window:
    """One cold stretch of the log, split by partition: a scan serves the reads of all partitions."""

    def __init__(self, partitions: int, after: int, through: int, rows: Sequence[Stored]) -> None:
        self.after = after
        self.through = through
        self._parts: list[list[Stored]] = [[] for _ in range(partitions)]
        for entry in rows:
            self._parts[entry[1][0]].append(entry)

    def covers(self, after: int) -> bool:
        return self.after <= after < self.through

    def read(self, partition: int, after: int, limit: int) -> Slice:
        return cut(self._parts[partition], after, limit, self.through)


def cut(part: list[Stored], after: int, limit: int, through: int) -> Slice:
    """Entries above `after`, at most `limit`; a cut list reaches only to its last entry."""
    start = bisect_left(part, (after + 1,))
    events = part[start : start + limit]
    if len(events) == limit:
        return Slice(events, events[-1][0])
    return Slice(events, through)
