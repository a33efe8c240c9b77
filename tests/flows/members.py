"""Several engines on one memory store and a clock by hand, each with its own view of the store, which can be cut."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from typing import Any, cast

from flows.shop import Producer, estate_of
from interlock import Flow, RetrySchedule
from interlock.adapters.audience import Audience
from interlock.adapters.memory import MemoryStore
from interlock.adapters.null_sink import NullSink
from interlock.delivery.deliverer import Deliverer
from interlock.estate.system import Operation, System
from interlock.flows.crew import Enlistment
from interlock.flows.engine import Engine
from interlock.flows.limits import FlowLimits
from interlock.model.handling import HandlingState
from interlock.model.problems import Problem, StorageUnavailable
from interlock.model.record import HandlingRow
from interlock.ports.http_client import HttpClient
from interlock.testing.fake_clock import FakeClock, settle
from interlock.testing.seeded_ids import SeededIds

CHARGE = Operation(
    name="payments.charge",
    method="POST",
    path="/charges",
    timeout_seconds=5,
    retry=RetrySchedule((0.5, 1, 2, 4)),
    concurrency=4,
)
PAYMENTS = {
    "payments": System(
        name="payments", owner="team", base_url="http://p", secret_ref=None, operations={"charge": CHARGE}
    )
}
PARTITIONS = 8
LEASE_SECONDS = 9.0
LATENCY_SECONDS = 0.03  # of a commit
LIMITS = FlowLimits(in_flight=64, store_retry_seconds=0.2, tend_seconds=1.0)


class View:
    """The store as one process sees it. `pause`: nothing goes through until `go_on`. `away`: it does not answer."""

    def __init__(self, store: MemoryStore, clock: FakeClock) -> None:
        self.store = store
        self._clock = clock
        self.capabilities = store.capabilities
        self.away = False
        self.asked_in_vain: list[tuple[str, int]] = []  # what, when on the monotonic clock in µs
        self._audience = Audience()
        self._open = asyncio.Event()
        self._open.set()
        self._late: list[tuple[Any, Any]] = []
        store.listen(self._audience.tell)

    def listen(self, listener: Any) -> None:
        self._audience.add(listener)

    async def follow(self, partitions: Collection[int]) -> None:
        self._audience.follow(partitions)

    def pause(self) -> None:
        self._open.clear()

    def go_on(self) -> None:
        self._open.set()
        for commit, done in self._late:
            self.store.submit(commit, done)
        self._late.clear()

    def submit(self, commit: Any, done: Any) -> None:
        asyncio.get_running_loop().create_task(self._submit(commit, done))

    async def _submit(self, commit: Any, done: Any) -> None:
        await self._clock.sleep(LATENCY_SECONDS)
        if self.away:
            self.asked_in_vain.append(("submit", self._clock.monotonic_us()))
            asyncio.get_running_loop().call_soon(done, None, StorageUnavailable("away"))
        elif self._open.is_set():
            self.store.submit(commit, done)
        else:
            self._late.append((commit, done))

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.store, name)
        if not asyncio.iscoroutinefunction(found):
            return found

        async def call(*arguments: Any, **named: Any) -> Any:
            await self._open.wait()
            if self.away:
                self.asked_in_vain.append((name, self._clock.monotonic_us()))
                raise StorageUnavailable("away")
            return await found(*arguments, **named)

        return call


class Crewmate:
    """One process."""

    def __init__(self, fleet: Fleet, name: str, flows: Sequence[Flow], runs_flows: bool) -> None:
        self.name = name
        self.view = View(fleet.store, fleet.clock)
        self.ended: list[Problem] = []
        view = cast(MemoryStore, self.view)
        self.enlistment = Enlistment(view, name, runs_flows, LEASE_SECONDS, fleet.drain_seconds)
        estate, ids = estate_of(*flows), SeededIds(len(fleet.crew) + 1, fleet.clock)
        self.engine = Engine(estate, view, view, fleet.clock, ids, NullSink(), LIMITS, self.enlistment)
        self.engine.on_fenced = self._fenced
        self.deliverer: Deliverer | None = None
        self._fleet = fleet

    def _fenced(self, problem: Problem) -> None:
        self.ended.append(problem)

    @property
    def partitions(self) -> frozenset[int]:
        assert self.engine.crew is not None
        return self.engine.crew.partitions

    async def start(self) -> None:
        epoch = await self.engine.acquire()
        fleet = self._fleet
        if fleet.client is not None and self.enlistment.runs_flows:
            ids = SeededIds(1000 + len(fleet.crew), fleet.clock)
            store = cast(MemoryStore, self.view)
            self.deliverer = Deliverer(
                store, fleet.client, PAYMENTS, {}, fleet.clock, ids, epoch, frozenset(), shared=True
            )
            assert self.engine.crew is not None
            self.deliverer.stale = lambda: self.engine.crew.stale
            self.deliverer.on_failure = self._fenced
            self.engine.on_calls = self.deliverer.enqueue
            self.engine.share(self.deliverer)
        await self.engine.start()
        if self.deliverer is not None:
            await self.deliverer.start()


class Fleet:
    """The processes on one store."""

    def __init__(self, *flows: Flow, drain_seconds: float = 5.0, client: HttpClient | None = None) -> None:
        self.client = client
        self.clock = FakeClock()
        self.store = MemoryStore(PARTITIONS, secret=b"s" * 32, monotonic_us=self.clock.monotonic_us)
        self.producer = Producer(self.store, self.clock)
        self.flows = flows
        self.drain_seconds = drain_seconds
        self.crew: list[Crewmate] = []

    async def join(self, runs_flows: bool = True) -> Crewmate:
        mate = Crewmate(self, f"m{len(self.crew)}", self.flows, runs_flows)
        self.crew.append(mate)
        await mate.start()
        return mate

    async def leave(self, mate: Crewmate) -> None:
        """As SIGTERM ends it; time goes on meanwhile."""
        leaving = asyncio.create_task(self._leave(mate))
        while not leaving.done():
            await self.clock.advance(0.05)
        await leaving

    async def _leave(self, mate: Crewmate) -> None:
        await mate.engine.drain(self.drain_seconds)
        if mate.deliverer is not None:
            await mate.deliverer.drain(self.drain_seconds)
        await mate.engine.leave()

    async def kill(self, mate: Crewmate) -> None:
        """As SIGKILL ends it: nothing more goes through, ever, and its tasks are abandoned."""
        mate.view.pause()
        for worker in mate.engine._workers.values():
            worker.abandon()
        mate.engine._scheduler.stop()
        if mate.deliverer is not None:
            killing = asyncio.create_task(mate.deliverer.drain(0))
            await settle(3)
            killing.cancel()
        for task in [mate.engine._upkeep, *mate.engine.crew._tasks]:
            task.cancel()
        await settle(3)

    async def until_even(self, *crew: Crewmate, seconds: float = 60) -> None:
        """Each has its part of all partitions, and no two the same."""
        for _ in range(int(seconds * 10)):
            parts = sorted(len(mate.partitions) for mate in crew)
            owned = [partition for mate in crew for partition in mate.partitions]
            if sorted(owned) == list(range(PARTITIONS)) and parts[-1] - parts[0] <= 1:
                return
            await self.clock.advance(0.1)
        raise AssertionError({mate.name: sorted(mate.partitions) for mate in crew})

    def handlings(self, state: HandlingState = HandlingState.DONE) -> list[HandlingRow]:
        return [row for row in self.store.tables.handlings.values() if row.state is state]

    async def until_done(self, count: int, seconds: float = 120) -> None:
        """That many events were handled to their end."""
        for _ in range(int(seconds * 5)):
            if len(self.handlings()) >= count:
                return
            await self.clock.advance(0.2)
        raise AssertionError(f"{len(self.handlings())} of {count} after {seconds} s")
