"""The sources of this repository, as their conformance suite takes them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import apsw

from interlock.adapters.memory_source import MemoryRows, MemorySource
from interlock.adapters.user_tables.bounds import Bounds
from interlock.adapters.user_tables.own_thread import OwnThread
from interlock.adapters.user_tables.postgres import PostgresOutbox
from interlock.ports.outbox_source import OutboxRow, OutboxSource
from interlock.testing.source_conformance import LIMIT_BYTES, ROW_BYTES, SourceHarness, Writing
from user_tables.databases import Database, LogicalDatabase

BOUNDS = Bounds(ROW_BYTES, LIMIT_BYTES)


class MemoryWriting:
    def __init__(self, rows: MemoryRows) -> None:
        self._rows = rows
        self._mine: dict[int, OutboxRow] = {}

    async def write(self, event_id: str, data: str = "{}") -> None:
        place = self._rows.number()
        made = self._rows.clock()
        self._mine[place] = OutboxRow(place, made, len(data), data, {"id": event_id, "type": "orders.OrderPlaced"})

    async def commit(self) -> None:
        self._rows.commit(self._mine)

    async def rollback(self) -> None:
        self._mine = {}


class MemoryHarness:
    """`source_class` lets a test plant a bug."""

    side_by_side = True

    def __init__(self, source_class: type[MemorySource] = MemorySource) -> None:
        self._rows = MemoryRows(asyncio.get_running_loop().time)
        self._source_class = source_class

    async def open(self) -> OutboxSource:
        return self._source_class(self._rows, ROW_BYTES, LIMIT_BYTES)

    async def begin(self) -> Writing:
        return MemoryWriting(self._rows)

    async def correct(self, event_id: str) -> None:
        for place, one in list(self._rows.refused.items()):
            if one.row.attributes["id"] == event_id:
                self._rows.commit({place: one.row})
                del self._rows.refused[place]

    async def crash(self, source: OutboxSource) -> None:
        self._rows.leader = None

    async def close(self) -> None:
        return None


class SqlWriting:
    """A transaction on a connection of its own, on a thread: SQLite makes a second writer wait."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection = database.connect(autocommit=False)
        if database.kind == "sqlite":
            self._connection.execute("BEGIN IMMEDIATE")

    async def write(self, event_id: str, data: str = "{}") -> None:
        await asyncio.to_thread(self._execute, self.statement(event_id, data))

    def statement(self, event_id: str, data: str) -> str:
        return self._database.insert(event_id, data)

    async def commit(self) -> None:
        await asyncio.to_thread(self._end, "COMMIT")

    async def rollback(self) -> None:
        await asyncio.to_thread(self._end, "ROLLBACK")

    def _execute(self, statement: str) -> None:
        if self._database.kind == "mysql":
            with self._connection.cursor() as cursor:
                cursor.execute(statement)
        else:
            self._connection.execute(statement)

    def _end(self, how: str) -> None:
        self._execute(how)
        self._connection.close()


class LogicalWriting(SqlWriting):
    def statement(self, event_id: str, data: str) -> str:
        message = {"attributes": {"id": event_id, "type": "orders.OrderPlaced"}, "data": json.loads(data)}
        return f"SELECT pg_logical_emit_message(true, 'interlock_outbox', '{json.dumps(message)}')"


class SqlHarness:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._sources: list[OutboxSource] = []
        self.side_by_side = database.kind != "sqlite"

    async def open(self) -> OutboxSource:
        self._sources.append(self._database.source(BOUNDS))
        return self._sources[-1]

    async def begin(self) -> Writing:
        writing = LogicalWriting if isinstance(self._database, LogicalDatabase) else SqlWriting
        return await asyncio.to_thread(writing, self._database)

    async def correct(self, event_id: str) -> None:
        given_free = f"UPDATE {self._database.table} SET refused = NULL WHERE id = '{event_id}'"
        await asyncio.to_thread(self._database.run, given_free)

    async def crash(self, source: OutboxSource) -> None:
        """Cut past the source, as the end of its process does."""
        self._sources.remove(source)
        if isinstance(source, PostgresOutbox):
            assert source._connection is not None
            source._connection.pgconn.finish()
            return
        assert isinstance(source, OwnThread)
        connection: Any = source.table._connection
        if isinstance(connection, apsw.Connection):
            await source.close()
        else:
            connection._force_close()

    async def close(self) -> None:
        for source in self._sources:
            await source.close()


def harness(database: Database | None) -> SourceHarness:
    return MemoryHarness() if database is None else SqlHarness(database)
