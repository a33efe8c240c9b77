"""Our system under test: a copy of bench/estate, served by `interlock up` in a process of its own."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench import machine

ESTATE = Path(__file__).parent.parent / "estate"
ROW_FLOW = Path(__file__).parent.parent / "row_flow"
FLOW = "notes"
DONE = 2
START_SECONDS = 60.0
MOUNT = "\n[stores]\npath = {path}\n"


class Interlock:
    """One store and the process on it. `flows=False` leaves ingest alone: nothing handles what arrives.

    `rows_only`: the handler emits no event; its row is all that it does. `more`: lines of settings.
    """

    name = "Interlock"

    def __init__(
        self,
        place: Path,
        *,
        flows: bool = True,
        rows_only: bool = False,
        more: str = "",
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.place = place
        self.store = place / "store" / "bench.db"
        self.port = 0
        self.started_seconds = 0.0
        self.acknowledged = place / "acks"
        self._env = dict(env or {})
        self._flows = flows
        self._rows_only = rows_only
        self._more = more
        self._process: subprocess.Popen[str] | None = None
        self._reader: sqlite3.Connection | None = None
        self._copy()

    def _copy(self) -> None:
        shutil.rmtree(self.place, ignore_errors=True)
        shutil.copytree(ESTATE, self.place / "estate", ignore=shutil.ignore_patterns("__pycache__", ".interlock"))
        if not self._flows:
            shutil.rmtree(self.place / "estate" / "flows")
        elif self._rows_only:
            shutil.copytree(ROW_FLOW, self.place / "estate" / "flows", dirs_exist_ok=True)
        with (self.place / "estate" / "interlock.toml").open("a") as settings:
            settings.write(self.mount() + self._more)
        self.store.parent.mkdir(parents=True)

    def mount(self) -> str:
        """The settings that name the store."""
        return MOUNT.format(path=json.dumps(str(self.store)))

    checks: Sequence[str] = ()
    """Flags of bench.verify."""
    flags: Sequence[str] = ()
    """Of `interlock up`."""
    core = machine.SYSTEM_CORE

    @property
    def where(self) -> str:
        """The store, as bench.preload and bench.verify take it."""
        return str(self.store)

    @property
    def filled(self) -> str:
        """The store as bench.preload takes it."""
        return self.where

    def preload(self, count: int, *, handled: bool = False, random_ids: bool = False) -> None:
        """Fill the store before the start, in a process of its own."""
        command = [sys.executable, "-m", "bench.preload", self.filled, str(count)]
        flags = ["--handled"] if handled else ["--acks", str(self.acknowledged)]
        flags += ["--random-ids"] * random_ids
        machine.call([*command, *flags], env=self._env)

    def start(self, stamps: Path | None = None) -> None:
        """Return when it listens. With `stamps`, each handling's moment of commit is written there at the end."""
        command = [sys.executable, "-m", "interlock.cli.main", "up", str(self.place / "estate"), *self.flags]
        if stamps is not None:
            command = [sys.executable, "-m", "bench.observed", str(self.place / "estate"), str(stamps)]
        begun = time.monotonic()
        self._process = machine.spawn(command, core=self.core, env=self._env, log=self.place / "log")
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("listening on "):
                self.port = int(line.split()[2].rpartition(":")[2])
                break
        else:
            raise RuntimeError(f"interlock up ended: {(self.place / 'log').read_text()[-2000:]}")
        self.started_seconds = time.monotonic() - begun
        self.connect()

    def connect(self) -> None:
        """Open what `done` asks."""
        self._reader = sqlite3.connect(f"file:{self.store}?mode=ro", uri=True, isolation_level=None)

    def disconnect(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def load(self, count: int, **options: Any) -> dict[str, float]:
        """Run the load generator on its own core until everything is acknowledged."""
        command = [sys.executable, "-m", "bench.load", str(self.port), "--count", str(count)]
        for name, value in options.items():
            flag = f"--{name.replace('_', '-')}"
            command.extend([flag] * value if isinstance(value, bool) else [flag, str(value)])
        result: dict[str, float] = json.loads(machine.call([*command, "--acks", str(self.acknowledged)]))
        return result

    def done(self) -> int:
        """Handlings committed so far."""
        assert self._reader is not None
        found = self._reader.execute(
            "SELECT t.total FROM tally AS t JOIN name AS n ON n.id = t.flow WHERE n.text = ? AND t.state = ?",
            (FLOW, DONE),
        ).fetchone()
        return int(found[0]) if found else 0

    def first_ns(self) -> int:
        """When the first handler began."""
        assert self._reader is not None
        return int(self._reader.execute("SELECT min(at_us) FROM handling").fetchone()[0]) * 1000

    @property
    def pids(self) -> list[int]:
        assert self._process is not None
        return [self._process.pid]

    def servers_seconds(self) -> float:
        """CPU time of the servers behind it: none."""
        return 0.0

    def commit_size(self) -> float:
        """Appended events and steps that shared one commit, on average since the start."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics") as answer:
            lines = answer.read().decode().splitlines()
        total, count = (
            next(float(line.split()[1]) for line in lines if line.startswith(f"interlock_commit_items_{part}"))
            for part in ("sum", "count")
        )
        return total / count

    def kill(self) -> None:
        """SIGKILL: what was acknowledged must survive it."""
        self._end("kill")

    def stop(self) -> None:
        self._end("terminate")

    def _end(self, how: str) -> None:
        self.disconnect()
        if self._process is not None:
            getattr(self._process, how)()
            self._process.wait(60)
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process = None

    def head(self) -> int:
        """The last position of the log."""
        assert self._reader is not None
        return int(self._reader.execute("SELECT max(position) FROM log").fetchone()[0] or 0)

    def verify(self, *, handled: bool, after: int = 0) -> dict[str, int]:
        """A fresh process compares store and acknowledgements. Raises CalledProcessError when the store lacks any."""
        command = [sys.executable, "-m", "bench.verify", self.where, str(self.acknowledged), "--after", str(after)]
        flags = [*["--handled"] * handled, *["--silent"] * self._rows_only, *self.checks]
        found: dict[str, int] = json.loads(machine.call([*command, *flags], env=self._env))
        return found

    def bytes_on_disk(self) -> int:
        return sum(path.stat().st_size for path in self.store.parent.iterdir() if path.is_file())

    def remove(self) -> None:
        shutil.rmtree(self.place, ignore_errors=True)
