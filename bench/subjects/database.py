"""The PostgreSQL server that ours and the rivals' share: on the disk, durable, a database of its own for each run."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

from bench import machine
from bench.far import Wire
from interlock.testing.postgres_server import PostgresServer

# One set for all who run on it. Durability is what a new server has: fsync, synchronous_commit, full_page_writes on.
SETTINGS = {
    "shared_buffers": "256MB",
    "max_wal_size": "8GB",
    "max_connections": "150",
    "work_mem": "16MB",
}
PLACE = "/var/tmp"  # kept on disk by its definition, where /tmp may be in memory


class Database(PostgresServer):
    """A server, and at most one database at a time on it. `core` None: where the system likes."""

    def __init__(self, *, core: str | None = machine.SYSTEM_CORE, shim: Path | None = None, added_ms: int = 0) -> None:
        """`shim`: adds so many milliseconds to every sync of the server, and counts them."""
        super().__init__(**SETTINGS)
        self._core = core
        self._name = ""
        self._numbers = 0
        self._shim = shim
        self._added_ms = added_ms
        self._wire: Wire | None = None

    def place(self) -> str | None:
        return PLACE if Path(PLACE).is_dir() else None

    def start(self) -> None:
        if self._shim is not None:
            own = self.folder / "slow_sync.so"  # the server's user cannot read ours
            shutil.copy(self._shim, own)
            own.chmod(0o755)
            delay = str(self._added_ms * 1000)
            count = str(self.folder / "syncs")
            self.environment = {"LD_PRELOAD": str(own), "SLOW_SYNC_US": delay, "SLOW_SYNC_COUNT": count}
        super().start()
        self.bind(self._core)

    def bind(self, core: str | None) -> None:
        """Its processes of now and all later ones run on this core."""
        wanted = {int(core)} if core is not None and len(machine.cores()) > 1 else machine.cores()
        for pid in self.pids:
            os.sched_setaffinity(pid, wanted)

    def fresh(self) -> str:
        """The connection string of an empty database, as subjects take it; the one before is gone."""
        self.drop()
        self._numbers += 1
        self._name = f"bench{self._numbers}"
        self._run(f'CREATE DATABASE "{self._name}"')
        self._run("CHECKPOINT")
        return (
            self.url
            if self._wire is None
            else f"postgresql://postgres@127.0.0.1:{self._wire.port}/{self._name}?sslmode=disable"
        )

    @contextmanager
    def further(self, added_ms: int) -> Iterator[None]:
        """Meanwhile it is so many milliseconds further away, there and back, for who takes the string of `fresh`."""
        with Wire(added_ms, str(self.folder / ".s.PGSQL.5432"), self.folder / "wire.log") as self._wire:
            yield
        self._wire = None

    @property
    def url(self) -> str:
        """As a URI, which every driver takes; from near by."""
        return f"postgresql://postgres@/{self._name}?host={quote(str(self.folder), safe='')}&port=5432"

    def drop(self) -> None:
        if self._name:
            self._run(f'DROP DATABASE IF EXISTS "{self._name}" WITH (FORCE)')
            self._name = ""

    def reader(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.url, autocommit=True)

    def cpu_seconds(self) -> float:
        """Of all its processes so far, also of those that have ended."""
        spent = 0.0
        for child in self.pids[1:]:
            with suppress(FileNotFoundError):  # it has ended meanwhile: its parent counts it
                spent += machine.cpu_seconds([child])
        return spent + machine.cpu_seconds([self.pid], ended=True)

    def _run(self, statement: str) -> None:
        with psycopg.connect(self.dsn(), autocommit=True) as connection:
            connection.execute(statement.encode())
