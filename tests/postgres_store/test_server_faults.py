"""Commits while the server is restarted, killed, or loses its sessions: nothing lost, nothing doubled, in order."""

from __future__ import annotations

import asyncio
import io
import random
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import psycopg
import pytest

from interlock.adapters.postgres import PostgresStore
from interlock.model.event import Event, Stored
from interlock.model.problems import Problem, UnavailableProblem
from interlock.model.step import Step, StepResult
from interlock.testing.checker import in_order, once, sent
from interlock.testing.history import History, Op, Phase
from interlock.testing.postgres_server import PostgresServer, running_server
from interlock.testing.samples import FLOW, TYPE, append, commit, event, handling, start, submit
from interlock.testing.steps import refill

pytestmark = pytest.mark.faults
PARTITIONS = 4
WRITERS = 6
APPEND, STEP = "append", "step"


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with running_server() as made:
        yield made


@pytest.fixture
async def store(server: PostgresServer) -> AsyncIterator[PostgresStore]:
    opened = await PostgresStore.open(server.dsn(), schema=f"f{time.monotonic_ns()}", partitions=PARTITIONS)
    yield opened
    await opened.close()


class Load:
    """Writers of events, one line each, and one owner of steps; each operation once, and again while in the dark."""

    def __init__(self, store: PostgresStore) -> None:
        self._store = store
        self.history = History(io.StringIO())
        self.heard: defaultdict[int, list[Stored]] = defaultdict(list)
        self.stopped = False
        self.refused = 0
        store.listen(lambda fresh: [self.heard[stored.event.partition].append(stored) for stored in fresh])

    def note(self, phase: Phase, act: str, name: str, line: str = "") -> None:
        self.history.add(Op(time.monotonic_ns() // 1000, "test", phase, act, name, line))

    async def write(self, name: int) -> None:
        number = name * 1_000_000
        while not self.stopped:
            number += 1
            await self._until_known(APPEND, event(number, name % PARTITIONS), f"p{name % PARTITIONS}-{name}")

    async def _until_known(self, act: str, one: Event, line: str) -> None:
        self.note("invoke", act, one.id, line)
        while True:
            try:
                await append(self._store, [one])
                self.note("ok", act, one.id, line)
                return
            except UnavailableProblem:
                self.refused += 1
                await asyncio.sleep(0.01)

    async def step(self, epoch: int) -> None:
        position = 0
        while not self.stopped:
            position += 1
            emitting = StepResult(adds=refill("s", 1).adds, emits=(event(9_000_000 + position, 0),))
            one = Step(handling=handling(position), result=emitting)
            self.note("invoke", STEP, one.result.emits[0].id, "steps")
            while True:
                try:
                    assert await submit(self._store, commit(epoch, one)) == [None]
                    self.note("ok", STEP, one.result.emits[0].id, "steps")
                    break
                except UnavailableProblem:
                    self.refused += 1
                    await asyncio.sleep(0.01)


async def under_load(store: PostgresStore, fault: Callable[[], Awaitable[None]], times: int) -> Load:
    load = Load(store)
    epoch = await store.acquire(start(), {FLOW: [TYPE]})
    tasks = [asyncio.create_task(load.write(name)) for name in range(WRITERS)]
    tasks.append(asyncio.create_task(load.step(epoch)))
    chance = random.Random(7)
    for _ in range(times):
        await asyncio.sleep(chance.uniform(0.05, 0.4))
        await fault()
    await asyncio.sleep(0.3)
    load.stopped = True
    await asyncio.wait_for(asyncio.gather(*tasks), 60)
    return load


async def judge(store: PostgresStore, load: Load) -> None:
    """In the log, and as it was heard."""
    found: list[Stored] = []
    for partition in range(PARTITIONS):
        part = await store.read(partition, 0, 1_000_000)
        assert [stored.position for stored in part.events] == list(range(1, len(part.events) + 1))
        assert load.heard[partition] == list(part.events)
        found += part.events
    appended = [row for row in found if row.event.id < "e9"]
    steps = [row.event.id for row in found if row.event.id >= "e9"]
    lines: defaultdict[str, list[str]] = defaultdict(list)
    for row in appended:
        name = int(row.event.id[1:]) // 1_000_000
        lines[f"p{row.event.partition}-{name}"].append(row.event.id)
    verdicts = [
        in_order("accepted events", load.history, APPEND, sent(load.history, APPEND), lines),
        in_order("emitted events", load.history, STEP, sent(load.history, STEP), {"steps": steps}),
        once("effects of steps", sent(load.history, STEP), steps),
    ]
    assert all(verdict.valid for verdict in verdicts), "\n".join(map(str, verdicts))
    assert await store.counter("stock", "s") == len(steps)
    assert len(await store.marks_after(FLOW, 0, 0)) == len(steps)
    assert len(appended) > 100


async def test_sessions_that_are_ended(server: PostgresServer, store: PostgresStore) -> None:
    async def end_all() -> None:
        with psycopg.connect(server.dsn(), autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'interlock'"
            )

    await judge(store, await under_load(store, end_all, 8))


async def test_an_orderly_restart(server: PostgresServer, store: PostgresStore) -> None:
    async def restart() -> None:
        await asyncio.to_thread(server.restart)

    await judge(store, await under_load(store, restart, 4))


async def test_a_server_that_is_killed(server: PostgresServer, store: PostgresStore) -> None:
    async def kill() -> None:
        await asyncio.to_thread(server.kill)
        await asyncio.sleep(0.1)
        await asyncio.to_thread(server.start)

    load = await under_load(store, kill, 6)
    assert load.refused  # those who came while it was away were told so
    await judge(store, load)


async def test_a_server_that_hangs(
    server: PostgresServer, store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half dead: its connections stand, and nothing answers. Callers are told, and it goes on where it was."""
    monkeypatch.setattr("interlock.adapters.postgres.session.STATEMENT_SECONDS", 0.5)
    monkeypatch.setattr("interlock.adapters.postgres.session.GRACE_SECONDS", 0.2)
    monkeypatch.setattr("interlock.adapters.postgres.connection.CONNECT_SECONDS", 2)

    async def hang() -> None:
        server.pause()
        await asyncio.sleep(3)
        server.resume()

    load = await under_load(store, hang, 1)
    await judge(store, load)


async def test_closing_while_the_server_is_away(
    server: PostgresServer, store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("interlock.adapters.postgres.committer.CLOSE_SECONDS", 0.5)
    await append(store, [event(1)])
    server.kill()
    try:
        doubtful = asyncio.create_task(append(store, [event(2)]))
        await asyncio.sleep(0)
        await asyncio.wait_for(store.close(), 10)
        with pytest.raises(Problem):
            await doubtful
    finally:
        server.start()
