"""Every back end of the registry keeps every promise of its port."""

from __future__ import annotations

from pathlib import Path

import postgres
import pytest

from interlock.adapters.memory_schemas import MemorySchemas
from interlock.adapters.postgres import PostgresSchemas, PostgresStore
from interlock.adapters.sqlite import SqliteSchemas, SqliteStore
from interlock.ports.schema_store import SchemaStore
from interlock.testing.conformance import methods, promised
from interlock.testing.schema_conformance import SCHEMA_CHECKS, SchemaCheck, SchemaHarness


class MemoryHarness:
    durable = False

    async def open(self) -> SchemaStore:
        self._schemas = MemorySchemas()
        return self._schemas

    async def reopen(self) -> SchemaStore:
        raise AssertionError("memory is not durable")

    async def second(self) -> SchemaStore:
        return self._schemas

    async def close(self) -> None:
        await self._schemas.close()


class SqliteHarness:
    """The engine's own registry, and a second writer on the same file."""

    durable = True

    def __init__(self, folder: Path) -> None:
        self._path = folder / "store.db"
        self._others: list[SchemaStore] = []

    async def open(self) -> SchemaStore:
        self._store = await SqliteStore.open(self._path)
        return SqliteSchemas.beside(self._store)

    async def reopen(self) -> SchemaStore:
        await self._store.close()
        return await self.open()

    async def second(self) -> SchemaStore:
        self._others.append(SqliteSchemas.open(self._path))
        return self._others[-1]

    async def close(self) -> None:
        for other in self._others:
            await other.close()
        await self._store.close()


class OwnConnectionHarness(SqliteHarness):
    """No engine runs: all go by connections of their own."""

    async def open(self) -> SchemaStore:
        await (await SqliteStore.open(self._path)).close()
        return await self.second()

    async def reopen(self) -> SchemaStore:
        await self.close()
        return await self.second()

    async def close(self) -> None:
        for other in self._others:
            await other.close()
        self._others.clear()


class PostgresHarness:
    """Several writers, each with connections of its own."""

    durable = True
    kind = "state"

    def __init__(self) -> None:
        self._schema = postgres.new_schema(log=self.kind)
        self._opened: list[SchemaStore] = []

    async def open(self) -> SchemaStore:
        await (await PostgresStore.open(postgres.database(), schema=self._schema)).close()
        return await self.second()

    async def reopen(self) -> SchemaStore:
        return await self.open()

    async def second(self) -> SchemaStore:
        self._opened.append(await PostgresSchemas.open(postgres.database(), schema=self._schema))
        return self._opened[-1]

    async def close(self) -> None:
        for one in self._opened:
            await one.close()
        postgres.give_back(self._schema, log=self.kind)


@pytest.fixture(params=["memory", "beside", "own", "postgres"])
def harness(request: pytest.FixtureRequest, tmp_path: Path) -> SchemaHarness:
    if request.param == "postgres":
        return PostgresHarness()
    if request.param == "memory":
        return MemoryHarness()
    return SqliteHarness(tmp_path) if request.param == "beside" else OwnConnectionHarness(tmp_path)


@pytest.mark.parametrize("check", SCHEMA_CHECKS, ids=str)
async def test_promise(check: SchemaCheck, harness: SchemaHarness) -> None:
    if check.durable and not harness.durable:
        pytest.skip("memory keeps nothing")
    await check.run(harness)


def test_every_promise_has_a_check() -> None:
    proven = {check.promise for check in SCHEMA_CHECKS}
    assert set(promised(SchemaStore)) <= proven
    assert proven <= {*promised(SchemaStore), *methods(SchemaStore)}
