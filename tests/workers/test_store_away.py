"""A store or a log that is slow or away, under a flood: what waits is bounded, the rest is told when to come again,
memory stays as it was, and what was accepted is worked off in order."""

from __future__ import annotations

import asyncio
import json
import secrets
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import aiohttp
import psycopg
import pytest
from process_memory import resident

from interlock.testing.kafka_server import TansuKafka
from interlock.testing.nats_server import running_nats
from interlock.testing.postgres_server import PostgresServer, new_database, running_server

from .processes import KIND, Deployment, order, until

CLIENTS = 150
IN_FLIGHT = 64
GROWTH_BYTES = 64 << 20
LONGEST_SECONDS = 45.0  # a statement's 30, the grace for it, and a busy machine


class Flood:
    """Clients that send one order after the other, each again until it is accepted, as soon as they may."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}/events"
        self.placed = {f"C-{number}": 0 for number in range(CLIENTS)}
        self.told: Counter[int] = Counter()
        self.bare: list[int] = []  # refusals without a Retry-After
        self.longest = 0.0
        self._ended = False

    async def __aenter__(self) -> Flood:
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        self._tasks = [asyncio.create_task(self._client(customer)) for customer in self.placed]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._ended = True
        await asyncio.gather(*self._tasks)
        await self._session.close()

    async def _client(self, customer: str) -> None:
        while not self._ended:
            begun = time.monotonic()
            async with self._session.post(
                self._url, data=order(customer, self.placed[customer]), headers=KIND
            ) as answer:
                await answer.read()
            self.longest = max(self.longest, time.monotonic() - begun)
            self.told[answer.status] += 1
            if answer.status < 300:
                self.placed[customer] += 1
            elif "retry-after" not in answer.headers:
                self.bare.append(answer.status)
            await asyncio.sleep(0.3)


async def highest(pid: int, seconds: float, enough: Callable[[], bool] = lambda: True) -> int:
    """The most that it had within the time, which goes on until there is enough: a busy machine has few clients."""
    found, begun = 0, time.monotonic()
    while (passed := time.monotonic() - begun) < seconds or (not enough() and passed < seconds + LONGEST_SECONDS):
        found = max(found, resident(pid))
        await asyncio.sleep(0.1)
    return found


class Server(Protocol):
    """What it kept on disk is there again after a start."""

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def kill(self) -> None: ...

    def start(self) -> None: ...


async def paused(server: Server, watch: Callable[[], Awaitable[int]]) -> int:
    server.pause()
    try:
        return await watch()
    finally:
        server.resume()


async def killed(server: Server, watch: Callable[[], Awaitable[int]]) -> int:
    server.kill()
    try:
        return await watch()
    finally:
        server.start()


Outage = Callable[[Server, Callable[[], Awaitable[int]]], Awaitable[int]]


class Strangers(threading.Thread):
    """Take each connection that the server gives, again and again, until they are told to leave."""

    def __init__(self, dsn: str) -> None:
        super().__init__(daemon=True)
        self._dsn = dsn
        self._held: list[psycopg.Connection[Any]] = []
        self._ended = threading.Event()
        self.refused = threading.Event()

    def run(self) -> None:
        while not self._ended.is_set():
            try:
                self._held.append(psycopg.connect(self._dsn, autocommit=True, application_name="stranger"))
            except psycopg.OperationalError:
                self.refused.set()
                time.sleep(0.002)

    def end_sessions_of_ours(self) -> None:
        self._held[0].execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'interlock'"
        )

    def leave(self) -> None:
        self._ended.set()
        self.join()
        for connection in self._held:
            connection.close()


async def crowded_out(server: Server, watch: Callable[[], Awaitable[int]]) -> int:
    """Strangers have all connections, also those that we had."""
    assert isinstance(server, PostgresServer)
    strangers = Strangers(server.dsn())
    strangers.start()
    try:
        await asyncio.to_thread(strangers.refused.wait, 30)
        strangers.end_sessions_of_ours()
        return await watch()
    finally:
        await asyncio.to_thread(strangers.leave)


async def flooded(deployment: Deployment, server: Server, outages: list[tuple[Outage, float, int]]) -> None:
    """`outages`: what happens to the server, for how long, and with which status clients are refused meanwhile."""
    settings = deployment.folder / "interlock.toml"
    settings.write_text(settings.read_text() + f"[limits]\nconcurrent_requests = {IN_FLIGHT}\n")
    pid = deployment.start().pid
    await asyncio.to_thread(until, lambda: deployment.get("/health/ready") == 200, what="readiness")
    async with Flood(deployment.port) as flood:
        warm = await highest(pid, 2.0)
        for outage, seconds, refused in outages:
            goal = flood.told[refused] + CLIENTS

            def enough(goal: int = goal, refused: int = refused) -> bool:
                return flood.told[refused] > goal

            most = await outage(server, lambda seconds=seconds, enough=enough: highest(pid, seconds, enough))
            assert most < warm + GROWTH_BYTES, f"{(most - warm) / (1 << 20):.0f} MiB more than before"
            assert enough(), f"{flood.told} when {outage.__name__}"
            goal = flood.told[202] + CLIENTS
            await asyncio.to_thread(until, lambda goal=goal: flood.told[202] > goal, what="that it goes on")
    assert set(flood.told) == {202, 429, 503}
    assert flood.bare == []
    assert flood.longest < LONGEST_SECONDS
    count = sum(flood.placed.values())
    await asyncio.to_thread(until, lambda: sum(map(len, deployment.story().values())) >= count, what=f"{count} effects")
    assert deployment.story() == {key: list(range(number)) for key, number in flood.placed.items() if number}
    status = await asyncio.to_thread(deployment.run, "status", "--estate", str(deployment.folder), "--json")
    (flow,) = json.loads(status.stdout)["flows"]
    assert (flow["done"], flow["difference"]) == (count, 0)


async def flooded_store(deployment: Deployment, outages: list[tuple[Outage, float, int]]) -> None:
    with running_server() as server:
        deployment.environment["INTERLOCK_POSTGRES"] = new_database(server)
        await flooded(deployment, server, outages)


async def flooded_log(deployment: Deployment, outages: list[tuple[Outage, float, int]]) -> None:
    """A log that is away is not given up at once: those who are under way wait for it, all others are refused."""
    with running_nats() as server:
        deployment.environment["INTERLOCK_NATS"] = server.url
        await flooded(deployment, server, outages)


async def test_a_store_that_hangs_or_is_away_or_whose_connections_strangers_have(
    deploy: Callable[..., Deployment],
) -> None:
    await flooded_store(deploy(), [(paused, 3.0, 429), (killed, 3.0, 503), (crowded_out, 3.0, 503)])


async def test_a_log_that_hangs_and_one_that_is_away(deploy: Callable[..., Deployment]) -> None:
    await flooded_log(deploy(log="jetstream", pool=secrets.token_hex(4)), [(paused, 3.0, 429), (killed, 16.0, 503)])


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_a_store_that_hangs_for_a_minute_and_one_that_is_away_as_long(deploy: Callable[..., Deployment]) -> None:
    await flooded_store(deploy(), [(paused, 60.0, 429), (killed, 60.0, 503)])


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_a_log_that_hangs_for_a_minute_and_one_that_is_away_as_long(deploy: Callable[..., Deployment]) -> None:
    await flooded_log(deploy(log="jetstream", pool=secrets.token_hex(4)), [(paused, 60.0, 429), (killed, 60.0, 503)])


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_a_kafka_broker_that_hangs_and_one_that_is_gone(deploy: Callable[..., Deployment]) -> None:
    """Tansu keeps nothing on disk, so whoever kills it has no log to come back to."""
    deployment, server = deploy(log="kafka", pool=secrets.token_hex(4)), TansuKafka()
    server.start()
    try:
        deployment.environment["INTERLOCK_KAFKA"] = server.address
        await flooded(deployment, server, [(paused, 15.0, 429)])
        pid = deployment.running[0].pid
        before = resident(pid)
        server.kill()
        async with Flood(deployment.port) as flood:
            most = await highest(pid, 30.0)
    finally:
        server.stop()
    assert set(flood.told) == {429, 503}
    assert flood.told.total() > 10 * CLIENTS
    assert flood.bare == []
    assert flood.longest < LONGEST_SECONDS
    assert most < before + GROWTH_BYTES
