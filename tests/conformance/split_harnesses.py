"""Back ends whose log lies elsewhere, as the suites of state and record take them."""

from __future__ import annotations

import asyncio
from typing import Any

from split import Settled

from interlock.adapters.memory import MemoryStore
from interlock.adapters.memory_split import MemoryState, SplitTables
from interlock.testing.fake_clock import settle


class MemorySplitHarness:
    """`tables` lets a test plant a bug."""

    def __init__(self, tables: type[SplitTables] = SplitTables) -> None:
        self._tables_class = tables

    async def open(self, *, partitions: int = 4, limit_pending: int = 10_000, dedupe_bucket_seconds: int = 3600) -> Any:
        self._log = MemoryStore(partitions, limit_pending=limit_pending, dedupe_bucket_seconds=dedupe_bucket_seconds)
        self._tables = self._tables_class(partitions, dedupe_bucket_seconds)
        self.state = MemoryState(secret=self._log.secret, limit_pending=limit_pending, tables=self._tables)
        self._store = Settled(self._log, self.state)
        return self._store

    async def reopen(self) -> Any:
        raise AssertionError("memory is not durable")

    async def record(self) -> Any:
        return self.state

    async def settle(self) -> None:
        await asyncio.wait_for(self._store.rest(), 30)
        await settle()

    async def close(self) -> None:
        await self._store.close()

    def raw_events(self) -> int:
        return sum(map(len, self._tables.log))

    def raw_handlings(self) -> int:
        return len(self._tables.handlings)
