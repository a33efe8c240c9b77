"""The index of a log elsewhere: reads it on, and writes what it read into the state store, stretch by stretch.

Two members that index the same partition for a moment do no harm: both write the same, and only one of them fits on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence

from interlock.model.clock import Clock
from interlock.model.event import Stored
from interlock.model.problems import EventsExpired, StaleRead
from interlock.ports.event_log import EventLog, Slice
from interlock.ports.log_index import LogIndex, Stretch

STRETCH_EVENTS = 512  # of one partition in one commit
MOST_DUPLICATES = 10_000  # remembered here; older ones the store is asked for


class Indexing:
    """How far each partition is indexed, and which of its positions hold nothing new. `tell` gets what is new, once;
    `gap` hears of a partition of which something expired before it was indexed."""

    def __init__(
        self,
        log: EventLog,
        index: LogIndex,
        clock: Clock,
        tell: Callable[[Sequence[Stored]], None],
        gap: Callable[[int], None],
    ) -> None:
        self._log = log
        self._index = index
        self._clock = clock
        self._tell = tell
        self._gap = gap
        self._turn = asyncio.Lock()
        self.ends: list[int] = [0] * log.partitions
        self._duplicates: dict[tuple[int, int], None] = {}  # partition, position
        self._known_from: list[int] = []

    async def load(self, partitions: Collection[int]) -> None:
        """Begin where the index of these partitions ends now; nobody is told of what others have indexed so far."""
        async with self._turn:
            ends = await self._index.ends()
            if not self._known_from:
                self._known_from = list(ends)
            for partition in partitions:
                if ends[partition] > self.ends[partition]:
                    self.ends[partition] = self._known_from[partition] = ends[partition]

    async def stored_ends(self) -> list[int]:
        """As the state store has them now, of partitions that nobody follows here too."""
        return await self._index.ends()

    def behind(self, partitions: Collection[int]) -> list[int]:
        """Those of which the log has more than the index, as far as it is known here."""
        return [partition for partition in partitions if self._log.head(partition) > self.ends[partition]]

    async def catch_up(self, partitions: Collection[int]) -> None:
        """Index them up to the heads that the log has now. Raises what log and store raise."""
        goals = {partition: self._log.head(partition) for partition in partitions}
        while late := [partition for partition, goal in goals.items() if self.ends[partition] < goal]:
            if not await self.step(late):
                return

    async def step(self, partitions: Collection[int]) -> bool:
        """One commit with the next stretch of each. False when the log gives nothing, whatever its heads say: what ends
        a transaction on Kafka has a position, and holds nothing."""
        async with self._turn:
            stretches = []
            for partition in self.behind(partitions):
                part = await self._on(partition)
                if part.through > self.ends[partition]:
                    stretches.append(Stretch(partition, self.ends[partition], part))
            if not stretches:
                return False
            try:
                found = await self._index.extend(stretches)
            except StaleRead:
                await self._catch_up_with_others(partitions)
                return True
            for (partition, _, part), duplicates in zip(stretches, found, strict=True):
                self._take(partition, part, duplicates)
            return True

    async def _catch_up_with_others(self, partitions: Collection[int]) -> None:
        """Another member was faster, and told its own listeners only."""
        ends = await self._index.ends()
        for partition in partitions:
            while (after := self.ends[partition]) < ends[partition]:
                part = await self._on(partition)
                if (after := self.ends[partition]) < ends[partition]:
                    part = cut(part, after, ends[partition])
                    self._take(partition, part, await self._index.duplicates(partition, after, part.through))

    async def _on(self, partition: int) -> Slice:
        """What follows on the end; behind a gap, if there is one."""
        while True:
            try:
                return await self._log.read(partition, self.ends[partition], STRETCH_EVENTS)
            except EventsExpired as problem:
                await self._pass_over(partition, problem.first - 1)

    async def _pass_over(self, partition: int, through: int) -> None:
        """Nobody has indexed that, and nobody can: it is noted, and whoever reads there is told by the log."""
        await self._index.note_expired(partition, through, self._clock.now_us())
        self.ends[partition] = max(self.ends[partition], through)
        self._gap(partition)

    async def rest(self, partitions: Collection[int]) -> None:
        """Note of partitions without news how far they are known to hold none, so that it is not taken for a gap when
        the log drops what others have there."""
        async with self._turn:
            stretches = []
            for partition in partitions:
                after = self.ends[partition]
                if self._log.head(partition) <= after:
                    part = await self._on(partition)
                    if part.through > after == self.ends[partition] and not part.events:
                        stretches.append(Stretch(partition, after, part))
            if not stretches:
                return
            try:
                await self._index.extend(stretches)
            except StaleRead:
                return  # another member was faster: so there is news
            for partition, _, part in stretches:
                self._take(partition, part, set())

    def _take(self, partition: int, part: Slice, duplicates: set[int]) -> None:
        self.ends[partition] = part.through
        for position in sorted(duplicates):
            self._duplicates[partition, position] = None
        if len(self._duplicates) > MOST_DUPLICATES:
            self._duplicates.clear()
            self._known_from = list(self.ends)
        self._tell([stored for stored in part.events if stored.position not in duplicates])

    async def read(self, partition: int, after: int, limit: int) -> Slice:
        """What is indexed, without duplicates."""
        end = self.ends[partition]
        if after >= end:
            return Slice((), after)
        try:
            part = cut(await self._log.read(partition, after, limit), after, end)
        except EventsExpired as problem:
            if problem.first - 1 > end:
                async with self._turn:
                    await self._pass_over(partition, problem.first - 1)
            raise
        if after < self._known_from[partition]:
            passed = await self._index.duplicates(partition, after, part.through)
        else:
            passed = {stored.position for stored in part.events if (partition, stored.position) in self._duplicates}
        if not passed:
            return part
        return Slice([stored for stored in part.events if stored.position not in passed], part.through)


def cut(part: Slice, after: int, end: int) -> Slice:
    """The slice up to `end`."""
    if part.through <= end:
        return part
    return Slice([stored for stored in part.events if stored.position <= end], max(after, end))
