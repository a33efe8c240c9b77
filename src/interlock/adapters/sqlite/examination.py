"""Looks at a SQLite store and the disk below it, for `interlock doctor`: which promises they keep.

Reads the store as any reader does, also beside a running engine. Writes one small file beside it and takes it away
again: only so it is seen that commits work there, in which mode, and how long they take.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import apsw

from interlock.adapters.mounts import IN_MEMORY, LAYERED, LOCAL, NETWORK, UNSYNCED, Mount, mount_of
from interlock.adapters.sqlite import sql
from interlock.adapters.sqlite.file import CHECKPOINT_PAGES, connect, connect_reader, fetch, scalar
from interlock.model.diagnosis import CLEAR_ERROR, DURABLE, FINAL, ORDER, Check, Finding, parked_finding
from interlock.model.handling import HandlingState
from interlock.model.migration import Standing

INTEGRITY_SECONDS = 10.0
PROBE_COMMITS = 20
FULL = 2  # the value of PRAGMA synchronous
LARGE_WAL_BYTES = CHECKPOINT_PAGES * 4096 * 16

OPENS = Check(
    "SQLITE_OPENS", "whether the store's file can be read", CLEAR_ERROR,
    "Run this as the user that runs the engine, in the estate's folder.",
)  # fmt: skip
DISK = Check(
    "SQLITE_FILE_SYSTEM", "the file system that the store lies on, and its mount options", DURABLE,
    "Point stores.path at a local disk that outlives the machine's restart.",
)  # fmt: skip
COMMITS = Check(
    "SQLITE_COMMITS", "journal mode and synchronous as they are in effect, and the time of a commit", DURABLE,
    "See that this user may write beside the store, and that the disk takes it.",
)  # fmt: skip
WAL = Check(
    "SQLITE_WAL", "the journal mode of the store, and the size of its write-ahead log", DURABLE,
    "Start the estate once: the engine puts the file into WAL mode. A WAL that stays large has a reader that stays.",
)  # fmt: skip
FORMAT = Check(
    "SQLITE_FORMAT", "the store's format against that of this release", CLEAR_ERROR,
    "Install a release that knows the format; an older format is brought up to date by the next start.",
)  # fmt: skip
PARTITIONS = Check(
    "SQLITE_PARTITIONS", "the partitions of the store against stores.partitions", ORDER,
    "Set stores.partitions to what the store was made with: it is fixed.",
)  # fmt: skip
SOUND = Check(
    "SQLITE_SOUND", f"SQLite's quick_check of the file, {INTEGRITY_SECONDS:.0f} seconds at the most", CLEAR_ERROR,
    "Keep the files as they are, restore the backup elsewhere, compare: docs/operations/run.md.",
)  # fmt: skip
OWNER = Check(
    "SQLITE_OWNER", "whether an engine owns the file", FINAL,
    "Start it with: interlock up",
)  # fmt: skip
CHECKS = (OPENS, DISK, COMMITS, WAL, FORMAT, PARTITIONS, SOUND, OWNER)


PARKED_ROWS = "SELECT count(DISTINCT key_hash), count(*), min(held_us) FROM held WHERE state = ?"


def examine(path: Path, partitions: int, now_us: int) -> list[Finding]:
    """All that can be found without starting an engine. Never raises for what is wrong with the store."""
    return [disk_finding(path, mount_of(_existing(path))), *_commits(path), *_store(path, partitions, now_us)]


def disk_finding(path: Path, mount: Mount | None) -> Finding:
    if mount is None:
        return DISK.unknown(f"This system does not tell what {path.parent} lies on.")
    where = f"{path.parent} lies on {mount.kind} ({mount.place})"
    if mount.kind in IN_MEMORY:
        return DISK.broken(f"{where}, which is memory: all that was accepted is gone when the machine restarts.")
    if mount.kind in NETWORK:
        return DISK.broken(
            f"{where}, a network file system: SQLite's write-ahead log needs memory shared by all who open the file, "
            "and locks and flushes over the network are not what they say."
        )
    if mount.options & UNSYNCED:
        return DISK.broken(f"{where}, mounted without barriers: what was flushed may still be in the disk's own cache.")
    if mount.kind in LAYERED:
        return DISK.warn(
            f"{where}, the layer of a container: what was accepted outlives a crash, and goes when the container does.",
            "Mount a volume, and point stores.path into it.",
        )
    if mount.kind not in LOCAL:
        return DISK.unknown(f"{where}, a file system of which nothing is known here.", "See that it keeps fsync.")
    return DISK.ok(f"{where}, a local disk. Whether the disk keeps what it says it has flushed, only its maker knows.")


def _existing(path: Path) -> Path:
    return next(one for one in (path, *path.absolute().parents) if one.exists())


def _commits(path: Path) -> Iterator[Finding]:
    """A file like the store's, made in the same way in the same folder."""
    folder = _existing(path.parent)
    probe = folder / f".interlock-doctor-{os.getpid()}.db"
    try:
        connection = connect(str(probe), None, "FULL")
        try:
            yield _commit_finding(connection)
        finally:
            connection.close()
    except (apsw.Error, OSError) as error:
        yield COMMITS.broken(f"Nothing can be committed in {folder}: {error}. The engine could not run there.")
    finally:
        for suffix in ("", "-wal", "-shm"):
            with suppress(OSError):
                Path(f"{probe}{suffix}").unlink()


def _commit_finding(connection: apsw.Connection) -> Finding:
    mode, level = connection.pragma("journal_mode"), connection.pragma("synchronous")
    connection.execute("CREATE TABLE probe(number INTEGER)")
    begun = time.perf_counter()
    for number in range(PROBE_COMMITS):
        connection.execute("INSERT INTO probe VALUES (?)", (number,))
    milliseconds = (time.perf_counter() - begun) * 1000 / PROBE_COMMITS
    if (mode, level) != ("wal", FULL):
        return COMMITS.broken(
            f"journal_mode={mode}, synchronous={level} are in effect: a commit is not on disk when its 2xx leaves."
        )
    return COMMITS.ok(
        f"journal_mode=wal and synchronous=FULL are in effect: each commit is flushed before its 2xx. "
        f"One takes {milliseconds:.2f} ms here, and many callers share one."
    )


def _store(path: Path, partitions: int, now_us: int) -> Iterator[Finding]:
    if not path.exists():
        yield OPENS.ok(f"There is no {path} yet; the first start makes it.")
        return
    try:
        connection = connect_reader(str(path))
    except apsw.Error as error:
        yield OPENS.unknown(f"{path} cannot be opened: {error}.")
        return
    try:
        meta = dict(fetch(connection, "SELECT name, value FROM meta"))
        size = path.stat().st_size
        yield OPENS.ok(f"{path} can be read; it has {size / 1_048_576:,.1f} MiB, and grows with every event.")
        yield _wal(path, connection)
        yield _format(meta)
        yield _partitions(meta.get("partitions"), partitions)
        yield _sound(connection)
        yield _owner(path)
        yield parked_finding(_parked(connection), now_us)
    except (apsw.CorruptError, apsw.NotADBError) as error:
        yield SOUND.broken(f"{path} is damaged, or no database: {error}.")
    except apsw.Error as error:
        yield OPENS.unknown(f"{path} cannot be read: {error}.")
    finally:
        connection.close()


def _wal(path: Path, connection: apsw.Connection) -> Finding:
    mode = scalar(connection, "PRAGMA journal_mode")
    wal = Path(f"{path}-wal")
    size = wal.stat().st_size if wal.exists() else 0
    told = f"The write-ahead log has {size / 1_048_576:,.1f} MiB"
    if mode != "wal":
        return WAL.warn(f"The file is in journal mode {mode}.")
    if size > LARGE_WAL_BYTES:
        return WAL.warn(f"{told}: it was not emptied for a long time, so a start after a crash takes longer.")
    return WAL.ok(f"{told}. It is part of the store: never copy or delete one without the other.")


def _format(meta: Mapping[str, Any]) -> Finding:
    found = meta.get("format")
    if not isinstance(found, int) or Standing.of(meta).oldest > sql.FORMAT:
        return FORMAT.broken(f"The store has format {found}; this release reads up to {sql.FORMAT} and will not start.")
    if found > sql.FORMAT:
        return FORMAT.ok(f"The store has format {found}, newer than {sql.FORMAT}, and this release may work on it.")
    if found < sql.FORMAT:
        return FORMAT.warn(
            f"The store has format {found}; the next start makes it {sql.FORMAT}, and older releases then refuse it.",
            "Take a backup first: there is no way back but that one.",
        )
    return FORMAT.ok(f"The store has format {found}, that of this release.")


def _partitions(found: object, wanted: int) -> Finding:
    if found != wanted:
        return PARTITIONS.broken(
            f"The store has {found} partitions, the settings say {wanted}: the start is refused, because keys would "
            "go to other partitions than before.",
            f"Set stores.partitions = {found}.",
        )
    return PARTITIONS.ok(f"{found} partitions, as the settings say.")


def _sound(connection: apsw.Connection) -> Finding:
    deadline = time.monotonic() + INTEGRITY_SECONDS
    connection.set_progress_handler(lambda: time.monotonic() > deadline, 10_000)
    try:
        said = [str(row[0]) for row in fetch(connection, "PRAGMA quick_check(3)")]
    except apsw.InterruptError:
        return SOUND.unknown(
            f"quick_check was not through after {INTEGRITY_SECONDS:.0f} seconds, and had found nothing.",
            "Run it on a backup: sqlite3 BACKUP 'PRAGMA quick_check'",
        )
    finally:
        connection.set_progress_handler(None)
    if said != ["ok"]:
        return SOUND.broken(f"The file is damaged: {'; '.join(said)[:300]}.")
    return SOUND.ok("quick_check finds no damage.")


def _owner(path: Path) -> Finding:
    holder = _holder(Path(f"{path}.lock"))
    if holder is None:
        return OWNER.warn("No engine runs on this file: nothing is accepted, and nothing is worked off.")
    return OWNER.ok(f"Process {holder} owns the file; a second engine would be refused.")


def _parked(connection: apsw.Connection) -> tuple[int, int, int | None]:
    keys, events, oldest_us = fetch(connection, PARKED_ROWS, (int(HandlingState.PARKED),))[0]
    return keys, events, oldest_us


def _holder(lock: Path) -> str | None:
    """Told by the system's table of locks: taking the lock to see would refuse an engine that starts just now."""
    try:
        inode = str(lock.stat().st_ino)
        held = (line.split() for line in Path("/proc/locks").read_text().splitlines() if " FLOCK " in line)
        if any(inode in field.split(":") for line in held for field in line[5:6]):
            return lock.read_text().strip()
    except OSError:
        return None
    return None
