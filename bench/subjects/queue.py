"""Others that handle the same orders: a worker program on the system's core, its producer on the other."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench import machine
from bench.rivals import progress
from bench.subjects.database import Database
from bench.subjects.rivals_venv import PYTHON

STOP_SECONDS = 15.0


class WorkerProgram:
    """A module that knows the verbs `install URL`, `load URL COUNT` and `work URL PROGRESS`."""

    def __init__(
        self, name: str, module: str, place: Path, *, python: str = str(PYTHON), options: Sequence[str] = ()
    ) -> None:
        self.name = name
        self.place = place
        self.url = str(place / "data.db")
        self._command = [python, "-m", module]
        self._options = list(options)
        self._progress = place / "progress"
        self._worker: subprocess.Popen[str] | None = None
        self.loaded = 0

    def open(self) -> None:
        """Empty, with its tables."""
        shutil.rmtree(self.place, ignore_errors=True)
        self.place.mkdir(parents=True)
        self.loaded = 0
        self._call("install")

    def load(self, count: int) -> dict[str, float]:
        result: dict[str, float] = json.loads(self._call("load", str(count)).splitlines()[-1])
        self.loaded += count
        return result

    def start(self, env: Mapping[str, str] | None = None) -> None:
        """Return when the worker is about to take jobs."""
        command = [*self._command, "work", self.url, str(self._progress), *self._options]
        self._worker = machine.spawn(command, log=self.place / "log", env=env)
        assert self._worker.stdout is not None
        for line in self._worker.stdout:
            if line == "ready\n":
                return
        raise RuntimeError(f"The worker of {self.name} ended: {(self.place / 'log').read_text()[-2000:]}")

    def done(self) -> int:
        """Handlings committed so far."""
        return progress.read(self._progress)[1]

    def first_ns(self) -> int:
        return progress.read(self._progress)[0]

    @property
    def pids(self) -> list[int]:
        return [] if self._worker is None else [self._worker.pid]

    def servers_seconds(self) -> float:
        """CPU time of the servers behind it."""
        return 0.0

    def stop(self) -> None:
        if self._worker is None:
            return
        self._worker.send_signal(signal.SIGTERM)
        try:
            self._worker.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._worker.kill()
            self._worker.wait()
        assert self._worker.stdout is not None
        self._worker.stdout.close()
        self._worker = None

    def remove(self) -> None:
        shutil.rmtree(self.place, ignore_errors=True)

    def _call(self, verb: str, *rest: str) -> str:
        return machine.call([*self._command, verb, self.url, *rest])


class PostgresQueue(WorkerProgram):
    """A rival that keeps its queue in PostgreSQL; `jobs` is the table, and condition, of what is not done yet."""

    def __init__(self, name: str, module: str, jobs: str, place: Path, database: Database) -> None:
        super().__init__(name, f"bench.rivals.{module}", place)
        self.database = database
        self._left = f"SELECT count(*) FROM {jobs}"

    def open(self) -> None:
        self.url = self.database.fresh()
        super().open()

    def done(self) -> int:
        """The last one counts when the queue knows that all are done."""
        handled = super().done()
        return handled if handled < self.loaded or not self._one(self._left) else handled - 1

    def servers_seconds(self) -> float:
        return self.database.cpu_seconds()

    def verify(self) -> None:
        """Each job has its row. Raises RuntimeError."""
        found = self._one("SELECT count(*) FROM handled")
        if found != self.loaded:
            raise RuntimeError(f"{self.name} has {found} rows of {self.loaded}.")

    def _one(self, statement: str) -> int:
        with self.database.reader() as connection:
            found = connection.execute(statement.encode()).fetchone()
        return int(found[0]) if found else 0


class EmptyPath(WorkerProgram):
    """The same round trips without an engine, in batches of the given size."""

    def __init__(self, place: Path, python: str, batch: int, database: Database | None = None) -> None:
        super().__init__("empty path", "bench.empty_path", place, python=python, options=[str(batch)])
        self._database = database

    def open(self) -> None:
        if self._database is not None:
            self.url = self._database.fresh()
        super().open()

    def servers_seconds(self) -> float:
        return 0.0 if self._database is None else self._database.cpu_seconds()
