"""State in plain memory whose log lies elsewhere: the fake of a store with an outbox and an index."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

from interlock.adapters.memory import MemoryStore
from interlock.adapters.memory_tables import Tables
from interlock.model.event import Appended, Event, Stored
from interlock.model.problems import StaleRead
from interlock.ports.expired import SHOWN_IDS, Expired
from interlock.ports.log_index import Identity, Stretch
from interlock.ports.outbox import Key, Waiting
from interlock.ports.state_store import StateCapabilities

MOST_BYTES = 16_777_216  # of bodies taken from the outbox at once


class Gap(NamedTuple):
    """Of the log elsewhere, as `LogIndex.note_expired` was told; `seen` is how far the index had come."""

    partition: int
    through: int
    seen: int
    at_us: int

    def unseen(self, after: int, through: int) -> int:
        """How many positions between the two are of this gap, and were never indexed."""
        return max(0, min(through, self.through) - max(after, self.seen))


class SplitTables(Tables):
    """`log` is the index here: positions are those of the log elsewhere, bodies are empty."""

    def __init__(self, partitions: int, dedupe_bucket_seconds: int) -> None:
        super().__init__(partitions, dedupe_bucket_seconds)
        self.ends = [0] * partitions
        self.passed: dict[tuple[int, int], None] = {}
        self.gaps: list[Gap] = []
        self.row = 0
        self.outbox: dict[int, Event] = {}
        self.emitted: set[int] = set()  # partitions with rows that nobody was told of yet

    def beginnings(self) -> dict[int, int]:
        return dict(enumerate(self.ends))

    def emit(self, events: Sequence[Event]) -> list[Stored]:
        for event in events:
            self.row += 1
            self.outbox[self.row] = event
            self.emitted.add(event.partition)
        return []

    def extend(self, stretches: Sequence[Stretch]) -> list[set[int]]:
        for partition, after, _ in stretches:
            if self.ends[partition] != after:
                raise StaleRead(f"Partition {partition} is indexed up to {self.ends[partition]}, not {after}.")
        return [self._extend(stretch) for stretch in stretches]

    def note_expired(self, partition: int, through: int, at_us: int) -> None:
        if through > self.floors().get(partition, 0):
            self.gaps.append(Gap(partition, through, min(self.ends[partition], through), at_us))
        self.ends[partition] = max(self.ends[partition], through)

    def floors(self) -> dict[int, int]:
        found: dict[int, int] = {}
        for gap in self.gaps:
            found[gap.partition] = max(gap.through, found.get(gap.partition, 0))
        return found

    def unseen(self, partition: int, after: int, through: int) -> int:
        return sum(gap.unseen(after, through) for gap in self.gaps if gap.partition == partition)

    def indexed(self, partition: int, after: int, through: int, types: Collection[str]) -> list[Stored]:
        return [one for one in self.log[partition] if after < one.position <= through and one.event.type in types]

    def standing(self, flow: str) -> list[Expired]:
        types = [name for name, count in self.before[flow].items() if count >= 0]
        found = []
        for partition, through in sorted(self.floors().items()):
            after = self.cursors.get(flow, {}).get(partition, through)
            left = [
                one.event
                for one in self.indexed(partition, after, through, types)
                if (flow, partition, one.position) not in self.current
            ]
            unseen = self.unseen(partition, after, through)
            if left or unseen:
                since_us = max(gap.at_us for gap in self.gaps if gap.partition == partition)
                counts = Counter(event.type for event in left)
                ids = tuple(event.id for event in left[:SHOWN_IDS])
                found.append(Expired(flow, partition, after, through, dict(counts), ids, unseen, since_us))
        return found

    def _extend(self, stretch: Stretch) -> set[int]:
        duplicates = set()
        for position, event in stretch.part.events:
            if self.dedupe.find(event) is not None:
                duplicates.add(position)
                self.passed[event.partition, position] = None
            else:
                self.dedupe.claim(event, position)
                self.log[event.partition].append(Stored(position, event._replace(attributes=None, body=b"")))
        self.ends[stretch.partition] = stretch.part.through
        return duplicates


class MemoryState(MemoryStore):
    """StateStore, Outbox, LogIndex, RecordReader and SeesExpired. Its own log is not to be used."""

    def __init__(
        self,
        partitions: int = 8,
        *,
        secret: bytes | None = None,
        dedupe_bucket_seconds: int = 43_200,
        limit_pending: int = 65_536,
        tables: SplitTables | None = None,
    ) -> None:
        self._split = tables or SplitTables(partitions, dedupe_bucket_seconds)
        super().__init__(secret=secret, tables=self._split, limit_pending=limit_pending)
        self._wakes: list[Callable[[Collection[int]], None]] = []

    @property
    def capabilities(self) -> StateCapabilities:
        return StateCapabilities(fused_log=False, durable=False)

    # Outbox

    async def waiting(self, partitions: Collection[int], limit: int) -> list[Waiting]:
        self._open()
        taken: list[Waiting] = []
        counts = dict.fromkeys(partitions, 0)
        weight = 0
        for row, event in sorted(self._split.outbox.items()):
            if counts.get(event.partition, limit) < limit and (not taken or weight < MOST_BYTES):
                counts[event.partition] += 1
                weight += len(event.body)
                taken.append(Waiting(row, event))
        return taken

    async def keys_waiting(self, keys: Collection[Key]) -> set[Key]:
        self._open()
        return {(event.partition, event.key_hash) for event in self._split.outbox.values()} & set(keys)

    async def size(self, most: int) -> int:
        self._open()
        return min(len(self._split.outbox), most)

    async def published(self, rows: Sequence[Waiting]) -> None:
        self._open()
        for row in rows:
            self._split.outbox.pop(row.row, None)

    async def unpublished(self) -> int:
        self._open()
        return len(self._split.outbox)

    async def newest_row(self) -> int:
        self._open()
        return self._split.row

    def on_emitted(self, wake: Callable[[Collection[int]], None]) -> None:
        self._wakes.append(wake)

    def _flush(self) -> None:
        super()._flush()
        partitions, self._split.emitted = self._split.emitted, set()
        for wake in self._wakes if partitions else ():
            asyncio.get_running_loop().call_soon(wake, partitions)

    # LogIndex

    async def ends(self) -> list[int]:
        self._open()
        return list(self._split.ends)

    async def extend(self, stretches: Sequence[Stretch]) -> list[set[int]]:
        self._open()
        return self._split.extend(stretches)

    async def note_expired(self, partition: int, through: int, at_us: int) -> None:
        self._open()
        self._split.note_expired(partition, through, at_us)

    async def floors(self) -> Mapping[int, int]:
        self._open()
        return self._split.floors()

    async def unseen(self, partition: int, after: int, through: int) -> int:
        self._open()
        return self._split.unseen(partition, after, through)

    async def indexed(
        self, partition: int, after: int, through: int, types: Collection[str], limit: int
    ) -> list[Stored]:
        self._open()
        return self._split.indexed(partition, after, through, types)[:limit]

    async def expired(self, flows: Collection[str]) -> list[Expired]:
        self._open()
        return [one for flow in flows for one in self._split.standing(flow)]

    async def duplicates(self, partition: int, after: int, through: int) -> set[int]:
        self._open()
        return {position for one, position in self._split.passed if one == partition and after < position <= through}

    async def places(self, events: Collection[Event]) -> Mapping[Identity, Appended]:
        self._open()
        wanted = {(event.source, event.id) for event in events}
        return {
            (event.source, event.id): Appended(event.partition, position, True)
            for rows in self._split.log
            for position, event in rows
            if (event.source, event.id) in wanted
        }
