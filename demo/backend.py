"""What the demo's engine runs on: the embedded default, or servers that the demo starts itself and ends again."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

BACKENDS = ("sqlite", "postgres", "postgres+jetstream")
WORKERS = 2


class Backend:
    """`settings` and `environ` are complete after `start`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.settings = ""
        self.environ: dict[str, str] = {}

    @property
    def embedded(self) -> bool:
        return self.name == "sqlite"

    @property
    def told(self) -> str:
        """For people."""
        return "one process and SQLite" if self.embedded else f"{WORKERS} workers and {self.name}"

    @property
    def words(self) -> tuple[str, ...]:
        """What `interlock up` is told besides."""
        return () if self.embedded else ("--workers", str(WORKERS))

    async def start(self, running: AsyncExitStack) -> None:
        """Start the servers; `running` ends them."""
        if self.embedded:
            return
        from interlock.testing.postgres_server import PostgresServer, new_database

        server = PostgresServer()
        running.callback(server.stop)
        await asyncio.to_thread(server.start)
        self.environ["INTERLOCK_POSTGRES"] = new_database(server)
        self.settings = '\n[stores]\nkind = "postgres"\n'
        if self.name == "postgres+jetstream":
            await self._start_jetstream(running)

    async def _start_jetstream(self, running: AsyncExitStack) -> None:
        from interlock.testing.nats_server import NatsServer

        server = NatsServer()
        running.callback(server.stop)
        await asyncio.to_thread(server.start)
        self.environ["INTERLOCK_NATS"] = server.url
        self.settings += 'log = "jetstream"\n'


def workers_of(supervisor: int) -> Sequence[int]:
    """The process ids of the workers that a supervisor runs, in the order of their start."""
    listed = Path(f"/proc/{supervisor}/task/{supervisor}/children")
    found = [int(pid) for pid in listed.read_text().split()]
    return [pid for pid in found if b"worker" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")]


def kill_worker(supervisor: int, chance: Any) -> int:
    """SIGKILL to one of them: no handler, no flush, no goodbye. Its process id."""
    pid: int = chance.choice(workers_of(supervisor))
    os.kill(pid, signal.SIGKILL)
    return pid
