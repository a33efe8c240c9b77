"""The release of now, on a SQLite file that a newer one has expanded, or has left behind it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import apsw
import pytest

from interlock.adapters.sqlite import SqliteReader, SqliteSchemas, SqliteStore, sql
from interlock.adapters.sqlite.archive import SqliteArchive
from interlock.model.problems import FormatUnsupported
from interlock.testing.conformance import Check, NotApplicable
from interlock.testing.record_conformance import RECORD_CHECKS
from interlock.testing.state_conformance import STATE_CHECKS

from .harnesses import SqliteHarness

GROWN = (
    "ALTER TABLE {table} ADD COLUMN next_note TEXT; ALTER TABLE {table} ADD COLUMN next_sum INTEGER NOT NULL DEFAULT 7;"
)


def grow(path: Path, oldest: int) -> None:
    """As the first start of a newer release does: each table grows, and `oldest` says whether something went away."""
    with apsw.Connection(str(path)) as newer:
        tables = [name for (name,) in newer.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        newer.execute("".join(GROWN.format(table=table) for table in tables if not table.startswith("sqlite_")))
        rows = {"format": sql.FORMAT + 1, "oldest": oldest}
        newer.executemany("INSERT OR REPLACE INTO meta(name, value) VALUES (?, ?)", rows.items())


class NextHarness(SqliteHarness):
    """On a file that a newer release has expanded."""

    async def _open(self) -> Any:
        fresh = not self._path.exists()
        if fresh:
            await (await self._store_class.open(self._path, **self._options)).close()
            grow(self._path, sql.FORMAT)
        return await super()._open()


@pytest.mark.parametrize("check", [*STATE_CHECKS, *RECORD_CHECKS], ids=str)
async def test_promise_on_a_file_of_the_next_release(check: Check, tmp_path: Path) -> None:
    try:
        await check.run(NextHarness(tmp_path))
    except NotApplicable as reason:
        pytest.skip(str(reason))


async def test_a_file_that_has_left_this_release_behind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    await (await SqliteStore.open(path)).close()
    grow(path, sql.FORMAT)
    await (await SqliteStore.open(path)).close()
    SqliteReader(path)._connection.close()
    with pytest.raises(FormatUnsupported, match="knows all of a store up to 3"):
        SqliteArchive(path)
    with apsw.Connection(str(path)) as newer:
        newer.execute("UPDATE meta SET value = 4 WHERE name = 'oldest'")
    for refused in (lambda: SqliteReader(path), lambda: SqliteSchemas.open(path)):
        with pytest.raises(FormatUnsupported, match="for releases of format 4 and newer"):
            refused()
    with pytest.raises(FormatUnsupported, match="for releases of format 4 and newer") as problem:
        await SqliteStore.open(path)
    assert "a newer one" in problem.value.step


@pytest.mark.parametrize("number", sorted(sql.MIGRATIONS))
def test_a_step_of_the_file_that_says_it_only_adds_only_adds(number: int) -> None:
    migration = sql.MIGRATIONS[number]
    takes_away = re.findall(r"(?i)\b(DROP|RENAME|DELETE|UPDATE)\b", migration.script)
    assert not takes_away or migration.oldest == number + 1
