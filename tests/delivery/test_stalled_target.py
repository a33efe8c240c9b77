"""A target that never answers, with twenty thousand calls waiting for it: rows of the store, and not memory."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from process_memory import resident

from delivery.scripted import SECRET, FakeOperation, FakeSystem, bench_on, row, system, until
from interlock.adapters.aiohttp_client import AiohttpClient
from interlock.adapters.sqlite import SqliteStore
from interlock.adapters.system import SystemClock, SystemIds
from interlock.delivery.deliverer import Deliverer
from interlock.delivery.limits import DeliveryLimits
from interlock.model.retry import RetrySchedule

CALLS, QUICK = 20_000, 60
BODY = b'"' + b"x" * 2_500 + b'"'  # 50 MB of them
GROWTH_BYTES = 24 << 20
OPERATIONS, CONCURRENCY, TIMEOUT_SECONDS = 5, 16, 5.0  # together they could have all 64 places
LIMITS = DeliveryLimits(rows=2_000, body_bytes=4 << 20, breaker_failures=5, breaker_seconds=0.5)


class Targets:
    """`/stalled/…` answers nothing until `open` is set, `/quick` at once. Counts who is there."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.served: Counter[str] = Counter()
        self.there: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        app = web.Application()
        app.router.add_post("/{path:.*}", self._handle)
        self.server = TestServer(app, host="127.0.0.1")

    async def _handle(self, request: web.Request) -> web.Response:
        path = request.path
        await request.read()
        self.there[path] += 1
        self.most[path] = max(self.most[path], self.there[path])
        self.most["all"] = max(self.most["all"], self.there.total())
        try:
            if path != "/quick":
                await self.open.wait()
                await asyncio.sleep(0.005)
            self.served[path] += 1
            return web.Response(body=b"{}")
        finally:
            self.there[path] -= 1


@pytest.fixture
async def targets() -> AsyncIterator[Targets]:
    made = Targets()
    await made.server.start_server()
    yield made
    made.open.set()
    await made.server.close()


async def test_twenty_thousand_calls_wait_as_rows(targets: Targets, tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "interlock.db", synchronous="OFF")
    bench, client = await bench_on(store), AiohttpClient()
    url = str(targets.server.make_url("")).rstrip("/")
    retry = RetrySchedule((0.2,) * 1000)
    names = [f"charge{number}" for number in range(OPERATIONS)]
    stalled = {
        name: FakeOperation(name, "POST", f"/stalled/{name}", TIMEOUT_SECONDS, retry, CONCURRENCY) for name in names
    }
    systems = {
        "payments": FakeSystem("payments", base_url=url, operations=stalled),
        "warehouse": system("warehouse", url, path="/quick", concurrency=8),
    }
    for begin in range(0, CALLS, 1000):
        rows = [
            row(n, body=BODY)._replace(operation=f"payments.{names[n % OPERATIONS]}")
            for n in range(begin, begin + 1000)
        ]
        await bench.ask(*rows)
    secrets = dict.fromkeys(systems, SECRET)
    deliverer = Deliverer(
        store,
        client,
        systems,
        secrets,
        SystemClock(),
        SystemIds(),
        bench.epoch,
        frozenset(),
        LIMITS,  # type: ignore[arg-type]
    )
    before = resident()
    await deliverer.start()
    await until(lambda: targets.there.total() >= LIMITS.concurrency * 3 / 4, 20)

    quick = [row(CALLS + n, system="warehouse") for n in range(QUICK)]
    deliverer.enqueue(await bench.ask(*quick))
    await until(lambda: targets.served["/quick"] == QUICK, TIMEOUT_SECONDS)
    assert {name for name, _ in deliverer.outcomes} == {"warehouse.charge"}, "they had room before the others timed out"
    assert deliverer.in_memory <= LIMITS.rows + LIMITS.page_rows

    await until(lambda: deliverer.breakers()["payments"] != "closed", 20)
    assert resident() - before < GROWTH_BYTES
    assert deliverer.in_memory <= LIMITS.rows + LIMITS.page_rows

    await until(lambda: targets.there.total() <= 1, 20)
    targets.most.clear()
    targets.open.set()
    await until(lambda: targets.served.total() >= QUICK + 500, 60)
    await deliverer.drain(10)
    assert all(targets.most[f"/stalled/{name}"] <= CONCURRENCY for name in names), targets.most
    assert targets.most["all"] <= LIMITS.concurrency
    assert resident() - before < GROWTH_BYTES
    left = await store.pending_deliveries(0, "", CALLS)
    assert len(left) == CALLS + QUICK - targets.served.total()
    await client.close()
    await store.close()
