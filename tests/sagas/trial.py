"""A small shop whose sagas are run on the memory adapters, fake time and a target that does as it is told."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType, SimpleNamespace
from typing import Any, cast

import msgspec

from flows.shop import PLACED, RESERVED
from interlock import Flow, RetrySchedule
from interlock.adapters.memory import MemoryStore
from interlock.adapters.memory_tables import Tables
from interlock.adapters.null_sink import NullSink
from interlock.contracts.event_contract import EventContract
from interlock.delivery.deliverer import Deliverer
from interlock.estate.estate import Estate
from interlock.estate.system import Operation, System
from interlock.flows.engine import Engine
from interlock.flows.limits import FlowLimits
from interlock.flows.saga.records import Entry, Run
from interlock.model.event import Event
from interlock.model.hashing import KeyHasher, partition_of
from interlock.model.record import DeliveryState
from interlock.model.saga import ENDED, JOURNAL, OPEN_RUNS, RUNS, VERSIONS, RunState
from interlock.model.step import Commit
from interlock.ports.http_client import HttpAnswer
from interlock.ports.state_store import CommitDone
from interlock.testing.fake_clock import FakeClock, settle
from interlock.testing.samples import append
from interlock.testing.seeded_ids import SeededIds

SECRET = b"the same in every trial of sagas"
RETRY = RetrySchedule((1, 5), 0)
OPERATIONS = ("charge", "refund", "ship")


def estate_of(*flows: Flow) -> Estate:
    operations = {
        name: Operation(name=name, method="POST", path=f"/{name}", timeout_seconds=5, retry=RETRY, concurrency=4)
        for name in OPERATIONS
    }
    payments = System(name="payments", owner="team", base_url="http://p", secret_ref=None, operations=operations)
    contracts = {(one.type, one.version): one for one in (PLACED, RESERVED)}
    parts: dict[str, Any] = {
        "name": "shop",
        "root": None,
        "hash": "0" * 64,
        "contracts": MappingProxyType(contracts),
        "latest": {one.type: one for one in (PLACED, RESERVED)},
        "flows": {flow.name: flow for flow in flows},
        "systems": {"payments": payments},
    }
    return cast(Estate, SimpleNamespace(**parts))


class Target:
    """Answers 200 unless `answers` has something else for an operation; `asked` is what came, in order."""

    def __init__(self) -> None:
        self.answers: dict[str, Callable[[], HttpAnswer]] = {}
        self.asked: list[tuple[str, Any]] = []
        self.keys: list[str] = []

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, timeout_seconds: float
    ) -> HttpAnswer:
        operation = url.rpartition("/")[2]
        self.asked.append((operation, json.loads(body)))
        self.keys.append(headers["idempotency-key"])
        answer = self.answers.get(operation)
        return answer() if answer is not None else HttpAnswer(200, {}, json.dumps({"did": operation}).encode())

    async def close(self) -> None:
        return None

    @property
    def operations(self) -> list[str]:
        return [operation for operation, _ in self.asked]


class Trial:
    """`place` begins runs; `settle` lets `seconds` pass; `runs` and `journal` are what is stored.

    `dies_after` is how many commits an engine may make; then it is gone without a word, and another one goes on.
    """

    def __init__(self, *flows: Flow, seed: int = 1, dies_after: int | None = None) -> None:
        self.clock = FakeClock()
        self.ids = SeededIds(seed, self.clock)
        self.tables = Tables(4, 43_200)
        self.target = Target()
        self.dies_after = dies_after
        self.deaths = 0
        self._flows = flows
        self._hasher = KeyHasher(SECRET)

    async def __aenter__(self) -> Trial:
        await self._start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stop()
        await self.store.close()

    async def _start(self) -> None:
        self.store = MortalStore(self.tables, self.clock.monotonic_us, self.dies_after)
        estate = estate_of(*self._flows)
        limits = FlowLimits(tend_seconds=600, in_flight=64)
        self.engine = Engine(estate, self.store, self.store, self.clock, self.ids, NullSink(), limits)
        epoch = await self.engine.acquire()
        self.deliverer = Deliverer(
            self.store, self.target, estate.systems, {}, self.clock, self.ids, epoch, frozenset()
        )
        self.engine.on_calls = self.deliverer.enqueue
        await self.engine.start()
        await self.deliverer.start()

    async def _stop(self) -> None:
        await self.engine.drain(0)
        await self.deliverer.drain(0)

    async def restart(self, *flows: Flow) -> None:
        """Another engine on the same tables; of the one before nothing reaches them any more."""
        self.store.dead = True
        self.deaths += 1
        self._flows = flows or self._flows
        await self._stop()
        await self._start()

    async def place(self, order_id: str, n: int = 1) -> None:
        await self._place(PLACED, order_id, n)

    async def reserve(self, order_id: str, n: int = 1) -> None:
        await self._place(RESERVED, order_id, n)

    async def _place(self, contract: EventContract, order_id: str, n: int) -> None:
        key_hash = self._hasher.number(order_id)
        body = msgspec.json.encode({"order_id": order_id, "n": n})
        event = Event(
            partition_of(key_hash, 4), self.ids.new_id(), "/trial", contract.type, contract.version, key_hash,
            self.clock.now_us(), None, None, None, self._hasher.digest(order_id), None, 0, None, body,
        )  # fmt: skip
        await append(self.store, [event])
        await self.settle()

    async def settle(self, seconds: float = 0.01) -> None:
        """Time passes in stretches, so that an engine that died is followed by another one soon."""
        end_us = self.clock.monotonic_us() + int(seconds * 1_000_000)
        while (left_us := end_us - self.clock.monotonic_us()) > 0:
            due = self.clock.next_due_seconds
            stretch = left_us / 1_000_000 if due is None else min(left_us / 1_000_000, max(due, 0.000_001))
            await self.clock.advance(stretch)
            for _ in range(1000):
                if self.engine.idle or self.store.dead:
                    break
                await settle()
            while self.store.dead:
                await self.restart()
                await settle()

    @property
    def values(self) -> dict[tuple[str, str], Any]:
        return self.tables.values

    def runs(self) -> list[Run]:
        stored = [value.value for (table, _), value in sorted(self.values.items()) if table in (RUNS, ENDED)]
        return [msgspec.json.decode(one, type=Run) for one in stored]

    @property
    def run(self) -> Run:
        (run,) = self.runs()
        return run

    @property
    def state(self) -> RunState:
        return self.run.state

    def journal(self) -> list[Entry]:
        stored = [value.value for (table, _), value in sorted(self.values.items()) if table == JOURNAL]
        return [msgspec.json.decode(one, type=Entry) for one in stored]

    def open_runs(self) -> int:
        return sum(total for (table, _), total in self.tables.counters.items() if table == OPEN_RUNS)

    def pending_timers(self) -> list[str]:
        rows = self.tables.deliveries.values()
        return [row.step for row in rows if row.operation == "timer" and row.state is DeliveryState.PENDING]

    def value(self, table: str, key: str) -> Any:
        found = self.values.get((table, key))
        return json.loads(found.value) if found else None


class MortalStore(MemoryStore):
    """Applies so many commits, the last one without an answer; then it is dead to its engine."""

    def __init__(self, tables: Tables, monotonic_us: Callable[[], int], dies_after: int | None) -> None:
        super().__init__(4, secret=SECRET, tables=tables, monotonic_us=monotonic_us)
        self._left = dies_after
        self.dead = False

    def submit(self, commit: Commit, done: CommitDone) -> None:
        if self.dead:
            return
        begins = any(put.table == VERSIONS for step in commit.steps for put in step.result.puts)
        if self._left is None or not commit.steps or begins:
            super().submit(commit, lambda outcomes, problem: None if self.dead else done(outcomes, problem))
            return
        self._left -= 1
        self.dead = self._left == 0
        last = self.dead
        super().submit(commit, lambda outcomes, problem: None if last or self.dead else done(outcomes, problem))
