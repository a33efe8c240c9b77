"""The one file: opened once, locked, configured, migrated."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import apsw

from interlock.adapters.sqlite import sql
from interlock.model.archive import refuse_moved
from interlock.model.migration import Standing
from interlock.model.problems import (
    AlreadyRunning,
    FormatUnsupported,
    Problem,
    SettingInvalid,
    StorageCorrupt,
    StorageFull,
    StorageUnavailable,
)

HASH_NAME = "blake2b-64-keyed,mod"
BUSY_MILLISECONDS = 2000
CHECKPOINT_PAGES = 4000
CACHE_KIBIBYTES = 65536


class FileLock:
    """An advisory lock beside the database: a second engine on one file is refused, readers are not."""

    def __init__(self, path: Path) -> None:
        self._handle = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._handle, 32, 0).decode(errors="replace").strip() or "unknown"
            os.close(self._handle)
            raise AlreadyRunning(f"{path} is in use by process {holder}.") from None
        except OSError:
            os.close(self._handle)
            raise
        os.ftruncate(self._handle, 0)
        os.pwrite(self._handle, str(os.getpid()).encode(), 0)

    def release(self) -> None:
        os.close(self._handle)


class translated:
    """Driver errors become problems of our tree. A class, since it stands on the hot path."""

    __slots__ = ()

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if error is not None and isinstance(error, apsw.Error):
            raise translate(error) from error


def translate(error: Exception) -> Problem:
    """The problem that a driver error means. Whether the store is to blame at all, `is_infrastructure` says."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, apsw.FullError):
        return StorageFull("The disk is full.")
    if isinstance(error, apsw.CorruptError | apsw.NotADBError):
        return StorageCorrupt(f"The database is damaged: {error}.")
    return StorageUnavailable(f"SQLite: {type(error).__name__}: {error}.")


def is_infrastructure(error: Exception) -> bool:
    """Whether the store, and not the step, is to blame."""
    kinds = (
        apsw.FullError,
        apsw.IOError,
        apsw.BusyError,
        apsw.LockedError,
        apsw.CorruptError,
        apsw.NotADBError,
        apsw.CantOpenError,
        apsw.ReadOnlyError,
        apsw.NoMemError,
        apsw.ProtocolError,
    )
    return isinstance(error, kinds)


@contextmanager
def placing(path: str) -> Iterator[None]:
    """Around the making of a store's files: what the system refuses is the setting's fault, not the store's."""
    try:
        yield
    except OSError as error:
        raise cannot_place(path, str(error.strerror)) from error
    except (apsw.CantOpenError, apsw.ReadOnlyError, apsw.PermissionsError) as error:
        raise cannot_place(path, str(error)) from error


def cannot_place(path: str, reason: str) -> SettingInvalid:
    return SettingInvalid(
        f"The store {path} cannot be opened: {reason}.",
        next_step="Point stores.path at a file in a folder that this user may write.",
    )


def connect(path: str, vfs: str | None, synchronous: str) -> apsw.Connection:
    """The writing connection. WAL with synchronous=FULL: each commit is on disk before it returns."""
    if vfs is None:  # it holds payloads: for its owner only; SQLite gives -wal and -shm the same mode
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    connection = apsw.Connection(path, vfs=vfs) if vfs else apsw.Connection(path)
    connection.set_busy_timeout(BUSY_MILLISECONDS)
    connection.pragma("journal_mode", "wal")
    connection.pragma("synchronous", synchronous)
    connection.pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
    connection.pragma("journal_size_limit", CHECKPOINT_PAGES * 4096 * 4)
    connection.pragma("cache_size", -CACHE_KIBIBYTES)
    connection.pragma("temp_store", "memory")
    return connection


def connect_reader(path: str, vfs: str | None = None) -> apsw.Connection:
    """A read-only connection; sees only what was committed."""
    flags = apsw.SQLITE_OPEN_READONLY
    connection = apsw.Connection(path, flags=flags, vfs=vfs) if vfs else apsw.Connection(path, flags=flags)
    connection.set_busy_timeout(BUSY_MILLISECONDS)
    return connection


def fetch(connection: apsw.Connection, statement: str, bindings: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """All rows of a query."""
    return connection.execute(statement, bindings).fetchall()


def scalar(connection: apsw.Connection, statement: str, bindings: tuple[Any, ...] = ()) -> Any:
    """The one value of a query, or None."""
    found: tuple[Any, ...] | None = connection.execute(statement, bindings).fetchone()
    return found[0] if found else None


def prepare(connection: apsw.Connection, partitions: int, *, leaving: bool = False) -> dict[str, Any]:
    """Create or migrate the schema, in one transaction; the file's metadata. SettingInvalid for a store that was moved,
    and for one whose move broke off, except to who is `leaving`."""
    with connection:
        if not scalar(connection, "SELECT 1 FROM sqlite_schema WHERE name = 'meta'"):
            create(connection, partitions)
        meta: dict[str, Any] = dict(fetch(connection, "SELECT name, value FROM meta"))
        refuse_moved(meta, leaving=leaving)
        migrate(connection, Standing.of(meta))
        meta = dict(fetch(connection, "SELECT name, value FROM meta"))
    if meta["hash"] != HASH_NAME:
        raise FormatUnsupported(f"The log was written with hash {meta['hash']}, this release knows {HASH_NAME}.")
    return meta


def create(connection: apsw.Connection, partitions: int) -> None:
    """A file of format 1: the migrations make it ours."""
    connection.execute(sql.CREATE)
    rows = {
        "format": 1,
        "partitions": partitions,
        "hash": HASH_NAME,
        "secret": secrets.token_bytes(32),
        "epoch": 0,
    }
    connection.executemany("INSERT INTO meta(name, value) VALUES (?, ?)", rows.items())


def migrate(connection: apsw.Connection, standing: Standing) -> None:
    """Run the forward migrations from the format found to ours. A newer one stays as it is, if it admits us."""
    standing.admit(sql.FORMAT)
    for step in range(standing.format, sql.FORMAT):
        migration = sql.MIGRATIONS[step]
        standing = standing.after(migration)
        connection.execute(migration.script)
        rows = {"format": standing.format, "oldest": standing.oldest}
        connection.executemany("INSERT OR REPLACE INTO meta(name, value) VALUES (?, ?)", rows.items())


def refuse_format(path: str | Path, standing: Standing) -> None:
    """FormatUnsupported for a store that this release may not work on, or has not worked on yet."""
    standing.admit(sql.FORMAT)
    if standing.format < sql.FORMAT:
        raise FormatUnsupported(
            f"{path} has format {standing.format}, this release reads {sql.FORMAT}.",
            next_step="Start the estate once with this release: it brings older stores up to date.",
        )
