"""A deployment of many processes: a PostgreSQL server, one edge, workers on hosts of their own."""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from interlock.adapters.postgres import PostgresReader, PostgresStore
from interlock.testing.postgres_server import PostgresServer, new_database

from ..kill.engine import COMMAND, POLL_SECONDS, START_SECONDS, EngineFailed
from .network import HUB, Host

LISTENING = re.compile(rb"listening on (http://127\.0\.0\.1:\d+)")
LEASE_SECONDS = 2.0
BACK_SECONDS = (0.2, 1.0)  # what looks after a process starts it again after a while
ACCESS = "host all all 10.77.0.0/16 trust\n"


class Served:
    """A process that is started again when it ends, as systemd would."""

    def __init__(self, name: str, cluster: Cluster, host: Host | None, role: str) -> None:
        self.name, self.host, self.role = name, host, role
        self._cluster = cluster
        self._process: asyncio.subprocess.Process | None = None
        self._keeping: asyncio.Task[None] | None = None
        self.ends: list[int] = []  # exit codes
        self.up = asyncio.Event()
        self.address = ""

    def start(self) -> None:
        self._keeping = asyncio.create_task(self._keep())

    async def _keep(self) -> None:
        while True:
            await self._start()
            self.ends.append(await self._process_of().wait())
            self.up.clear()
            await asyncio.sleep(self._cluster.random.uniform(*BACK_SECONDS))

    async def _start(self) -> None:
        command = [*COMMAND, "up", str(self._cluster.estate), "--role", self.role]
        if self.host is not None:
            await self.host.start(command, self._cluster.environment)
            self.up.set()
            return
        self._process = await asyncio.create_subprocess_exec(
            *command,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, **self._cluster.environment},
        )
        self._copying = asyncio.create_task(self._copy(self._process))

    async def _copy(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        with (self._cluster.folder / f"{self.name}.log").open("ab") as log:
            async for line in process.stdout:
                log.write(line)
                log.flush()
                if found := LISTENING.search(line):
                    self.address = found[1].decode()
                    self.up.set()

    def _process_of(self) -> asyncio.subprocess.Process:
        found = self._process if self.host is None else self.host.process
        assert found is not None
        return found

    @property
    def alive(self) -> bool:
        process = self._process if self.host is None else self.host.process
        return process is not None and process.returncode is None

    def signal(self, which: signal.Signals) -> None:
        """To one that has ended: nothing."""
        if self.alive:
            os.kill(self._process_of().pid, which)

    async def stop(self) -> int:
        """SIGTERM, and not again; the exit code. EngineFailed when it does not go."""
        if self._keeping is not None:
            self._keeping.cancel()
        if not self.alive:
            return 0
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        try:
            return await asyncio.wait_for(self._process_of().wait(), START_SECONDS)
        except TimeoutError:
            self.signal(signal.SIGKILL)
            raise EngineFailed(f"{self.name} did not stop within {START_SECONDS} s") from None


class Cluster:
    """What the clients of a campaign need of an engine, and what a nemesis needs besides."""

    def __init__(self, folder: Path, estate: Path, workers: int, seed: str) -> None:
        self.folder, self.estate = folder, estate
        self.random = random.Random(f"{seed} cluster")
        self.server = PostgresServer(listen_addresses=f"127.0.0.1,{HUB}")
        with (self.server.data / "pg_hba.conf").open("a") as access:
            access.write(ACCESS)
        self.environment: dict[str, str] = {}
        self._edge = Served("edge", self, None, "edge")
        self.workers = [
            Served(f"worker{nth}", self, Host(nth, folder / f"worker{nth}.log"), "worker")
            for nth in range(1, workers + 1)
        ]
        self.lost = asyncio.Event()

    @property
    def edge(self) -> Served:
        return self._edge

    @property
    def up(self) -> asyncio.Event:
        return self._edge.up

    @property
    def address(self) -> str:
        return self._edge.address

    @property
    def inside(self) -> str:
        """The connection string for those in the hub."""
        return self.environment["INTERLOCK_POSTGRES"]

    async def spawn(self) -> None:
        await asyncio.to_thread(self.server.start)
        database = new_database(self.server).rpartition("dbname=")[2]
        self.environment["INTERLOCK_POSTGRES"] = (
            f"host={HUB} port=5432 user=postgres dbname={database} connect_timeout=2"
        )
        for served in (self._edge, *self.workers):
            served.start()

    async def ready(self) -> None:
        try:
            await asyncio.wait_for(self.up.wait(), START_SECONDS)
        except TimeoutError:
            raise EngineFailed(f"no edge: {(self.folder / 'edge.log').read_text()[-2000:]}") from None

    async def watch(self) -> None:
        await self.lost.wait()

    async def stop(self) -> int:
        """The highest exit code of those that were asked to end."""
        return max([await served.stop() for served in (*self.workers, self._edge)])

    async def kill(self) -> None:
        """Whatever still runs."""
        for served in (*self.workers, self._edge):
            served.signal(signal.SIGKILL)
            await served.stop()

    async def settled(self, seconds: float) -> dict[str, Any]:
        """The last `interlock status --json`: of the moment when all had settled, or when the time was over."""
        deadline = asyncio.get_running_loop().time() + seconds
        while True:
            status = await self._status()
            if status["settled"] or asyncio.get_running_loop().time() > deadline:
                return status
            await asyncio.sleep(POLL_SECONDS)

    async def _status(self) -> Mapping[str, Any] | Any:
        process = await asyncio.create_subprocess_exec(
            *COMMAND,
            "status",
            str(self.estate),
            "--json",
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, **self.environment},
        )
        out, _ = await process.communicate()
        if process.returncode not in (0, 1):
            raise EngineFailed(f"interlock status ended with {process.returncode}")
        return json.loads(out)


class ClusterBacking:
    """The store of a cluster, for those in the hub, while its server runs."""

    def __init__(self, cluster: Cluster) -> None:
        self._dsn = cluster.inside

    async def open(self) -> PostgresStore:
        return await PostgresStore.open(self._dsn)

    async def reader(self) -> PostgresReader:
        return await PostgresReader.open(self._dsn)

    def drop(self) -> None:
        """It goes with its server."""
