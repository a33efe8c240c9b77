"""An outbox without a database, for tests of what stands above it: it keeps the same promises, but for a crash."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from interlock.model.problems import AlreadyRunning, StorageUnavailable
from interlock.ports.outbox_source import OutboxFacts, OutboxFigures, OutboxRow, RefusedRow


class MemoryRows:
    """What several MemorySource share: the database. `age_seconds` of its rows is when they were written."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.rows: dict[int, OutboxRow] = {}
        self.refused: dict[int, RefusedRow] = {}
        self.leader: object | None = None
        self.away = False
        self.written = asyncio.Event()
        self._last = 0

    def number(self) -> int:
        """The next number, given when a row is written and not when it is committed."""
        self._last += 1
        return self._last

    def commit(self, numbered: Mapping[int, OutboxRow]) -> None:
        self.rows.update(numbered)
        self.written.set()


class MemorySource:
    """See OutboxSource."""

    def __init__(self, rows: MemoryRows, row_bytes: int = 1_048_576, limit_bytes: int = 8_388_608) -> None:
        self._shared = rows
        self._row_bytes = row_bytes
        self._limit_bytes = limit_bytes

    async def lead(self) -> None:
        self._answering()
        if self._shared.leader not in (None, self):
            raise AlreadyRunning("Another relay leads this outbox.", next_step="Nothing to do: it goes on from there.")
        self._shared.leader = self

    async def read(self, limit: int) -> Sequence[OutboxRow]:
        self._answering()
        found: list[OutboxRow] = []
        reached = 0
        for place in sorted(self._shared.rows)[:limit]:
            row = self._shared.rows[place]
            if reached < self._limit_bytes:
                data = row.data if row.size <= self._row_bytes else None
                found.append(row._replace(data=data, age_seconds=self._shared.clock() - row.age_seconds))
            reached += row.size
        return found

    async def settle(self, published: Sequence[OutboxRow], refused: Sequence[RefusedRow]) -> None:
        self._answering()
        for row in published:
            self._shared.rows.pop(row.place, None)
        for one in refused:
            kept = self._shared.rows.pop(one.row.place)
            self._shared.refused[one.row.place] = one._replace(row=kept)

    async def wait(self, seconds: float) -> None:
        self._shared.written.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._shared.written.wait()
        except TimeoutError:
            return

    async def inspect(self) -> OutboxFacts:
        self._answering()
        return OutboxFacts(f"memory {id(self._shared)}")

    async def figures(self) -> OutboxFigures:
        now = self._shared.clock()
        ages = [now - row.age_seconds for row in self._shared.rows.values()]
        return OutboxFigures(len(ages), len(self._shared.refused), max(ages, default=0.0))

    async def refused(self, limit: int) -> Sequence[RefusedRow]:
        found = [self._shared.refused[place] for place in sorted(self._shared.refused)[:limit]]
        return [one._replace(row=one.row._replace(data=None)) for one in found]

    async def close(self) -> None:
        if self._shared.leader is self:
            self._shared.leader = None

    def _answering(self) -> None:
        if self._shared.away:
            raise StorageUnavailable("The outbox is away.")
