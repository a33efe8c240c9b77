"""The file itself: who may read it, and where it cannot be."""

from __future__ import annotations

import stat
from pathlib import Path

import apsw
import pytest

from interlock.adapters.sqlite import SqliteReader, SqliteSchemas, SqliteStore
from interlock.model.problems import FormatUnsupported, SettingInvalid
from interlock.ports.schema_store import SchemaContent
from interlock.testing.samples import append, event


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


async def test_a_store_of_format_2_is_brought_up_to_date(tmp_path: Path) -> None:
    """Its log is counted anew by contract version, and the registry's tables of then make room for ours."""
    path = tmp_path / "shop.db"
    store = await SqliteStore.open(path)
    await append(store, [event(1), event(2), event(3)._replace(version="1.1.0")])
    await store.close()
    with apsw.Connection(str(path)) as older:
        older.execute(
            "DROP TABLE contract_tally; CREATE TABLE type_tally(type TEXT PRIMARY KEY, total INTEGER NOT NULL);"
            "DROP TABLE schema_content; CREATE TABLE schema_content(context TEXT, id INTEGER, digest BLOB);"
            "CREATE TABLE schema_subject(subject TEXT); UPDATE meta SET value = 2 WHERE name = 'format'"
        )
    with pytest.raises(FormatUnsupported, match="has format 2, this release reads 3"):
        SqliteReader(path)
    store = await SqliteStore.open(path)
    reader = SqliteReader(path)
    assert [(row.version, row.total) for row in await reader.carried()] == [("1.0.0", 2), ("1.1.0", 1)]
    await reader.close()
    schemas = SqliteSchemas.beside(store)
    assert (await schemas.add(".", "a", SchemaContent("JSON", "{}", b"f"), await schemas.revision())).id == 1
    await store.close()
