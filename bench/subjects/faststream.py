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
from bench.subjects.rivals_venv import NATS_SERVER, PYTHON

CONFIG = 'listen: "127.0.0.1:{port}"\njetstream {{ store_dir: "{folder}"{sync} }}\n'


class FastStream:
    """`size` 1 handles one message at a time; more, lists of up to that many, one transaction each.

    By default JetStream acknowledges a publish before fsync (`sync_interval` two minutes); with `sync_always` after it.
    """

    def __init__(self, place: Path, *, size: int = 1, sync_always: bool = False) -> None:
        self.name = "FastStream one by one" if size == 1 else f"FastStream lists of {size}"
        if sync_always:
            self.name += ", sync_interval always"
        self.place = place
        self.database = place / "handled.db"
        self.acknowledged = place / "acks"
        self._size = size
        self._sync_always = sync_always
        self._server: subprocess.Popen[str] | None = None
        self._worker: subprocess.Popen[str] | None = None
        self._reader: sqlite3.Connection | None = None

    def open(self) -> None:
        """A fresh server with an empty stream."""
        shutil.rmtree(self.place, ignore_errors=True)
        self.place.mkdir(parents=True)
        port = machine.free_port()
        self._url = f"nats://127.0.0.1:{port}"
        sync = ", sync_interval: always" if self._sync_always else ""
        config = self.place / "nats.conf"
        config.write_text(CONFIG.format(port=port, folder=self.place / "jetstream", sync=sync))
        self._server = machine.spawn([str(NATS_SERVER), "-c", str(config)], log=self.place / "log")
        machine.wait_for_port(port)
        machine.call([str(PYTHON), "-m", "bench.rivals.nats_stream", self._url])

    def start(self, stamps: Path | None = None, env: dict[str, str] | None = None) -> None:
        """Start the worker; return when it has subscribed."""
        mode = "one" if self._size == 1 else "list"
        command = [str(PYTHON), "-m", "bench.rivals.faststream_worker", self._url, str(self.database), mode]
        command += [str(self._size), *([str(stamps)] if stamps else [])]
        self._worker = machine.spawn(command, log=self.place / "log", env=env)
        assert self._worker.stdout is not None
        if self._worker.stdout.readline() != "ready\n":
            raise RuntimeError(f"The FastStream worker ended: {(self.place / 'log').read_text()[-2000:]}")
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
        for process in (self._worker, self._server):
            if process is None:
                continue
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            assert process.stdout is not None
            process.stdout.close()
            time.sleep(0.05)
        self._worker = self._server = None

    def remove(self) -> None:
        shutil.rmtree(self.place, ignore_errors=True)
