"""SQLite has no checksums: the log keeps one of each body, so that an altered one is not taken for the accepted one."""

from __future__ import annotations

import asyncio
from pathlib import Path

import apsw
import pytest

from interlock.adapters.sqlite import SqliteStore
from interlock.model.event import Event
from interlock.model.problems import StorageCorrupt

pytestmark = pytest.mark.faults


async def test_an_altered_body_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    store = await SqliteStore.open(path, partitions=1)
    appended = asyncio.get_running_loop().create_future()
    event = Event(0, "e-1", "/s", "a.B", "1.0.0", 1, 1, None, None, None, b"", None, 0, None, b'{"total":"10.00"}')
    store.append([event], lambda places, problem: appended.set_result(problem))
    assert await appended is None
    await store.close()
    with apsw.Connection(str(path)) as raw:
        raw.execute("UPDATE log SET body = ?", (b'{"total":"90.00"}',))
    store = await SqliteStore.open(path)
    with pytest.raises(StorageCorrupt, match="position 1"):
        await store.read(0, 0, 10)
    await store.close()
