"""Which store an estate's settings name, and how it is opened: by the engine, by commands that look, by the registry.

PostgreSQL is an extra: its driver is imported by those who use it, so that an embedded estate does without.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from interlock.adapters.memory import MemoryStore
from interlock.adapters.memory_schemas import MemorySchemas
from interlock.adapters.sqlite import SqliteReader, SqliteSchemas, SqliteStore
from interlock.adapters.system import SystemClock, SystemIds
from interlock.app.control_path import control_path, control_paths
from interlock.app.outside_logs import extra, open_outside
from interlock.app.references import value_of
from interlock.estate.estate import Estate
from interlock.flows.indexed_log import IndexedLog
from interlock.model.problems import Problem, SettingInvalid
from interlock.ports.event_log import EventLog
from interlock.ports.record_reader import RecordReader
from interlock.ports.schema_store import SchemaStore
from interlock.ports.state_store import StateStore


class Store(EventLog, StateStore, Protocol):
    """Both ports on one object."""


class Stores(NamedTuple):
    """Log and state of an estate: one and the same object, unless stores.log puts the log elsewhere."""

    log: EventLog
    state: StateStore

    @property
    def unindexed(self) -> int:
        """Positions of a log elsewhere that the state does not know of yet: they count as lag."""
        return self.log.unindexed if isinstance(self.log, IndexedLog) else 0

    def watch(self, failed: Callable[[Problem], None]) -> None:
        """Be told when what runs in the background breaks for good."""
        if isinstance(self.log, IndexedLog):
            self.log.on_failure = failed

    async def close(self) -> None:
        """The log first: what it does in the background needs the state."""
        await self.log.close()
        await self.state.close()


@dataclass(frozen=True, slots=True)
class SqlitePlace:
    """One file."""

    path: Path

    @property
    def controls(self) -> list[Path]:
        """The control socket of the engine on this store."""
        return [control_path(self.path)]

    async def reader(self) -> RecordReader:
        """Read-only; also while an engine runs. NotFound when there is none."""
        return SqliteReader(self.path)


@dataclass(frozen=True, slots=True)
class PostgresPlace:
    """One schema of a database; beside `path` the engines of this machine have their sockets."""

    dsn: str
    schema: str
    path: Path

    @property
    def controls(self) -> list[Path]:
        """The control sockets of the engines of this machine, and of some that are gone."""
        return control_paths(self.path)

    async def reader(self) -> RecordReader:
        """Read-only; also while engines run. NotFound when there is none."""
        with postgres_driver():
            from interlock.adapters.postgres import PostgresReader
        return await PostgresReader.open(self.dsn, schema=self.schema)


StorePlace = SqlitePlace | PostgresPlace


def postgres_driver() -> AbstractContextManager[None]:
    """Around the import of the PostgreSQL adapter."""
    return extra("stores.kind is postgres", "postgres")


def place_of_store(estate: Estate, environ: Mapping[str, str] = os.environ) -> StorePlace:
    """Where the estate's record is. SettingInvalid for a store that keeps none."""
    stores = estate.settings.stores
    if stores.kind == "memory":
        raise SettingInvalid("The memory store keeps no record outside its process.")
    if stores.kind == "postgres":
        return PostgresPlace(connection_string(stores.dsn, environ), stores.schema, estate.store_path)
    return SqlitePlace(estate.store_path)


def connection_string(reference: str, environ: Mapping[str, str]) -> str:
    """What stores.dsn stands for; its value is never shown. SettingInvalid when it is not set."""
    return value_of("stores.dsn", reference, "postgresql://user@host:5432/database", environ)


def told(estate: Estate) -> str:
    """Where the data is, for people."""
    stores = estate.settings.stores
    if stores.kind == "postgres":
        beside = "" if stores.log == "state" else f", log in {stores.log}"
        return f"postgres, schema {stores.schema} of {stores.dsn}{beside}"
    return stores.kind


def shares(estate: Estate) -> bool:
    """Whether several processes may run on the store at once."""
    return estate.settings.stores.kind == "postgres"


async def open_stores(estate: Estate) -> Stores:
    """What the settings name; that they go together, the loader has seen."""
    if estate.settings.stores.log == "state":
        store = await open_store(estate)
        return Stores(store, store)
    return await open_apart(estate)


async def open_apart(estate: Estate) -> Stores:
    """State on PostgreSQL, the log elsewhere; the state knows all of the log when this returns."""
    with postgres_driver():
        from interlock.adapters.postgres import PostgresState
    place, stores, limits = place_of_store(estate), estate.settings.stores, estate.settings.limits
    assert isinstance(place, PostgresPlace)
    async with AsyncExitStack() as opened:
        state = await PostgresState.open_beside(
            place.dsn,
            stores.log,
            schema=place.schema,
            partitions=stores.partitions,
            dedupe_bucket_seconds=max(1, int(limits.dedupe_bucket_seconds)),
            limit_pending=limits.pending_appends,
        )
        opened.push_async_callback(state.close)
        refuse_other_partitions(state.partitions, stores.partitions)
        await refuse_other_estate(place, estate)
        log = IndexedLog(await open_outside(estate, state), state, state, SystemClock(), SystemIds())
        opened.push_async_callback(log.close)
        await log.catch_up()
        opened.pop_all()
    return Stores(log, state)


async def open_store(estate: Estate) -> Store:
    """Log and state in one."""
    stores, limits = estate.settings.stores, estate.settings.limits
    bucket_seconds = max(1, int(limits.dedupe_bucket_seconds))
    if stores.kind == "memory":
        return MemoryStore(
            stores.partitions, limit_pending=limits.pending_appends, dedupe_bucket_seconds=bucket_seconds
        )
    place = place_of_store(estate)
    if isinstance(place, PostgresPlace):
        return await open_postgres(place, estate, bucket_seconds)
    store = await SqliteStore.open(
        place.path,
        partitions=stores.partitions,
        dedupe_bucket_seconds=bucket_seconds,
        limit_pending=limits.pending_appends,
    )
    try:
        refuse_other_partitions(store.partitions, stores.partitions)
    except BaseException:
        await store.close()
        raise
    return store


async def open_postgres(place: PostgresPlace, estate: Estate, bucket_seconds: int) -> Store:
    """As one process among several."""
    with postgres_driver():
        from interlock.adapters.postgres import PostgresStore
    stores = estate.settings.stores
    store = await PostgresStore.open(
        place.dsn,
        schema=place.schema,
        partitions=stores.partitions,
        dedupe_bucket_seconds=bucket_seconds,
        limit_pending=estate.settings.limits.pending_appends,
    )
    try:
        refuse_other_partitions(store.partitions, stores.partitions)
        await refuse_other_estate(place, estate)
    except BaseException:
        await store.close()
        raise
    return store


def refuse_other_partitions(found: int, wanted: int) -> None:
    if found != wanted:
        raise SettingInvalid(
            f"The store was made with {found} partitions, stores.partitions says {wanted}.",
            next_step=f"Set stores.partitions = {found}: it is fixed with the store.",
        )


async def refuse_other_estate(place: PostgresPlace, estate: Estate) -> None:
    """A database has room for many; each needs a schema of its own."""
    reader = await place.reader()
    try:
        starts = await reader.starts()
    finally:
        await reader.close()
    if starts and starts[-1].estate != estate.name:
        raise SettingInvalid(
            f"The schema {place.schema} belongs to the estate {starts[-1].estate}, this one is {estate.name}.",
            next_step="Give each estate its own stores.schema.",
        )


async def open_schemas(estate: Estate, store: StateStore) -> SchemaStore:
    """The registry's memory, beside the log and the state."""
    if isinstance(store, SqliteStore):
        return SqliteSchemas.beside(store)
    if isinstance(store, MemoryStore):
        return MemorySchemas()
    stores = estate.settings.stores
    dsn = connection_string(stores.dsn, os.environ)
    with postgres_driver():
        from interlock.adapters.postgres import PostgresSchemas
    return await PostgresSchemas.open(dsn, schema=stores.schema)


async def open_record(estate: Estate, store: StateStore) -> RecordReader:
    """A reader beside the engine. The memory store is its own; closing it ends the engine's too."""
    if isinstance(store, MemoryStore):
        return store
    return await place_of_store(estate).reader()
