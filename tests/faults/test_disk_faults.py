"""Full, failing, locked and damaged disks end in a clear problem. What was acknowledged stays."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from interlock.adapters.sqlite import SqliteReader, SqliteStore, file
from interlock.model.problems import (
    AlreadyRunning,
    FormatUnsupported,
    Problem,
    StorageCorrupt,
    StorageFull,
    StorageUnavailable,
)
from interlock.model.step import Put, Step, StepResult
from interlock.testing.fault_files import FaultFiles
from interlock.testing.samples import FLOW, TYPE, append, commit, event, events, handling, ids_in, start, submit

pytestmark = pytest.mark.faults
VALUE = b"x" * 200


@pytest.fixture
def files() -> Iterator[FaultFiles]:
    made = FaultFiles("disk-faults")
    yield made
    made.unregister()


def step(position: int) -> Step:
    return Step(handling=handling(position), result=StepResult(puts=(Put("orders", str(position), VALUE),)))


async def fill(store: SqliteStore, count: int, first: int = 0) -> list[str]:
    """Append one by one until the store refuses; the ids that were acknowledged."""
    accepted = []
    for number in range(first, first + count):
        try:
            await append(store, [event(number)._replace(body=b"x" * 2000)])
        except StorageFull:
            break
        accepted.append(event(number).id)
    return accepted


async def test_a_full_disk_refuses_and_loses_nothing(tmp_path: Path, files: FaultFiles) -> None:
    store = await SqliteStore.open(tmp_path / "a.db", vfs=files.name)
    epoch = await store.acquire(start(), {FLOW: [TYPE]})
    files.room_bytes = 1_000_000
    accepted = await fill(store, 1000)
    assert 10 < len(accepted) < 1000
    for _ in range(3):
        with pytest.raises(StorageFull, match="Free disk space"):
            await append(store, [event(5000)._replace(body=b"x" * 9000)])
        with pytest.raises(StorageFull):
            await submit(store, commit(epoch, step(1), step(2), step(3)))
    assert await ids_in(store, 0) == accepted
    assert await store.get("orders", "1") is None
    files.room_bytes = None
    accepted += await fill(store, 10, first=6000)
    assert await submit(store, commit(epoch, step(1))) == [None]
    await store.close()
    store = await SqliteStore.open(tmp_path / "a.db")
    assert await ids_in(store, 0) == accepted
    await store.close()


@pytest.mark.parametrize("fault", ["write", "sync", "read"])
async def test_a_failing_disk_refuses_and_recovers(tmp_path: Path, files: FaultFiles, fault: str) -> None:
    store = await SqliteStore.open(tmp_path / "a.db", vfs=files.name)
    epoch = await store.acquire(start(), {FLOW: [TYPE]})
    await append(store, events(0, 20))
    files.failing = {fault, "write"}  # a disk that cannot read can seldom write
    for round_ in range(3):
        calls = [append(store, [event(100 + round_)]), submit(store, commit(epoch, step(50 + round_)))]
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(result) for result in results] == [StorageUnavailable, StorageUnavailable]
    files.failing = set()
    assert [place.duplicate for place in await append(store, events(100, 3))] == [False] * 3
    assert await submit(store, commit(epoch, step(50), step(51))) == [None, None]
    expected = [one.id for one in [*events(0, 20), *events(100, 3)]]
    assert await ids_in(store, 0) == expected
    await store.close()
    store = await SqliteStore.open(tmp_path / "a.db")
    assert await ids_in(store, 0) == expected
    assert await store.marks_after(FLOW, 0, 0) == {50, 51}
    await store.close()


async def test_a_slow_disk_makes_bigger_batches(tmp_path: Path, files: FaultFiles) -> None:
    store = await SqliteStore.open(tmp_path / "a.db", vfs=files.name)
    files.sync_seconds = 0.02
    before = files.syncs
    await asyncio.gather(*(append(store, [event(number)]) for number in range(500)))
    assert files.syncs - before < 20
    await store.close()


HOLDER = """
import asyncio, sys, time
from interlock.adapters.sqlite import SqliteStore
async def hold():
    await SqliteStore.open(sys.argv[1])
    print("open", flush=True)
    time.sleep(60)
asyncio.run(hold())
"""


async def test_a_second_process_is_refused_until_the_first_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    arguments = (sys.executable, "-c", HOLDER, str(path))
    holder = await asyncio.create_subprocess_exec(*arguments, stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        assert await holder.stdout.readline() == b"open\n"
        with pytest.raises(AlreadyRunning, match=str(holder.pid)):
            await SqliteStore.open(path)
        reader = SqliteReader(path)
        assert await reader.starts() == []
        await reader.close()
    finally:
        holder.kill()
        await holder.wait()
    store = await SqliteStore.open(path)
    await append(store, [event(1)])
    await store.close()


async def test_a_foreign_writer_makes_it_unavailable_not_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody opened the file with the sqlite3 shell and began a transaction."""
    monkeypatch.setattr(file, "BUSY_MILLISECONDS", 20)
    store = await SqliteStore.open(tmp_path / "a.db")
    foreign = apsw.Connection(str(tmp_path / "a.db"))
    foreign.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageUnavailable):
        await append(store, [event(1)])
    foreign.execute("ROLLBACK")
    assert not (await append(store, [event(1)]))[0].duplicate
    foreign.close()
    await store.close()


PAGE_BYTES = 4096


async def filled(path: Path) -> list[str]:
    """A store of some dozen pages, checkpointed into its one file; the ids in its log."""
    store = await SqliteStore.open(path)
    epoch = await store.acquire(start(), {FLOW: [TYPE]})
    for first in range(0, 400, 20):
        places = await append(store, events(first, 20))
        await submit(store, commit(epoch, *(step(place.position) for place in places)))
    await store.close()
    return [one.id for one in events(0, 400)]


async def examine(path: Path) -> list[str]:
    """Touch everything that there is; the ids in the log."""
    store = await SqliteStore.open(path)
    try:
        found = await ids_in(store, 0)
        for position in await store.marks_after(FLOW, 0, 0):
            stored = await store.get("orders", str(position))
            assert stored is None or stored.value == VALUE
        reader = SqliteReader(path)
        try:
            (books,) = await reader.sums({FLOW: [TYPE]})
            assert books.difference == 0
            await reader.find_events("e000001")
        finally:
            await reader.close()
        await append(store, events(1000, 20))
    finally:
        await store.close()
    return found


async def test_damaged_pages_are_a_clear_problem_or_do_no_harm(tmp_path: Path) -> None:
    """Each page in turn is overwritten with noise. A page that nobody needs may go unnoticed; a loss may not.

    SQLite has no checksums of its own, so noise that hits only the inside of a value is not seen: the values here are
    short enough to have no pages of their own.
    """
    whole = tmp_path / "whole.db"
    expected = await filled(whole)
    content = whole.read_bytes()
    chance = random.Random(5)
    noticed = 0
    pages = range(1, len(content) // PAGE_BYTES)
    for page in chance.sample(pages, min(60, len(pages))):
        noise = chance.randbytes(PAGE_BYTES)
        damaged = tmp_path / f"{page}.db"
        damaged.write_bytes(content[: page * PAGE_BYTES] + noise + content[(page + 1) * PAGE_BYTES :])
        found = (await asyncio.gather(examine(damaged), return_exceptions=True))[0]
        if isinstance(found, StorageCorrupt):
            noticed += 1
        else:
            assert found == expected
    assert noticed > 10


@pytest.mark.parametrize(("offset", "length"), [(0, 16), (16, 8), (0, 100), (100, 300), (0, 4096)])
async def test_a_damaged_header_is_refused_at_opening(tmp_path: Path, offset: int, length: int) -> None:
    path = tmp_path / "a.db"
    await filled(path)
    content = bytearray(path.read_bytes())
    content[offset : offset + length] = bytes(255 - byte for byte in content[offset : offset + length])
    path.write_bytes(content)
    with pytest.raises((StorageCorrupt, StorageUnavailable, FormatUnsupported)) as caught:
        await SqliteStore.open(path)
    assert isinstance(caught.value, Problem)
    assert caught.value.step


async def test_a_file_cut_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    await filled(path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(StorageCorrupt):
        await examine(path)


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.write_text("orders, but in a text file\n" * 300)
    with pytest.raises(StorageCorrupt):
        await SqliteStore.open(path)
    assert path.read_text().startswith("orders, but")
