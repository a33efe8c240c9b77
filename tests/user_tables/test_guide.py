"""The SQL of the guide runs, and what it writes is relayed; a notification wakes the relay."""

from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path

import pytest

from interlock.adapters.user_tables.outbox_sql import COLUMNS, OURS, ddl
from user_tables.databases import Database, new

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "outbox-in-your-database.md"


def sql_blocks() -> list[str]:
    return re.findall(r"^```sql\n(.*?)^```", GUIDE.read_text(), re.DOTALL | re.MULTILINE)


async def test_the_trigger_of_the_guide_writes_events(tmp_path: Path) -> None:
    database = new("postgres", tmp_path)
    trigger, correction = sql_blocks()
    database.run("CREATE TABLE orders (order_id text, total numeric)", trigger)
    database.run("INSERT INTO orders VALUES ('O-1', 8.20), ('O-2', 1)", correction)
    source = database.source()
    await source.lead()
    rows = await source.read(10)
    assert [row.data for row in rows] == [
        '{"order_id" : "O-1", "total" : "8.20"}',
        '{"order_id" : "O-2", "total" : "1"}',
    ]
    assert all(len(row.attributes["id"]) == 36 for row in rows)
    await source.close()


def test_the_guide_names_every_column() -> None:
    text = GUIDE.read_text()
    assert [column for column in (*COLUMNS, *OURS) if f"`{column}`" not in text] == []


@pytest.mark.parametrize("woken", [True, False])
async def test_a_notification_ends_the_wait(woken: bool, tmp_path: Path) -> None:
    database = new("postgres", tmp_path, table=False)
    database.run(*ddl("postgres", notify=woken))
    source = database.source()
    await source.lead()
    waiting = asyncio.create_task(source.wait(30 if woken else 0.5))
    await asyncio.sleep(0)
    started = time.monotonic()
    await asyncio.to_thread(database.run, database.insert("1", "{}"))
    await waiting
    assert (time.monotonic() - started < 20) if woken else (time.monotonic() - started > 0.3)
    await source.close()


def test_tables_in_a_schema_of_their_own(tmp_path: Path) -> None:
    database = new("postgres", tmp_path, table=False)
    database.run("CREATE SCHEMA shop", *ddl("postgres", "shop.events_out", notify=True))
    again = Database("postgres", database.dsn, "shop.events_out")

    async def written_and_read() -> None:
        again.run(again.insert("1", "{}"))
        source = again.source()
        await source.lead()
        assert [row.attributes["id"] for row in await source.read(10)] == ["1"]
        await source.close()

    asyncio.run(written_and_read())
