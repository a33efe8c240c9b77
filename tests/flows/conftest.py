from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from stores import KINDS, Store, backing, index_of

from flows.shop import Producer, estate_of
from interlock import Flow
from interlock.adapters.null_sink import NullSink
from interlock.adapters.system import SystemClock, SystemIds
from interlock.flows.engine import Engine, types_of
from interlock.flows.limits import FlowLimits
from interlock.ports.record_reader import FlowSum

PATIENCE_SECONDS = 60.0  # until a test gives up: what is right comes at once, on a quiet machine


class Bench:
    """An engine on a store, with what a test needs to drive and to look at it."""

    def __init__(self, kind: str, path: Path) -> None:
        self.kind = kind
        self.backing = backing(kind, path)
        self.clock = SystemClock()
        self.engine: Engine | None = None
        self.flows: tuple[Flow, ...] = ()

    async def run(self, *flows: Flow, in_flight: int = 64) -> None:
        self.store: Store = await self.backing.open()
        await self.resume(*flows, in_flight=in_flight)

    async def resume(self, *flows: Flow, in_flight: int = 64) -> None:
        self.flows = flows
        limits = FlowLimits(in_flight=in_flight, tend_seconds=0.05, store_retry_seconds=0.01)
        self.engine = Engine(estate_of(*flows), self.store, self.store, self.clock, SystemIds(), NullSink(), limits)
        await self.engine.acquire()
        await self.engine.start()
        self.producer = Producer(self.store, self.clock)

    async def reopen(self, *flows: Flow) -> None:
        """As after a restart: a new engine, and where the store is durable it is opened anew."""
        assert self.engine is not None
        await self.engine.drain(5)
        if self.store.capabilities.durable:
            await self.store.close()
            self.store = await self.backing.open()
        await self.resume(*flows)

    async def until(self, true: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
        async with asyncio.timeout(seconds):
            while not true():  # noqa: ASYNC110 - tests poll from outside on purpose
                await asyncio.sleep(0.002)

    async def settled(self) -> None:
        """Every event that was placed is in a row, none is being handled."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                await asyncio.sleep(0.01)
                if self.producer.in_flight:
                    continue
                before = await index_of(self.store)
                sums = await self.sums()
                idle = self.engine and self.engine.idle and not any(entry.pending for entry in sums.values())
                if idle and before is not None and before == await index_of(self.store):
                    return

    async def sums(self) -> dict[str, FlowSum]:
        reader = await self.backing.reader()
        found = await reader.sums({flow.name: types_of(flow) for flow in self.flows})
        await reader.close()
        assert all(entry.difference == 0 for entry in found), found
        return {entry.flow: entry for entry in found}

    async def stop(self) -> None:
        if self.engine is not None:
            await self.engine.drain(5)
            await self.store.close()
        self.backing.drop()


@pytest.fixture(params=KINDS)
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    made = Bench(request.param, tmp_path)
    yield made
    await made.stop()
