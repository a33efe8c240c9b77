"""Back ends whose log lies elsewhere, as the suites of state and record take them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import postgres
import psycopg
from split import Settled

from interlock.adapters.memory import MemoryStore
from interlock.adapters.memory_split import MemoryState, SplitTables
from interlock.adapters.memory_tables import Tables
from interlock.adapters.postgres import PostgresReader, PostgresState
from interlock.adapters.postgres.sql import EVENT_COLUMNS
from interlock.model.event import Event
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

    async def late_row(self, event: Event) -> Callable[[], Awaitable[None]]:
        self._tables.row += 1
        number = self._tables.row

        async def commit() -> None:
            self._tables.outbox[number] = event

        return commit

    def raw_events(self) -> int:
        return sum(map(len, self._tables.log))

    def raw_handlings(self) -> int:
        return len(self._tables.handlings)


class PostgresSplitHarness:
    """State on PostgreSQL, the log in memory: it stays while the state is opened anew."""

    kind = "memory"

    def __init__(self, state_class: type[PostgresState] = PostgresState) -> None:
        self._dsn = postgres.database()
        self._state_class = state_class

    async def open(self, *, partitions: int = 4, limit_pending: int = 10_000, dedupe_bucket_seconds: int = 3600) -> Any:
        self._options = {
            "partitions": partitions,
            "limit_pending": limit_pending,
            "dedupe_bucket_seconds": dedupe_bucket_seconds,
        }
        self._schema = postgres.new_schema(partitions, self.kind)
        self._tables = Tables(partitions, dedupe_bucket_seconds)
        return await self._open()

    async def _open(self) -> Any:
        self.state = await self._state_class.open_beside(self._dsn, "memory", schema=self._schema, **self._options)
        limit = self._options["limit_pending"]
        log = MemoryStore(secret=self.state.secret, tables=self._tables, limit_pending=limit)
        self._store = Settled(log, self.state)
        if self._tables.position:
            await self._store.log.catch_up()
        self._outside = psycopg.connect(self._dsn, autocommit=True)
        return self._store

    async def reopen(self) -> Any:
        await self._store.close()
        self._outside.close()
        return await self._open()

    async def record(self) -> Any:
        return await PostgresReader.open(self._dsn, schema=self._schema)

    async def settle(self) -> None:
        await asyncio.wait_for(self.state.published([]), 30)
        await settle()
        await asyncio.wait_for(self._store.rest(), 30)
        await settle()

    async def close(self) -> None:
        await self._store.close()
        self._outside.close()
        postgres.give_back(self._schema, self._options["partitions"], self.kind)

    async def late_row(self, event: Event) -> Callable[[], Awaitable[None]]:
        connection = await psycopg.AsyncConnection.connect(self._dsn)
        marks = ", ".join(["%s"] * len(event))
        await connection.execute(f"INSERT INTO {self._schema}.outbox({EVENT_COLUMNS}) VALUES ({marks})", event)  # type: ignore[call-overload]

        async def commit() -> None:
            await connection.commit()
            await connection.close()

        return commit

    def raw_events(self) -> int:
        return self._count("log")

    def raw_handlings(self) -> int:
        return self._count("handling")

    def _count(self, table: str) -> int:
        found = self._outside.execute(f"SELECT count(*) FROM {self._schema}.{table}").fetchone()  # type: ignore[call-overload]
        assert found is not None
        return int(found[0])
