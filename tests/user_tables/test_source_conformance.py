"""Each source keeps each promise of its port, and a source with a planted bug is caught."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mariadb
import pytest

from interlock.adapters.memory_source import MemorySource
from interlock.adapters.user_tables.postgres import PostgresOutbox
from interlock.ports.outbox_source import OutboxRow, OutboxSource, RefusedRow
from interlock.testing.conformance import methods, promised
from interlock.testing.postgres_server import PostgresServer, new_database
from interlock.testing.source_conformance import SOURCE_CHECKS, SourceCheck, SourceHarness
from user_tables.databases import new, new_logical
from user_tables.harnesses import MemoryHarness, harness

BY_NAME = {check.name: check for check in SOURCE_CHECKS}


@pytest.fixture(params=["memory", "sqlite", "postgres", pytest.param("mysql", marks=mariadb.needed), "logical"])
async def outbox(request: pytest.FixtureRequest, tmp_path: Path) -> SourceHarness:
    if request.param == "memory":
        return harness(None)
    if request.param == "logical":
        server: PostgresServer = request.getfixturevalue("logical_server")
        return harness(new_logical(new_database(server)))
    return harness(new(request.param, tmp_path))


@pytest.mark.parametrize("check", SOURCE_CHECKS, ids=str)
async def test_promise(check: SourceCheck, outbox: SourceHarness) -> None:
    await check.run(outbox)


def test_every_promise_has_a_check() -> None:
    proven = {check.promise for check in SOURCE_CHECKS}
    assert set(promised(OutboxSource)) <= proven
    assert proven <= {*promised(OutboxSource), *methods(OutboxSource)}
    assert len(BY_NAME) == len(SOURCE_CHECKS)


class AsksForHigherNumbers(MemorySource):
    """`seq > last`: what an id that commits late falls victim to."""

    _last = 0

    async def read(self, limit: int) -> Sequence[OutboxRow]:
        return [row for row in await super().read(limit + 100) if row.place > self._last][:limit]

    async def settle(self, published: Sequence[OutboxRow], refused: Sequence[RefusedRow]) -> None:
        await super().settle(published, refused)
        self._last = max([self._last, *(row.place for row in published)])


class MarksWhenItReads(MemorySource):
    async def read(self, limit: int) -> Sequence[OutboxRow]:
        rows = await super().read(limit)
        await super().settle(rows, [])
        return rows


class DropsRefused(MemorySource):
    async def settle(self, published: Sequence[OutboxRow], refused: Sequence[RefusedRow]) -> None:
        await super().settle([*published, *(one.row for one in refused)], [])


class RefusedBlock(MemorySource):
    async def settle(self, published: Sequence[OutboxRow], refused: Sequence[RefusedRow]) -> None:
        await super().settle(published, [])


class LeadsBesideOthers(MemorySource):
    async def lead(self) -> None:
        self._shared.leader = self


class ReadsEverything(MemorySource):
    async def read(self, limit: int) -> Sequence[OutboxRow]:
        self._limit_bytes = self._row_bytes = 1 << 60
        return await super().read(1 << 30)


class NewestFirst(MemorySource):
    async def read(self, limit: int) -> Sequence[OutboxRow]:
        return list(reversed(await super().read(limit)))


class WithWatermark(PostgresOutbox):
    """Publishes rows of transactions below the oldest running one only: the usual advice; see decision 11."""

    async def _waiting(self, connection: Any, limit: int) -> list[OutboxRow]:
        oldest = "pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
        old = f"SELECT seq FROM interlock_outbox WHERE xmin::text::bigint < {oldest}"
        found = {place for (place,) in await (await connection.execute(old)).fetchall()}
        return [row for row in await super()._waiting(connection, limit + 10) if row.place in found][:limit]


async def test_a_watermark_of_transactions_is_caught_on_postgres(tmp_path: Path) -> None:
    database = new("postgres", tmp_path)
    database.source = lambda bounds=None: WithWatermark(database.dsn)  # type: ignore[method-assign]
    with pytest.raises(AssertionError):
        await BY_NAME["a_transaction_that_waited_for_another_stands_behind_it"].run(harness(database))


BUGS: list[tuple[type[MemorySource], str]] = [
    (AsksForHigherNumbers, "a_low_number_that_is_committed_late_is_read"),
    (MarksWhenItReads, "a_crash_before_the_settlement_leaves_every_row"),
    (MarksWhenItReads, "a_row_is_read_until_it_is_settled"),
    (DropsRefused, "a_refused_row_is_shown_with_its_reason_and_returns_when_it_was_corrected"),
    (RefusedBlock, "what_was_settled_stays_so"),
    (LeadsBesideOthers, "a_second_relay_has_to_wait_for_the_first_to_end"),
    (ReadsEverything, "large_rows_are_read_some_at_a_time_and_too_large_ones_without_data"),
    (ReadsEverything, "no_more_rows_than_asked_for"),
    (NewestFirst, "rows_come_in_the_order_of_transactions_that_followed_each_other"),
]


@pytest.mark.parametrize(("bug", "check"), BUGS)
async def test_a_planted_bug_is_caught(bug: type[MemorySource], check: str) -> None:
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        await BY_NAME[check].run(MemoryHarness(bug))
