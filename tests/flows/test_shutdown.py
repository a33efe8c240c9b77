"""A stop in the middle of anything is no failure of the engine."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from flows.conftest import Bench
from flows.shop import OrderPlaced
from interlock import Context, Flow, RetrySchedule
from interlock.model.problems import Problem


@pytest.fixture
async def parts(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    return Bench("sqlite", tmp_path)


async def test_a_drain_that_runs_out_with_a_commit_in_flight(parts: Bench) -> None:
    flow, failures = Flow("slow", owner="team"), list[Problem]()

    @flow.on(OrderPlaced)
    async def handle(placed: OrderPlaced, ctx: Context) -> None:
        if placed.n % 2:
            await asyncio.sleep(0)

    await parts.run(flow)
    assert parts.engine is not None
    parts.engine.on_fenced = failures.append
    for n in range(300):
        parts.producer.place("one", n)
    await parts.until(lambda: len(parts.producer.appended) == 300)
    await parts.engine.drain(0)
    await parts.store.close()
    await asyncio.sleep(0.05)
    assert failures == []


async def test_a_key_that_parks_while_draining(parts: Bench) -> None:
    flow, failures, gate = (
        Flow("parks", owner="team", retry=RetrySchedule((0.03,), 0)),
        list[Problem](),
        asyncio.Event(),
    )

    @flow.on(OrderPlaced)
    async def handle(placed: OrderPlaced, ctx: Context) -> None:
        await gate.wait()
        raise ConnectionError("down")

    await parts.run(flow)
    assert parts.engine is not None
    parts.engine.on_fenced = failures.append
    parts.producer.place("one", 0)
    await asyncio.sleep(0.02)
    draining = asyncio.create_task(parts.engine.drain(5))
    await asyncio.sleep(0.01)
    gate.set()
    await draining
    await parts.store.close()
    await asyncio.sleep(0.08)
    assert failures == []
    left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    assert left == []
