"""The file itself: who may read it."""

from __future__ import annotations

import stat
from pathlib import Path

from interlock.adapters.sqlite import SqliteStore


def modes_in(folder: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}


async def test_store_files_are_for_their_owner_only(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "shop.db")
    modes = modes_in(tmp_path)
    await store.close()
    assert set(modes) >= {"shop.db", "shop.db-wal", "shop.db-shm", "shop.db.lock"}
    assert set(modes.values()) == {0o600}, modes
