"""What a reader of the log most likely asks for next, in memory."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from interlock.model.event import Stored
from interlock.ports.event_log import Slice

TAIL_EVENTS = 2048
WINDOW_EVENTS = 1024


class Tail:
    """The newest committed events of each partition, so that a flow that keeps up never reads the disk."""

    def __init__(self, partitions: int, head: int) -> None:
        self._parts: list[list[Stored]] = [[] for _ in range(partitions)]
        self._floors = [head] * partitions  # events up to the floor are on disk only

    def add(self, stored: Sequence[Stored]) -> None:
        parts = self._parts
        for entry in stored:
            parts[entry[1][0]].append(entry)
        for partition, part in enumerate(parts):
            if len(part) >= 2 * TAIL_EVENTS:
                self._floors[partition] = part[-TAIL_EVENTS - 1][0]
                del part[:-TAIL_EVENTS]

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
