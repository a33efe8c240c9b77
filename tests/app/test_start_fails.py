"""A start that fails says why and leaves nothing open: the next one in the same process succeeds."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from flows.shop import Producer
from interlock.adapters.sqlite import SqliteStore
from interlock.adapters.system import SystemClock
from interlock.app.process import Process
from interlock.app.stores import open_store
from interlock.estate.loader import load
from interlock.estate.starter import write_starter
from interlock.model.problems import SettingInvalid


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_starter(tmp_path / "shop", "shop")
    return tmp_path / "shop"


def configured(root: Path, text: str) -> Path:
    settings = root / "interlock.toml"
    settings.write_text('[estate]\nname = "shop"\n' + text)
    return root


async def test_a_port_that_is_taken_leaves_nothing_open(root: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        process = Process(load(configured(root, f"\n[server]\nport = {taken.getsockname()[1]}\n")))
        with pytest.raises(SettingInvalid, match=r"Cannot listen on 127\.0\.0\.1:\d+: Address already in use\."):
            await process.start()
    await asyncio.sleep(0.01)
    left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    assert left == []
    store = await SqliteStore.open(load(root).store_path)  # its lock is free again
    await store.close()
    assert not list(load(root).store_path.parent.glob("*.control"))


@pytest.mark.parametrize("host", ["nowhere.invalid", "203.0.113.7", "a..b"])
async def test_a_host_that_is_not_ours_is_a_setting(root: Path, host: str) -> None:
    process = Process(load(configured(root, f'\n[server]\nhost = "{host}"\nport = 0\n')))
    with pytest.raises(SettingInvalid, match=f"Cannot listen on {host}:0: [^\\[]+\\.") as refused:
        await process.start()
    assert "server.port" in refused.value.step


async def test_another_number_of_partitions_than_the_store_has_is_refused(root: Path) -> None:
    store = await open_store(load(root))
    await store.close()
    estate = load(configured(root, "\n[stores]\npartitions = 16\n"))
    for _ in range(2):  # and its lock is free again
        with pytest.raises(SettingInvalid, match="8 partitions"):
            await open_store(estate)


async def test_a_bucket_shorter_than_a_second_is_one_second(root: Path) -> None:
    store = await open_store(load(configured(root, "\n[limits]\ndedupe_bucket_seconds = 0.5\n")))
    producer = Producer(store, SystemClock())
    producer.place("a")
    await asyncio.sleep(0.05)
    assert len(producer.appended) == 1
    await store.close()


async def test_the_memory_store_has_the_same_limits(root: Path) -> None:
    estate = load(configured(root, '\n[stores]\nkind = "memory"\n\n[limits]\npending_appends = 7\n'))
    store = await open_store(estate)
    assert store._limit_pending == 7  # type: ignore[union-attr]
