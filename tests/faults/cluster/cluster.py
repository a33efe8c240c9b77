"""A deployment of many processes: PostgreSQL, one edge, workers on hosts of their own, perhaps a NATS cluster."""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg
from stores import JetStreamBacking, PostgresBacking

from interlock.testing.nats_server import NatsCluster
from interlock.testing.postgres_server import new_database

from ..kill.engine import COMMAND, EngineFailed, settled
from .network import HUB, Host
from .server import ClusterServer

LISTENING = re.compile(rb"listening on (http://127\.0\.0\.1:\d+)")
READY, FENCED = b'"event": "engine.ready"', b'"event": "engine.fenced"'
DRAINING = b'"event": "engine.draining"'
START_SECONDS = 120.0  # many processes at once, on a machine that others use too
GONE_SECONDS = 60.0
BACK_SECONDS = (0.2, 1.0)  # what looks after a process starts it again after a while
SCHEMA = "interlock"


class Served:
    """A process that is started again when it ends, as systemd would.

    up      set while it takes part; of the edge: while it listens at `address`
    ends    its exit codes
    fenced  how many of its lives ended because others had taken over
    """

    def __init__(self, name: str, cluster: Cluster, host: Host | None, role: str) -> None:
        self.name, self.host, self.role = name, host, role
        self._cluster = cluster
        self._process: asyncio.subprocess.Process | None = None
        self._keeping: asyncio.Task[None] | None = None
        self.ends: list[int] = []
        self.fenced = 0
        self.up = asyncio.Event()
        self.address = ""

    def start(self) -> None:
        self._keeping = asyncio.create_task(self._keep())

    async def _keep(self) -> None:
        while True:
            process = await self._start()
            await self._copy(process)
            self.ends.append(await process.wait())
            await asyncio.sleep(self._cluster.random.uniform(*BACK_SECONDS))

    async def _start(self) -> asyncio.subprocess.Process:
        command = [*self._cluster.command, "up", str(self._cluster.estate), "--role", self.role]
        if self.host is not None:
            self._process = await self.host.start(command, self._cluster.environment)
        else:
            self._process = await asyncio.create_subprocess_exec(
                *command,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                env={**os.environ, **self._cluster.environment},
            )
        return self._process

    async def _copy(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        with (self._cluster.folder / f"{self.name}.log").open("ab") as log:
            async for line in process.stdout:
                log.write(line)
                log.flush()
                self._hear(line)
        self.up.clear()

    def _hear(self, line: bytes) -> None:
        if found := LISTENING.search(line):
            self.address = found[1].decode()
            self.up.set()
        elif READY in line and self.role == "worker":
            self.up.set()
        elif FENCED in line:
            self.fenced += 1
        elif DRAINING in line:
            self.up.clear()

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def signal(self, which: signal.Signals) -> None:
        """To one that has ended: nothing."""
        if which in (signal.SIGKILL, signal.SIGTERM):
            self.up.clear()
        if self.alive:
            os.kill(self.pid, which)

    async def stop(self) -> int:
        """SIGTERM, and not again; the exit code. EngineFailed when it does not go."""
        if self._keeping is not None:
            self._keeping.cancel()
        if not self.alive:
            return 0
        assert self._process is not None
        copying = asyncio.create_task(self._copy(self._process))  # what it says at last, and so that it can say it
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        try:
            return await asyncio.wait_for(self._process.wait(), START_SECONDS)
        except TimeoutError:
            self.signal(signal.SIGKILL)
            raise EngineFailed(f"{self.name} did not stop within {START_SECONDS} s") from None
        finally:
            await copying


class Cluster:
    """What the clients of a campaign need of an engine, and what a nemesis needs besides.

    away   who was cut off or stopped, and whose membership others ended meanwhile: what became of it, `fenced` or else
    """

    def __init__(
        self,
        folder: Path,
        estate: Path,
        workers: int,
        seed: str,
        *,
        jetstream: bool = False,
        command: Sequence[str] = COMMAND,
    ) -> None:
        self.folder, self.estate, self.command = folder, estate, command
        self.random = random.Random(f"{seed} cluster")
        self.server = ClusterServer()
        self.nats = NatsCluster(host=HUB) if jetstream else None
        self.environment: dict[str, str] = {}
        self.edge = Served("edge", self, None, "edge")
        self.workers = [Served(f"worker{nth}", self, Host(nth), "worker") for nth in range(1, workers + 1)]
        self.backing: PostgresBacking = ClusterBacking(self) if self.nats is None else ClusterApart(self)
        self.away: dict[str, str] = {}
        self._lost = asyncio.Event()

    @property
    def up(self) -> asyncio.Event:
        return self.edge.up

    @property
    def address(self) -> str:
        return self.edge.address

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
        if self.nats is not None:
            await asyncio.to_thread(self.nats.start)
            self.environment["INTERLOCK_NATS"] = self.nats.url
        for served in (self.edge, *self.workers):
            served.start()

    async def ready(self) -> None:
        """All of them."""
        waiting = [served.up.wait() for served in (self.edge, *self.workers)]
        try:
            await asyncio.wait_for(asyncio.gather(*waiting), START_SECONDS)
        except TimeoutError:
            raise EngineFailed(f"no edge: {(self.folder / 'edge.log').read_text()[-2000:]}") from None

    async def watch(self) -> None:
        await self._lost.wait()  # nobody is lost for good here

    async def gone(self, worker: Served) -> bool:
        """Whether the members that are left have ended this one's membership, once they have, or far too late.

        They leave it alone for as long as a transaction of it holds its row: one that was stopped in the middle of one
        is a member for up to half a minute.
        """
        deadline = asyncio.get_running_loop().time() + GONE_SECONDS
        while asyncio.get_running_loop().time() < deadline:
            if not await self.member(worker):
                return True
            await asyncio.sleep(0.05)
        return False

    async def member(self, worker: Served) -> bool:
        return bool(await self.rows(f"SELECT 1 FROM {SCHEMA}.member WHERE name LIKE '%/{worker.pid}'"))

    async def rows(self, question: str) -> list[tuple[Any, ...]]:
        """From the database, past the adapter."""
        connection = await psycopg.AsyncConnection.connect(self.inside, autocommit=True)
        try:
            return await (await connection.execute(question.encode())).fetchall()
        finally:
            await connection.close()

    async def stop(self) -> int:
        """The highest exit code of those that were asked to end."""
        return max([await served.stop() for served in (*self.workers, self.edge)])

    async def kill(self) -> None:
        """Whatever still runs."""
        for served in (*self.workers, self.edge):
            served.signal(signal.SIGKILL)
            await served.stop()

    def end_servers(self) -> None:
        self.server.stop()
        if self.nats is not None:
            self.nats.stop()

    async def settled(self, seconds: float) -> dict[str, Any]:
        return await settled(self._status, seconds)

    async def _status(self) -> dict[str, Any]:
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
        found: dict[str, Any] = json.loads(out)
        return found


class ClusterBacking(PostgresBacking):
    """The store of a cluster, for those in the hub, while its server runs."""

    schema = SCHEMA

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    @property
    def dsn(self) -> str:
        return self._cluster.inside

    def drop(self) -> None:
        """It goes with its server."""


class ClusterApart(ClusterBacking, JetStreamBacking):
    """Its log is on three NATS servers. They recognise resends for a shorter time than a process takes to start."""

    replicas = 3
    dedupe_seconds = 0.5

    @property
    def servers(self) -> str:
        return self._cluster.environment["INTERLOCK_NATS"]
