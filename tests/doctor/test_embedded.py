"""`interlock doctor` on an embedded deployment: the disk, the file, the machine, the record."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from interlock.adapters.mounts import mount_of
from interlock.adapters.sqlite import SqliteStore
from interlock.adapters.sqlite.examination import disk_finding, examine
from interlock.app.host_examination import (
    address_finding,
    clock_finding,
    files_finding,
    open_files_finding,
)
from interlock.app.host_examination import (
    disk_finding as room_finding,
)
from interlock.estate.loader import load
from interlock.model.handling import HandlingState
from interlock.model.record import StartRow
from interlock.model.step import Step
from interlock.testing.samples import FLOW, TYPE, append, commit, event, handling, held, start, submit

from .desk import Desk

MOUNTS = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:40 / /srv/nfs rw,relatime - nfs4 host:/x rw,vers=4.2
31 22 0:41 / /dev/shm rw,nosuid - tmpfs tmpfs rw
32 22 8:2 / /srv/lax rw,relatime - ext4 /dev/sdb1 rw,nobarrier
33 22 0:42 / /srv/box rw - overlay overlay rw,lowerdir=/a
34 22 0:43 / /srv/odd rw - oddfs odd rw
35 30 8:3 / /srv/nfs/local\\040disk rw - xfs /dev/sdc1 rw
"""


def made(desk: Desk, partitions: int = 8) -> Path:
    """The store of the estate, as a first start leaves it."""
    estate = load(desk.root)
    estate.store_path.parent.mkdir(parents=True, exist_ok=True)

    async def once() -> None:
        store = await SqliteStore.open(estate.store_path, partitions=partitions)
        here = StartRow(0, 1_760_000_000_000_000, "0.0.9", estate.name, estate.hash, estate.settings.hash)
        await store.acquire(here, {"order-log": ["orders.OrderPlaced"]})
        await store.close()

    asyncio.run(once())
    return estate.store_path


@pytest.mark.parametrize(
    ("folder", "verdict", "said"),
    [
        ("/srv/shop", "ok", "ext4"),
        ("/srv/nfs/local disk", "ok", "xfs"),
        ("/srv/nfs/shop", "broken", "network file system"),
        ("/dev/shm/shop", "broken", "which is memory"),
        ("/srv/lax/shop", "broken", "without barriers"),
        ("/srv/box/shop", "warn", "layer of a container"),
        ("/srv/odd/shop", "unknown", "oddfs"),
    ],
)
def test_each_kind_of_file_system(folder: str, verdict: str, said: str) -> None:
    path = Path(folder, "shop.db")
    found = disk_finding(path, mount_of(path, MOUNTS))
    assert (found.verdict, said in found.said) == (verdict, True), found


def test_a_sound_deployment(desk: Desk) -> None:
    made(desk)
    _, found = desk.found()
    broken = [one for one in found.values() if one["verdict"] == "broken" and one["check"] != "SQLITE_FILE_SYSTEM"]
    assert broken == []
    for check, said in {
        "ESTATE_LOADS": "The estate shop",
        "SQLITE_COMMITS": "synchronous=FULL",
        "SQLITE_FORMAT": "that of this release",
        "SQLITE_PARTITIONS": "8 partitions",
        "SQLITE_SOUND": "no damage",
        "FILES_PRIVATE": "for their owner only",
        "RECORD_BOOKS": "balance",
        "RECORD_LAG": "none",
    }.items():
        assert (found[check]["verdict"], said in found[check]["said"]) == ("ok", True), found[check]
    assert found["SQLITE_OWNER"]["verdict"] == "warn"
    assert "release 0.0.9" in found["RECORD_STARTED"]["said"]
    assert not list(desk.root.glob(".interlock/.interlock-doctor*"))  # it leaves nothing behind


@pytest.fixture
def in_memory() -> Iterator[Path]:
    mount = mount_of(Path("/dev/shm"))
    if mount is None or mount.kind != "tmpfs":
        pytest.skip("no tmpfs at /dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="interlock-doctor-", dir="/dev/shm"))
    yield folder
    shutil.rmtree(folder)


def test_a_store_in_memory_is_not_durable(desk: Desk, in_memory: Path) -> None:
    desk.settings(f'\n[stores]\npath = "{in_memory}/shop.db"\n')
    made(desk)
    code, found = desk.found()
    one = found["SQLITE_FILE_SYSTEM"]
    assert (code, one["verdict"], one["promise"]) == (1, "broken", "Accepted is durable")
    assert "gone when the machine restarts" in one["said"]
    code, text = desk.told()
    assert code == 1
    assert text.splitlines()[1] == "broken   SQLITE_FILE_SYSTEM  Accepted is durable"  # the worst comes first
    assert "1 broken, " in text.splitlines()[-1]


def test_the_memory_store(desk: Desk) -> None:
    desk.settings('\n[stores]\nkind = "memory"\n')
    code, found = desk.found()
    assert (code, found["STORE_KIND"]["verdict"]) == (1, "broken")


def test_files_that_others_may_read(desk: Desk) -> None:
    store = made(desk)
    store.chmod(0o644)
    code, found = desk.found()
    assert (code, found["FILES_PRIVATE"]["verdict"]) == (1, "broken")
    assert "shop.db (644)" in found["FILES_PRIVATE"]["said"]
    store.chmod(0o600)
    store.parent.chmod(0o777)
    assert files_finding([store]).verdict == "warn"


def test_partitions_that_differ(desk: Desk) -> None:
    made(desk, partitions=4)
    code, found = desk.found()
    one = found["SQLITE_PARTITIONS"]
    assert (code, one["verdict"], one["next_step"]) == (1, "broken", "Set stores.partitions = 4.")


def test_formats(desk: Desk) -> None:
    store = made(desk)
    for number, oldest, verdict in ((99, 99, "broken"), (99, 3, "ok"), (2, 2, "warn")):
        connection = apsw.Connection(str(store))
        connection.execute("UPDATE meta SET value = ? WHERE name = 'format'", (number,))
        connection.execute("UPDATE meta SET value = ? WHERE name = 'oldest'", (oldest,))
        connection.close()
        assert desk.found()[1]["SQLITE_FORMAT"]["verdict"] == verdict


def test_damage(desk: Desk) -> None:
    store = made(desk)
    content = bytearray(store.read_bytes())
    content[8192:16384] = b"\xff" * 8192
    store.write_bytes(content)
    code, found = desk.found()
    assert (code, found["SQLITE_SOUND"]["verdict"]) == (1, "broken")
    store.write_bytes(b"no database" * 1000)
    code, found = desk.found()
    assert (code, found["SQLITE_SOUND"]["verdict"]) == (1, "broken")


def test_an_engine_that_runs_is_seen(desk: Desk) -> None:
    path = made(desk)

    async def beside() -> None:
        store = await SqliteStore.open(path)
        try:
            found = (await asyncio.to_thread(desk.found))[1]
            assert found["SQLITE_OWNER"]["verdict"] == "ok"
            assert str(os.getpid()) in found["SQLITE_OWNER"]["said"]
        finally:
            await store.close()

    asyncio.run(beside())


def test_secrets_that_are_not_set(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    (desk.root / "systems").mkdir(exist_ok=True)
    system = 'owner = "team-orders"\nbase_url = "http://127.0.0.1:9000"\nsecret = "env:DOCTOR_SECRET"\n'
    (desk.root / "systems/payments.toml").write_text(system + '[operations.charge]\npath = "/charges"\n')
    monkeypatch.delenv("DOCTOR_SECRET", raising=False)
    code, found = desk.found()
    assert (code, found["SECRETS_SET"]["verdict"]) == (1, "broken")
    assert "DOCTOR_SECRET (system payments)" in found["SECRETS_SET"]["said"]
    monkeypatch.setenv("DOCTOR_SECRET", "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQ=")
    assert desk.found()[1]["SECRETS_SET"]["verdict"] == "ok"


def test_an_estate_that_does_not_load(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    (desk.root / "interlock.toml").write_text("[stores\n")
    code, found = desk.found()
    assert (code, list(found), found["ESTATE_LOADS"]["verdict"]) == (2, ["ESTATE_LOADS"], "unknown")


def test_the_figures_of_a_machine() -> None:
    gib = 1 << 30
    assert [room_finding(free, gib).verdict for free in (gib // 2, 2 * gib, 9 * gib)] == ["broken", "warn", "ok"]
    assert [open_files_finding(limit, 4160).verdict for limit in (1024, 65_536, -1)] == ["warn", "ok", "ok"]
    assert [address_finding(host).verdict for host in ("127.0.0.1", "localhost", "0.0.0.0")] == ["ok", "ok", "warn"]
    now = 1_800_000_000_000_000
    assert clock_finding((now, 0), (now + 50_000, 50_000)).verdict == "ok"
    assert clock_finding((now, 0), (now - 3_550_000, 50_000)).verdict == "warn"
    assert clock_finding((0, 0), (50_000, 50_000)).verdict == "warn"


async def test_parked_events_are_counted(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "shop.db")
    epoch = await store.acquire(start(), {FLOW: [TYPE]})
    await append(store, [event(1)])
    kept = held(1, HandlingState.PARKED)
    await submit(store, commit(epoch, Step(handling=handling(1, HandlingState.PARKED), hold=kept)))
    found = {one.check: one for one in examine(tmp_path / "shop.db", 8, kept.held_us + 3_600_000_000)}
    assert found["RECORD_PARKED"].verdict == "warn"
    assert "1 events of 1 keys are parked, the oldest for 3,600 seconds" in found["RECORD_PARKED"].said
    await store.close()
