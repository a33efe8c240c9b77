"""FastStream with NATS JetStream: server and worker on the system's core, producer on the other."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

from bench import machine, order
from bench.rivals import progress
from bench.subjects.database import Database
from bench.subjects.nats import Nats
from bench.subjects.rivals_venv import PYTHON


class FastStream:
    """`size` 1 handles one message at a time; more, lists of up to that many, one transaction each.

    `server_core`: where NATS runs, if not beside the worker. `added_ms`: how much further away it is.
    """

    def __init__(
        self,
        place: Path,
        *,
        size: int = 1,
        sync_always: bool = False,
        server_core: str = machine.SYSTEM_CORE,
        added_ms: int = 0,
    ) -> None:
        self.name = "FastStream one by one" if size == 1 else f"FastStream lists of {size}"
        if sync_always:
            self.name += ", sync_interval always"
        self.place = place
        self.database = place / "handled.db"
        self.acknowledged = place / "acks"
        self._size = size
        self._sync_always = sync_always
        self._server_core = server_core
        self._added_ms = added_ms
        self._server: Nats | None = None
        self._worker: subprocess.Popen[str] | None = None
        self._reader: sqlite3.Connection | None = None

    def open(self) -> None:
        """A fresh server with an empty stream."""
        shutil.rmtree(self.place, ignore_errors=True)
        self.place.mkdir(parents=True)
        self._server = Nats(self.place, sync_always=self._sync_always, core=self._server_core, added_ms=self._added_ms)
        self._url = self._server.url
        machine.call([str(PYTHON), "-m", "bench.rivals.nats_stream", self._url])

    def start(self, stamps: Path | None = None, env: dict[str, str] | None = None) -> None:
        """Start the worker; return when it has subscribed."""
        mode = "one" if self._size == 1 else "list"
        command = [str(PYTHON), "-m", "bench.rivals.faststream_worker", self._url, self.where, mode]
        command += [str(self._size), *([str(stamps)] if stamps else [])]
        self._worker = machine.spawn(command, log=self.place / "log", env=env)
        assert self._worker.stdout is not None
        if self._worker.stdout.readline() != "ready\n":
            raise RuntimeError(f"The FastStream worker ended: {(self.place / 'log').read_text()[-2000:]}")
        self.connect()

    @property
    def lists(self) -> bool:
        return self._size > 1

    @property
    def where(self) -> str:
        """Where its rows go, as the worker takes it."""
        return str(self.database)

    def connect(self) -> None:
        self._reader = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, isolation_level=None)

    def load(self, count: int, rate: float = 0.0) -> dict[str, float]:
        command = [str(PYTHON), "-m", "bench.rivals.nats_load", self._url, order.new_run(), str(count)]
        paced = [str(rate), str(self.acknowledged)] if rate else []
        result: dict[str, float] = json.loads(machine.call([*command, *paced]))
        return result

    def done(self) -> int:
        assert self._reader is not None
        return int(self._reader.execute("SELECT count(*) FROM handled").fetchone()[0])

    def first_ns(self) -> int:
        assert self._reader is not None
        return int(self._reader.execute("SELECT min(at_ns) FROM handled").fetchone()[0])

    @property
    def pids(self) -> list[int]:
        return [process.pid for process in (self._server, self._worker) if process is not None]

    def servers_seconds(self) -> float:
        """They are among `pids`."""
        return 0.0

    def stop(self) -> None:
        """The worker first: it says goodbye to the server."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None
        if self._worker is not None:
            self._worker.send_signal(signal.SIGTERM)
            try:
                self._worker.wait(15)
            except subprocess.TimeoutExpired:
                self._worker.kill()
                self._worker.wait()
            assert self._worker.stdout is not None
            self._worker.stdout.close()
            time.sleep(0.05)
            self._worker = None
        if self._server is not None:
            self._server.stop()
            self._server = None

    def remove(self) -> None:
        shutil.rmtree(self.place, ignore_errors=True)


class DedupingFastStream(FastStream):
    """Its rows and the ids of its messages in PostgreSQL, in one transaction, acknowledged after it."""

    def __init__(
        self, place: Path, database: Database, *, size: int, sync_always: bool, server_core: str, added_ms: int = 0
    ) -> None:
        super().__init__(place, size=size, sync_always=sync_always, server_core=server_core, added_ms=added_ms)
        self._server_database = database
        self._url_of_rows = ""
        self._progress = place / "progress"

    @property
    def where(self) -> str:
        return self._url_of_rows

    def open(self) -> None:
        super().open()
        self._url_of_rows = self._server_database.fresh()

    def start(self, stamps: Path | None = None, env: dict[str, str] | None = None) -> None:
        super().start(self._progress, env)

    def connect(self) -> None:
        """What is done, the worker tells."""

    def done(self) -> int:
        return progress.read(self._progress)[1]

    def first_ns(self) -> int:
        return progress.read(self._progress)[0]

    @property
    def pids(self) -> list[int]:
        return [] if self._worker is None else [self._worker.pid]

    def servers_seconds(self) -> float:
        broker = 0.0 if self._server is None else machine.cpu_seconds([self._server.pid])
        return broker + self._server_database.cpu_seconds()

    def verify(self, count: int) -> None:
        """Each message has its row. Raises RuntimeError."""
        with self._server_database.reader() as connection:
            found = connection.execute("SELECT (SELECT count(*) FROM handled), (SELECT count(*) FROM seen)").fetchone()
        if found != (count, count):
            raise RuntimeError(f"{self.name} has {found} rows and ids of {count}.")
