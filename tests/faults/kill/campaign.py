"""One campaign: clients at work, the engine killed again and again, then the verdicts."""

from __future__ import annotations

import asyncio
import random
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from stores import Backing, PostgresBacking, SqliteBacking

from interlock.testing.checker import Verdict
from interlock.testing.history import History, Op

from .clients import ACCOUNTS, Caller, Client, Writer
from .effects import EffectServer
from .engine import COMMAND, Engine
from .evidence import read_evidence
from .verdicts import verdicts

ESTATE = Path(__file__).parent / "estate"
STORE = Path(".interlock") / "kills.db"
KILL, NEMESIS = "kill", "nemesis"
UP_SECONDS = (0.05, 0.6)
STARTING_SECONDS = (0.1, 1.0)
KILLED_WHILE_STARTING = 0.15
REPEATS = 100
SECONDS_FOR_ALL, SECONDS_FOR_EACH = 60.0, 5.0  # what hangs must end
LEASE_SECONDS = 2.0  # who was killed is waited for so long


@dataclass(frozen=True, slots=True)
class Profile:
    """Who is at work. `outside_every`: every how manieth entry asks for an outside call; 0 for none."""

    name: str
    writers: int
    pause_seconds: float
    outside_every: int
    callers: int


INGEST = Profile("ingest", writers=48, pause_seconds=0.005, outside_every=0, callers=0)
PROCESSING = Profile("processing", writers=16, pause_seconds=0.01, outside_every=3, callers=6)


@dataclass(frozen=True, slots=True)
class Outcome:
    verdicts: Sequence[Verdict]
    history: Path
    seed: str
    kills: int
    seconds: float
    exit_code: int
    cut_off: int  # requests that got no answer, most of them because of a kill
    repeated: int  # outside calls that arrived more than once, most of them because of a kill

    @property
    def invalid(self) -> list[Verdict]:
        return [verdict for verdict in self.verdicts if not verdict.valid]

    def __str__(self) -> str:
        head = (
            f"{self.kills} kills in {self.seconds:.1f} s, {self.cut_off} requests cut off, "
            f"{self.repeated} outside calls repeated, seed {self.seed}, history {self.history}"
        )
        return "\n".join([head, *(f"   {'ok ' if one.valid else 'BAD'} {one}" for one in self.verdicts)])


class Campaign:
    lease_seconds = LEASE_SECONDS

    def __init__(
        self,
        folder: Path,
        profile: Profile,
        seed: str,
        command: Sequence[str] = COMMAND,
        backing: PostgresBacking | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        """On the embedded store, unless `backing` says which schema. `host` is where the outside is."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.profile, self.seed = folder, profile, seed
        self._random = random.Random(seed)
        self._effects = EffectServer(folder / "effects.db", seed, host)
        self._backing = backing
        environment = {} if backing is None else backing.environment
        self._engine = Engine(folder / "estate", folder / "engine.log", command, environment)
        self._kills = 0

    async def run(self, kills: int, settle_seconds: float = 30.0) -> Outcome:
        """Ends every process that it started, whatever happens."""
        begun = time.monotonic()
        print(f"\n{self.profile.name}: seed {self.seed}, {kills} kills, in {self.folder}")  # also when it breaks
        path = self.folder / "history.jsonl"
        await self._effects.start()
        self._place_estate()
        with path.open("w") as file:
            self._history = History(file)
            try:
                async with asyncio.timeout(self.most_seconds(kills) + settle_seconds):
                    status = await self._work(kills, settle_seconds)
                    code = await self._engine.stop()
            finally:
                await self._engine.kill()
                await self._effects.stop()
        arrivals = self._effects.arrivals()
        self._effects.close()
        evidence = await read_evidence(self.store, ACCOUNTS)
        judged = await verdicts(self._history, evidence, arrivals, status, self.store, self._random)
        judged += self.more_verdicts()
        cut_off = sum(op.phase == "info" and op.process != NEMESIS for op in self._history)
        repeated = len(arrivals) - len({arrival.idempotency_key for arrival in arrivals})
        seconds = time.monotonic() - begun
        return Outcome(judged, path, self.seed, self._kills, seconds, code, cut_off, repeated)

    @property
    def store(self) -> Backing:
        return self._backing or SqliteBacking(self.folder / "estate" / STORE.parent, STORE.name)

    def most_seconds(self, troubles: int) -> float:
        """Until all have happened: far more than it takes."""
        return SECONDS_FOR_ALL + troubles * SECONDS_FOR_EACH

    def more_verdicts(self) -> list[Verdict]:
        """What is asked besides of those that were in trouble."""
        return []

    def _place_estate(self) -> None:
        target = self.folder / "estate"
        shutil.copytree(ESTATE, target, ignore=shutil.ignore_patterns("__pycache__", ".interlock"))
        with (target / "interlock.toml").open("a") as settings:
            settings.write(self.settings())
        system = target / "systems" / "registry.toml"
        system.write_text(system.read_text().replace("http://127.0.0.1:1", self._effects.address))

    def settings(self) -> str:
        """What the estate's settings say besides."""
        if self._backing is None:
            return ""
        return f"{self._backing.settings}[workers]\nlease_seconds = {self.lease_seconds}\n"

    async def _work(self, kills: int, settle_seconds: float) -> dict[str, Any]:
        await self._engine.spawn()
        await self._engine.ready()
        watching = asyncio.create_task(self._engine.watch())
        working = asyncio.create_task(self._clients_at_work(kills))
        await asyncio.wait({watching, working}, return_when=asyncio.FIRST_COMPLETED)
        for task in (working, watching):  # the watch only ends with a failure
            if task.done():
                task.result()
            task.cancel()
        status = await self._engine.settled(settle_seconds)
        while self._backing is not None and not await self._backing.at_rest():
            await asyncio.sleep(0.1)  # the time of the whole campaign bounds it
            status = await self._engine.settled(settle_seconds)
        return status

    async def _clients_at_work(self, kills: int) -> None:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            clients = self._clients(session)
            async with asyncio.TaskGroup() as group:
                for client in clients:
                    group.create_task(client.run())
                await self.trouble(kills)
                for client in clients:
                    client.stopped = True
            for client in clients:
                if isinstance(client, Caller):
                    await client.repeat(REPEATS)

    async def trouble(self, times: int) -> None:
        """What happens to the engine while the clients are at work."""
        for _ in range(times):
            await self._kill_once()

    async def _kill_once(self) -> None:
        """At a random moment of its life; now and then the next one dies while it starts."""
        await self._kill("running", self._random.uniform(*UP_SECONDS))
        await self._engine.spawn()
        if self._random.random() < KILLED_WHILE_STARTING:
            await self._kill("starting", self._random.uniform(*STARTING_SECONDS))
            await self._engine.spawn()
        await self._engine.ready()

    async def _kill(self, when: str, seconds: float) -> None:
        self._kills += 1
        await self._engine.kill_after(seconds)
        self._history.add(Op(time.monotonic_ns() // 1000, NEMESIS, "info", KILL, str(self._kills), data=when))

    def _clients(self, session: aiohttp.ClientSession) -> list[Client]:
        made: list[Client] = []
        for number in range(self.profile.writers):
            writer = Writer(f"w{number}", self._engine, session, self._history, self.seed)
            writer.batch = 5 if number % 4 == 0 else 1
            writer.outside_every, writer.pause_seconds = self.profile.outside_every, self.profile.pause_seconds
            made.append(writer)
        for number in range(self.profile.callers):
            caller = Caller(f"c{number}", self._engine, session, self._history, self.seed)
            caller.pause_seconds = self.profile.pause_seconds
            made.append(caller)
        return made
