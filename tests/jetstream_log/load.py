"""Writers that note what was acknowledged, and a reader that notes what it hears: to be held against each other."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence

from interlock.model.event import Appended, Stored
from interlock.model.problems import Problem
from interlock.ports.event_log import EventLog
from interlock.testing.samples import append, event, ids_in

PARTITIONS = 4


class Load:
    """Each writer appends its events in order, single ones and batches, and sends again what was refused."""

    def __init__(self, log: EventLog, *, writers: int = 8) -> None:
        self._log = log
        self._writers = writers
        self._stopped = False
        self.acknowledged: dict[str, Appended] = {}
        self.refused: list[Problem] = []
        self.answered_at: list[float] = []
        self.heard: defaultdict[int, list[Stored]] = defaultdict(list)
        log.listen(self._listen)

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._write(name)) for name in range(self._writers)]

    async def until(self, count: int, seconds: float = 30) -> None:
        async with asyncio.timeout(seconds):
            while len(self.acknowledged) < count:  # noqa: ASYNC110 - counted by callbacks
                await asyncio.sleep(0.01)

    async def stop(self, seconds: float = 40) -> None:
        self._stopped = True
        async with asyncio.timeout(seconds):
            await asyncio.gather(*self._tasks)

    async def _write(self, name: int) -> None:
        number = name * 100_000
        while not self._stopped:
            count = 1 if number % 3 else 5
            batch = [event(number + nth, name % PARTITIONS) for nth in range(count)]
            number += count
            while True:
                try:
                    places = await append(self._log, batch)
                except Problem as problem:
                    if not problem.retryable:
                        raise
                    self.refused.append(problem)
                    await asyncio.sleep(0.05)
                else:
                    break
            for one, place in zip(batch, places, strict=True):
                self.acknowledged[one.id] = place
            self.answered_at.append(asyncio.get_running_loop().time())
            await asyncio.sleep(0)

    def _listen(self, fresh: Sequence[Stored]) -> None:
        for stored in fresh:
            self.heard[stored.event.partition].append(stored)

    @property
    def longest_silence(self) -> float:
        """Seconds between two answers."""
        return max(
            (later - earlier for earlier, later in zip(self.answered_at, self.answered_at[1:], strict=False)),
            default=0.0,
        )


async def check(load: Load, reader: EventLog) -> None:
    """Nothing acknowledged is lost or stands elsewhere, nothing stands twice, order holds, listeners heard the same."""
    stored = {partition: await ids_in(reader, partition, page=500) for partition in range(PARTITIONS)}
    everything = [text for ids in stored.values() for text in ids]
    assert len(everything) == len(set(everything)), "doubles"
    assert set(load.acknowledged) <= set(everything), "lost"
    positions = {
        row.event.id: row.position for partition in range(PARTITIONS) for row in await whole(reader, partition)
    }
    assert {text: place.position for text, place in load.acknowledged.items()} == {
        text: positions[text] for text in load.acknowledged
    }
    for ids in stored.values():
        for writer in range(8):
            mine = [text for text in ids if int(text[1:]) // 100_000 == writer]
            assert mine == sorted(mine), "order"
    async with asyncio.timeout(20):
        while any(len(load.heard[partition]) < len(ids) for partition, ids in stored.items()):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert {partition: [row.event.id for row in load.heard[partition]] for partition in stored} == stored


async def whole(log: EventLog, partition: int) -> list[Stored]:
    found: list[Stored] = []
    after = 0
    while True:
        part = await log.read(partition, after, 500)
        found += part.events
        if part.through <= after:
            return found
        after = part.through
