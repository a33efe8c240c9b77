"""The stores of this repository, as tests of what stands above them take them: made, reopened, read from outside."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import jetstream
import kafka
import postgres
import psycopg
import pytest
from split import Split

from interlock.adapters.jetstream import JetStreamLog
from interlock.adapters.kafka import KafkaLog
from interlock.adapters.memory import HALF_DAY_SECONDS, MemoryStore
from interlock.adapters.memory_split import MemoryState
from interlock.adapters.memory_tables import Tables
from interlock.adapters.postgres import PostgresReader, PostgresState, PostgresStore
from interlock.adapters.sqlite import SqliteReader, SqliteStore
from interlock.ports.event_log import EventLog
from interlock.ports.record_reader import RecordReader

Store = SqliteStore | MemoryStore | PostgresStore
KINDS = (
    "memory",
    "sqlite",
    "postgres",
    "memory+log",
    "postgres+log",
    pytest.param("postgres+jetstream", marks=pytest.mark.slow),
    pytest.param("postgres+kafka", marks=pytest.mark.slow),
)


class Backing(Protocol):
    """Where one test's data is."""

    async def open(self) -> Store:
        """The store, with what was committed so far."""
        ...

    async def reader(self) -> RecordReader:
        """Whoever asks for it closes it."""
        ...

    def drop(self) -> None:
        """After the last store and reader were closed."""
        ...


class Kept:
    """The memory store is its own reader, and must survive being asked."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def close(self) -> None:
        """The test goes on with it."""


class Together:
    """A store and its reader as one object, as the memory store is: what the record answers comes from the reader."""

    def __init__(self, store: Store, reader: RecordReader) -> None:
        self._store, self._reader = store, reader

    def __getattr__(self, name: str) -> object:
        return getattr(self._reader if name in vars(RecordReader) else self._store, name)


class MemoryBacking:
    async def open(self) -> Store:
        self._store = MemoryStore()
        return self._store

    async def reader(self) -> RecordReader:
        return Kept(self._store)  # type: ignore[return-value]

    def drop(self) -> None:
        """It goes by itself."""


class MemorySplitBacking:
    """State here, log there."""

    async def open(self) -> Store:
        log = MemoryStore()
        self._state = MemoryState(secret=log.secret)
        return Split(log, self._state)  # type: ignore[return-value]

    async def reader(self) -> RecordReader:
        return Kept(self._state)  # type: ignore[return-value]

    def drop(self) -> None:
        """It goes by itself."""


class SqliteBacking:
    def __init__(self, folder: Path, name: str = "shop.db") -> None:
        self.path = folder / name

    async def open(self) -> Store:
        return await SqliteStore.open(self.path)

    async def reader(self) -> RecordReader:
        return SqliteReader(self.path)

    def drop(self) -> None:
        """Its folder goes with the test."""


class PostgresBacking:
    def __init__(self) -> None:
        self.schema = postgres.new_schema()

    @property
    def dsn(self) -> str:
        return postgres.database()

    @property
    def settings(self) -> str:
        """For an estate on it."""
        return f'\n[stores]\nkind = "postgres"\nschema = "{self.schema}"\n'

    @property
    def environment(self) -> dict[str, str]:
        return {"INTERLOCK_POSTGRES": self.dsn}

    async def at_rest(self) -> bool:
        """Whether nothing is on its way that the record does not show."""
        return True

    async def open(self) -> Store:
        return await PostgresStore.open(self.dsn, schema=self.schema)

    async def reader(self) -> RecordReader:
        return await PostgresReader.open(self.dsn, schema=self.schema)

    def drop(self) -> None:
        postgres.give_back(self.schema)


class PostgresSplitBacking:
    """State on PostgreSQL, the log in memory, where it outlives the state's reopening."""

    def __init__(self) -> None:
        self.schema = postgres.new_schema(log="memory")
        self._tables = Tables(8, HALF_DAY_SECONDS)

    async def open(self) -> Store:
        state = await PostgresState.open_beside(postgres.database(), "memory", schema=self.schema)
        return Split(MemoryStore(secret=state.secret, tables=self._tables), state)  # type: ignore[return-value]

    async def reader(self) -> RecordReader:
        return await PostgresReader.open(postgres.database(), schema=self.schema)

    def drop(self) -> None:
        postgres.give_back(self.schema, log="memory")


class JetStreamBacking(PostgresBacking):
    """State on PostgreSQL, the log in JetStream, which recognises resends for `dedupe_seconds` only."""

    kind = "jetstream"

    replicas = 1

    def __init__(self, dedupe_seconds: float = 2.0) -> None:
        self.schema = postgres.new_schema(log=self.kind)
        self.dedupe_seconds = dedupe_seconds

    @property
    def servers(self) -> str:
        return jetstream.server().url

    @property
    def settings(self) -> str:
        more = f'log = "jetstream"\n[jetstream]\nstream = "{self.schema}"\ndedupe_seconds = {self.dedupe_seconds}\n'
        more += f"replicas = {self.replicas}\n"
        return super().settings + more

    @property
    def environment(self) -> dict[str, str]:
        return {**super().environment, "INTERLOCK_NATS": self.servers}

    async def open(self) -> Store:
        """With all that the log has, but nothing is published from here."""
        split = await self._open()
        await split.log.catch_up()
        return split  # type: ignore[return-value]

    async def _open(self) -> Split:
        state = await PostgresState.open_beside(self.dsn, self.kind, schema=self.schema)
        return Split(await self._log(state), state)

    async def _log(self, state: PostgresState) -> EventLog:
        log = await JetStreamLog.open(
            self.servers,
            stream=self.schema,
            partitions=state.partitions,
            secret=state.secret,
            identity=state.identity or None,
            dedupe_seconds=self.dedupe_seconds,
            replicas=self.replicas,
        )
        await state.keep_identity(log.identity)
        return log

    async def at_rest(self) -> bool:
        """Also while an engine is at work on it. The index of a partition may end beyond its newest event: see
        `Indexing.rest`."""
        split = await self._open()
        try:
            waiting = await split.state.waiting(range(split.log.partitions), 1)
            heads, ends = await split.outside.heads(), await split.state.ends()
            return not waiting and all(end >= head for head, end in zip(heads, ends, strict=True))
        finally:
            await split.close()

    def drop(self) -> None:
        with psycopg.connect(postgres.database(), autocommit=True) as connection:
            connection.execute(f"DROP SCHEMA IF EXISTS {self.schema} CASCADE")  # type: ignore[call-overload]


class KafkaBacking(JetStreamBacking):
    """State on PostgreSQL, the log on a broker that recognises no resend."""

    kind = "kafka"

    async def _log(self, state: PostgresState) -> EventLog:
        await state.keep_identity(self.schema)
        return await KafkaLog.open(
            kafka.server("tansu").address,
            topic=self.schema,
            partitions=state.partitions,
            secret=state.secret,
            identity=state.identity,
        )


async def index_of(store: Store) -> list[int] | None:
    """How far each partition is indexed, once nothing is on its way from state to flows; else None."""
    return await store.at_rest() if isinstance(store, Split) else []


def backing(kind: str, folder: Path) -> Backing:
    if kind == "postgres":
        return PostgresBacking()
    if kind.endswith("+log"):
        return MemorySplitBacking() if kind == "memory+log" else PostgresSplitBacking()
    if kind in ("postgres+jetstream", "postgres+kafka"):
        return JetStreamBacking() if kind == "postgres+jetstream" else KafkaBacking()
    return MemoryBacking() if kind == "memory" else SqliteBacking(folder)
