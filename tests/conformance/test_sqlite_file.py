"""The file itself: who may read it, and where it cannot be."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from interlock.adapters.sqlite import SqliteStore
from interlock.model.problems import SettingInvalid


def modes_in(folder: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}


async def test_store_files_are_for_their_owner_only(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "shop.db")
    modes = modes_in(tmp_path)
    await store.close()
    assert set(modes) >= {"shop.db", "shop.db-wal", "shop.db-shm", "shop.db.lock"}
    assert set(modes.values()) == {0o600}, modes


@pytest.mark.parametrize("place", ["file/shop.db", "file/deeper/shop.db", "folder", "/proc/shop.db", "/proc/x/shop.db"])
async def test_a_place_where_no_store_can_be_is_a_setting(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    path = tmp_path / place
    with pytest.raises(SettingInvalid, match=f"The store {path} cannot be opened: ") as refused:
        await SqliteStore.open(path)
    assert "stores.path" in refused.value.step


@pytest.mark.parametrize("call", ["os.open", "fcntl.flock"])
async def test_a_lock_that_the_system_refuses_is_a_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(call, refuse)  # root may open every file
    with pytest.raises(SettingInvalid, match="Permission denied"):
        await SqliteStore.open(tmp_path / "shop.db")
