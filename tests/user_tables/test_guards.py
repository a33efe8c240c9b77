"""The guards of each dialect, taken out of its adapter one by one: a check of the conformance suite must miss each."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mariadb
import pytest

from interlock.adapters.user_tables.bounds import Bounds
from interlock.adapters.user_tables.logical import LogicalOutbox
from interlock.adapters.user_tables.mysql import MysqlTable
from interlock.adapters.user_tables.own_thread import OwnThread
from interlock.adapters.user_tables.postgres import PostgresOutbox
from interlock.adapters.user_tables.sqlite import SqliteTable
from interlock.ports.outbox_source import OutboxRow, RefusedRow
from interlock.testing.postgres_server import new_database
from interlock.testing.source_conformance import SOURCE_CHECKS
from user_tables.databases import Database, LogicalDatabase, new, new_logical
from user_tables.harnesses import harness

BY_NAME = {check.name: check for check in SOURCE_CHECKS}


class PostgresWithWatermark(PostgresOutbox):
    _last = 0

    async def _waiting(self, connection: Any, limit: int) -> list[OutboxRow]:
        return [row for row in await super()._waiting(connection, limit + 100) if row.place > self._last][:limit]

    async def _settle(self, connection: Any, published: Any, refused: Any) -> None:
        await super()._settle(connection, published, refused)
        self._last = max([self._last, *(row.place for row in published)])


class PostgresSettlesUpTo(PostgresOutbox):
    async def _settle(self, connection: Any, published: Any, refused: Any) -> None:
        await connection.execute("DELETE FROM interlock_outbox WHERE seq <= %s", (max(row.place for row in published),))


class PostgresLeadsBesideOthers(PostgresOutbox):
    async def _take(self, connection: Any) -> None:
        """Without asking."""


class PostgresNewestFirst(PostgresOutbox):
    async def _waiting(self, connection: Any, limit: int) -> list[OutboxRow]:
        return (await super()._waiting(connection, limit))[::-1]


class LogicalGoesToTheEnd(LogicalOutbox):
    """The slot is moved to where the server's log ends now, and not to where the settled rows end."""

    async def settle(self, published: Sequence[OutboxRow], refused: Sequence[RefusedRow]) -> None:
        async with self._session() as connection:
            upto, _ = await self._row(connection, "SELECT pg_current_wal_flush_lsn()::text, 0")
            self._ends = dict.fromkeys(self._ends, int(upto.split("/")[0], 16) << 32 | int(upto.split("/")[1], 16))
        await super().settle(published, refused)


class LogicalLeadsBesideOthers(LogicalOutbox):
    async def _take(self, connection: Any) -> None:
        """Without asking."""


class LogicalNewestFirst(LogicalOutbox):
    async def read(self, limit: int) -> Sequence[OutboxRow]:
        return (await super().read(limit))[::-1]


class MysqlWithWatermark(MysqlTable):
    _last = 0

    def read(self, limit: int) -> Sequence[OutboxRow]:
        return [row for row in super().read(limit + 100) if row.place > self._last][:limit]

    def settle(self, published: Sequence[OutboxRow], refused: Sequence[RefusedRow]) -> None:
        super().settle(published, refused)
        self._last = max([self._last, *(row.place for row in published)])


class MysqlSettlesUpTo(MysqlTable):
    def settle(self, published: Sequence[OutboxRow], refused: Sequence[RefusedRow]) -> None:
        self._ask("DELETE FROM interlock_outbox WHERE seq <= %s", max(row.place for row in published))


class MysqlLeadsBesideOthers(MysqlTable):
    def _take(self) -> None:
        """Without asking."""


class MysqlNewestFirst(MysqlTable):
    def read(self, limit: int) -> Sequence[OutboxRow]:
        return super().read(limit)[::-1]


class SqliteSettlesEverything(SqliteTable):
    """One writer at a time: no low number is committed late, but a row may come between a read and its settlement."""

    def settle(self, published: Sequence[OutboxRow], refused: Sequence[RefusedRow]) -> None:
        self._open().execute("DELETE FROM interlock_outbox")


class SqliteLeadsBesideOthers(SqliteTable):
    def _locked(self) -> int:
        return os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o600)


class SqliteNewestFirst(SqliteTable):
    def read(self, limit: int) -> Sequence[OutboxRow]:
        return super().read(limit)[::-1]


LATE, BETWEEN = (
    "a_low_number_that_is_committed_late_is_read",
    "what_is_committed_between_a_read_and_its_settlement_is_read",
)
ALONE, ORDERED = (
    "a_second_relay_has_to_wait_for_the_first_to_end",
    "rows_come_in_the_order_of_transactions_that_followed_each_other",
)
GUARDS: list[Any] = [
    ("postgres", PostgresWithWatermark, LATE),
    ("postgres", PostgresSettlesUpTo, BETWEEN),
    ("postgres", PostgresLeadsBesideOthers, ALONE),
    ("postgres", PostgresNewestFirst, ORDERED),
    ("logical", LogicalGoesToTheEnd, BETWEEN),
    ("logical", LogicalLeadsBesideOthers, ALONE),
    ("logical", LogicalNewestFirst, ORDERED),
    ("sqlite", SqliteSettlesEverything, BETWEEN),
    ("sqlite", SqliteLeadsBesideOthers, ALONE),
    ("sqlite", SqliteNewestFirst, ORDERED),
    *(
        pytest.param("mysql", bug, check, marks=mariadb.needed)
        for bug, check in (
            (MysqlWithWatermark, LATE),
            (MysqlSettlesUpTo, BETWEEN),
            (MysqlLeadsBesideOthers, ALONE),
            (MysqlNewestFirst, ORDERED),
        )
    ),
]


@pytest.mark.parametrize(("kind", "bug", "check"), GUARDS)
async def test_a_guard_that_is_taken_out_of_an_adapter_is_missed(
    kind: str, bug: Any, check: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    if kind == "logical":
        database: Database = new_logical(new_database(request.getfixturevalue("logical_server")))
    else:
        database = new(kind, tmp_path)
    database.source = lambda bounds=None: planted(database, bug, bounds)  # type: ignore[method-assign]
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        await BY_NAME[check].run(harness(database))


def planted(database: Database, bug: Any, bounds: Bounds | None) -> Any:
    if isinstance(database, LogicalDatabase):
        return bug(database.dsn, database.table, bounds, slot=database.slot)
    if database.kind == "postgres":
        return bug(database.dsn, database.table, bounds)
    place: Any = Path(database.dsn) if database.kind == "sqlite" else database.dsn
    return OwnThread(bug(place, database.table, bounds or Bounds(), ""))
