"""The back ends of this repository, as the conformance suites take them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import apsw
import jetstream
import postgres
import psycopg

from interlock.adapters.jetstream import JetStreamLog
from interlock.adapters.memory import MemoryStore
from interlock.adapters.memory_tables import Tables
from interlock.adapters.postgres import PostgresReader, PostgresStore
from interlock.adapters.sqlite.reader import SqliteReader
from interlock.adapters.sqlite.store import SqliteStore
from interlock.model.problems import StorageUnavailable
from interlock.testing.fake_clock import FakeClock, settle
from interlock.testing.samples import append


class MemoryHarness:
    """`tables` and `store_class` let a test plant a bug."""

    def __init__(self, tables: type[Tables] = Tables, store_class: type[MemoryStore] = MemoryStore) -> None:
        self._tables_class = tables
        self._store_class = store_class

    async def open(self, *, partitions: int = 4, limit_pending: int = 10_000, dedupe_bucket_seconds: int = 3600) -> Any:
        self._tables = self._tables_class(partitions, dedupe_bucket_seconds)
        self._clock = FakeClock()
        self._store = self._store_class(
            limit_pending=limit_pending, tables=self._tables, monotonic_us=self._clock.monotonic_us
        )
        return self._store

    async def reopen(self) -> Any:
        raise AssertionError("memory is not durable")

    async def beside(self) -> Any:
        return self._store

    async def pass_time(self, seconds: float) -> None:
        await self._clock.advance(seconds)

    async def forget(self, partition: int, through: int) -> None:
        self._tables.forget(partition, through)

    async def record(self) -> Any:
        return self._store

    async def settle(self) -> None:
        await settle()

    async def close(self) -> None:
        await self._store.close()

    def raw_events(self) -> int:
        return sum(map(len, self._tables.log))

    def raw_handlings(self) -> int:
        return len(self._tables.handlings)


class SqliteHarness:
    def __init__(self, folder: Path, store_class: type[SqliteStore] = SqliteStore, **options: Any) -> None:
        self._path = folder / "store.db"
        self._store_class = store_class
        self._options = options

    async def open(self, *, partitions: int = 4, limit_pending: int = 10_000, dedupe_bucket_seconds: int = 3600) -> Any:
        self._options |= {
            "partitions": partitions,
            "limit_pending": limit_pending,
            "dedupe_bucket_seconds": dedupe_bucket_seconds,
        }
        return await self._open()

    async def _open(self) -> Any:
        self._store = await self._store_class.open(self._path, **self._options)
        self._outside = apsw.Connection(str(self._path), flags=apsw.SQLITE_OPEN_READONLY)
        return self._store

    async def reopen(self) -> Any:
        await self.close()
        return await self._open()

    async def beside(self) -> Any:
        raise AssertionError("SQLite has one engine")

    async def pass_time(self, seconds: float) -> None:
        raise AssertionError("SQLite has no members")

    async def record(self) -> Any:
        return SqliteReader(self._path)

    async def settle(self) -> None:
        await asyncio.wait_for(self._drained(), 30)
        await settle()

    async def _drained(self) -> None:
        """The limits are big enough for one more empty transaction once the others are through."""
        await settle(5)
        await self._store.expire(0)

    async def close(self) -> None:
        await self._store.close()
        self._outside.close()

    def raw_events(self) -> int:
        return self._count("log")

    def raw_handlings(self) -> int:
        return self._count("handling")

    def _count(self, table: str) -> int:
        return int(self._outside.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


class PostgresHarness:
    """`kind` keeps schemas apart that are not to be used again for others."""

    kind = "state"

    def __init__(self, store_class: type[PostgresStore] = PostgresStore) -> None:
        self._dsn = postgres.database()
        self._store_class = store_class
        self._options: dict[str, int] = {}
        self._beside: list[PostgresStore] = []

    async def open(self, *, partitions: int = 4, limit_pending: int = 10_000, dedupe_bucket_seconds: int = 3600) -> Any:
        self._options = {
            "partitions": partitions,
            "limit_pending": limit_pending,
            "dedupe_bucket_seconds": dedupe_bucket_seconds,
        }
        self._schema = postgres.new_schema(partitions, self.kind)
        return await self._open()

    async def _open(self) -> Any:
        self._store = await self._store_class.open(self._dsn, schema=self._schema, **self._options)
        self._outside = psycopg.connect(self._dsn, autocommit=True)
        return self._store

    async def reopen(self) -> Any:
        await self._store.close()
        self._outside.close()
        return await self._open()

    async def beside(self) -> Any:
        store = await self._store_class.open(self._dsn, schema=self._schema, **self._options)  # type: ignore[arg-type]
        self._beside.append(store)
        return store

    async def pass_time(self, seconds: float) -> None:
        later = f"UPDATE {self._schema}.member SET until = until - make_interval(secs => %s)"
        self._outside.execute(later, (seconds,))  # type: ignore[call-overload]

    async def record(self) -> Any:
        return await PostgresReader.open(self._dsn, schema=self._schema)

    async def settle(self) -> None:
        await asyncio.wait_for(append(self._store, []), 30)
        await settle()

    async def close(self) -> None:
        for store in (self._store, *self._beside):
            await store.close()
        self._outside.close()
        postgres.give_back(self._schema, self._options["partitions"], self.kind)

    def raw_events(self) -> int:
        return self._count("log")

    def raw_handlings(self) -> int:
        return self._count("handling")

    def _count(self, table: str) -> int:
        found = self._outside.execute(f"SELECT count(*) FROM {self._schema}.{table}").fetchone()  # type: ignore[call-overload]
        assert found is not None
        return int(found[0])


class JetStreamHarness:
    """The dedupe window is real time, so the test's seconds are hundredths of one."""

    def __init__(self, url: str, replicas: int, log_class: type[JetStreamLog] = JetStreamLog) -> None:
        self._url = url
        self._log_class = log_class
        self._stream = jetstream.new_stream()
        self._options: dict[str, Any] = {"replicas": replicas, "stream": self._stream, "secret": jetstream.SECRET}
        self._identity: str | None = None

    async def open(self, *, partitions: int = 4, limit_pending: int = 10_000, dedupe_bucket_seconds: int = 3600) -> Any:
        self._options |= {
            "partitions": partitions,
            "limit_pending": limit_pending,
            "dedupe_seconds": dedupe_bucket_seconds / 100,
        }
        self._outside = jetstream.Outside(self._url)
        return await self._open()

    async def _open(self) -> Any:
        """Servers on a busy machine may be without a leader for a moment: that is said, and tried again."""
        deadline = asyncio.get_running_loop().time() + 30
        while True:
            try:
                self._log = await self._log_class.open(self._url, identity=self._identity, **self._options)
            except StorageUnavailable:
                if asyncio.get_running_loop().time() > deadline:
                    raise
                await asyncio.sleep(0.1)
            else:
                self._identity = self._log.identity
                return self._log

    async def reopen(self) -> Any:
        await self._log.close()
        return await self._open()

    async def elapse(self, seconds: int) -> None:
        await asyncio.sleep(seconds / 100)

    async def forget(self, partition: int, through: int) -> None:
        """Of the whole stream: positions are shared."""
        self._outside.ask(f"STREAM.PURGE.{self._stream}", {"seq": through + 1})

    async def settle(self) -> None:
        await asyncio.wait_for(self._settled(), 30)
        await settle()

    async def _settled(self) -> None:
        while self._log._publisher._pending or not self._log.caught_up:  # noqa: ASYNC110 - no event tells both
            await asyncio.sleep(0.005)

    async def record(self) -> Any:
        raise AssertionError("a log has no record")

    async def close(self) -> None:
        await self._log.close()
        self._outside.ask(f"STREAM.DELETE.{self._stream}")
        self._outside.close()

    def raw_events(self) -> int:
        return self._outside.count(self._stream)

    def raw_handlings(self) -> int:
        raise AssertionError("a log has no handlings")
