"""Several processes: partitions given back while the store is asked, and calls that another one placed late."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from delivery.scripted import Bench, row, settle, system
from interlock.model.record import DeliveryRow


@pytest.mark.parametrize("scan", ["filling", "look"])
async def test_rows_of_a_page_that_was_asked_for_before(bench: Bench, scan: str) -> None:
    bench.systems = {"payments": system(concurrency=8)}
    deliverer = bench.deliverer()
    deliverer._partitions = frozenset()
    await deliverer.start()
    if scan == "look":
        await deliverer.take([0, 1])
        await settle()
    real, asked, go_on = bench.store.pending_deliveries, asyncio.Event(), asyncio.Event()

    async def slow(*arguments: Any) -> list[DeliveryRow]:
        page: list[DeliveryRow] = await real(*arguments)
        if page:
            asked.set()
            await go_on.wait()
        return page

    bench.store.pending_deliveries = slow  # type: ignore[method-assign]
    await bench.ask(row(1, bench.clock.now_us()), row(2, bench.clock.now_us(), partition=1))
    if scan == "filling":
        await deliverer.take([0, 1])
    await bench.clock.advance(2)
    assert asked.is_set()
    await deliverer.give_back([1], 0)
    go_on.set()
    await bench.clock.advance(2)
    assert bench.client.ids == ["d000001"]
    await deliverer.drain(0)


async def test_a_call_that_was_due_long_before_its_commit_is_found(bench: Bench) -> None:
    """A request that was committed at last, after an outage; or its process had a clock that was behind."""
    bench.systems = {"payments": system(concurrency=8)}
    deliverer = bench.deliverer()
    deliverer._partitions = frozenset()
    await deliverer.start()
    await deliverer.take([0])
    await bench.clock.advance(2)
    await bench.ask(row(1, bench.clock.now_us() - 300_000_000))
    await bench.clock.advance(130)
    assert bench.client.ids == ["d000001"]
    await deliverer.drain(0)
