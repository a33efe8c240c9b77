"""The newest committed events of each partition, in memory, so that a flow that keeps up never asks the server."""

from __future__ import annotations

from collections.abc import Sequence

from interlock.model.event import Stored
from interlock.ports.event_log import Slice

TAIL_EVENTS = 2048
TAIL_BYTES = 67_108_864  # of bodies, over all partitions


class Tail:
    """Positions of a partition have no gaps, so a place in its list is the difference to its first."""

    def __init__(self, heads: Sequence[int]) -> None:
        self._parts: list[list[Stored]] = [[] for _ in heads]
        self._firsts = [head + 1 for head in heads]
        self._bytes = 0

    def add(self, partition: int, stored: Sequence[Stored]) -> None:
        """Events that follow the newest one of the partition; after a gap the tail begins anew."""
        part = self._parts[partition]
        if stored[0][0] != self._firsts[partition] + len(part):
            self._cut(partition, len(part))
            self._firsts[partition] = stored[0][0]
        part += stored
        self._bytes += sum(len(entry[1][14]) for entry in stored)
        if len(part) >= 2 * TAIL_EVENTS:
            self._cut(partition, len(part) - TAIL_EVENTS)
        if self._bytes > TAIL_BYTES:  # big events
            for other, entries in enumerate(self._parts):
                self._cut(other, (len(entries) + 1) // 2)

    def _cut(self, partition: int, count: int) -> None:
        """Drop the oldest `count` of a partition."""
        part = self._parts[partition]
        self._bytes -= sum(len(entry[1][14]) for entry in part[:count])
        self._firsts[partition] += count
        del part[:count]

    def read(self, partition: int, after: int, limit: int) -> Slice | None:
        """None when the tail does not reach back far enough, or is empty."""
        start = after + 1 - self._firsts[partition]
        part = self._parts[partition]
        if start < 0 or start >= len(part):
            return None
        events = part[start : start + limit]
        return Slice(events, events[-1][0])
