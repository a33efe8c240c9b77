"""Celery with Redis: server and worker on the system's core, producer on the other."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from bench import machine, order
from bench.subjects.rivals_venv import PYTHON, redis_server
from interlock.testing.server_process import free_port

START_SECONDS = 30.0


class Celery:
    """One worker process that runs its tasks itself (`--pool solo`, the fastest on one core)."""

    name = "Celery with Redis"

    def __init__(self, place: Path) -> None:
        self.place = place
        self.database = place / "handled.db"
        self._server: subprocess.Popen[str] | None = None
        self._worker: subprocess.Popen[str] | None = None
        self._reader: sqlite3.Connection | None = None

    def open(self) -> None:
        """A fresh Redis with Debian's defaults, except that it keeps no snapshots here."""
        shutil.rmtree(self.place, ignore_errors=True)
        self.place.mkdir(parents=True)
        port = free_port()
        server = redis_server()
        assert server is not None
        command = [server, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self.place)]
        self._server = machine.spawn(command, log=self.place / "log")
        machine.wait_for_port(port)
        self._env = {"BENCH_REDIS": f"redis://127.0.0.1:{port}/0", "BENCH_DATABASE": str(self.database)}

    def start(self, *, env: Mapping[str, str] | None = None) -> None:
        command = [
            str(PYTHON),
            "-m",
            "celery",
            "--app",
            "bench.rivals.celery_app",
            "--quiet",
            "worker",
            "--pool",
            "solo",
        ]
        command += ["--loglevel", "ERROR", "--without-gossip", "--without-mingle", "--without-heartbeat"]
        self._worker = machine.spawn(command, env={**self._env, **(env or {})}, log=self.place / "log")
        self._wait_until_ready()

    def _wait_until_ready(self) -> None:
        """The worker makes the database when it starts."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if (self.place / "ready").exists():
                self._reader = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, isolation_level=None)
                return
            time.sleep(0.02)
        raise TimeoutError(f"The Celery worker does not start: {(self.place / 'log').read_text()[-2000:]}")

    def load(self, count: int) -> dict[str, float]:
        command = [str(PYTHON), "-m", "bench.rivals.celery_load", order.new_run(), str(count)]
        result: dict[str, float] = json.loads(machine.call(command, env=self._env))
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
        self._worker = self._server = None

    def remove(self) -> None:
        shutil.rmtree(self.place, ignore_errors=True)
