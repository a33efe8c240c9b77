"""An engine with its deliverer on memory, fake time and seeded chance: the same seed gives the same record.

Threads, sockets and real time are out of it, so a run repeats bit by bit, in another process too, as long as the
estate's handlers are deterministic themselves.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping, Sequence

from interlock.adapters.memory import MemoryStore
from interlock.adapters.null_sink import NullSink
from interlock.delivery.deliverer import Deliverer
from interlock.estate.estate import Estate
from interlock.flows.engine import Engine
from interlock.flows.limits import FlowLimits
from interlock.model.clock import Clock
from interlock.model.event import Event
from interlock.model.hashing import KeyHasher, partition_of
from interlock.model.problems import TargetUnavailable
from interlock.ports.http_client import HttpAnswer
from interlock.testing.fake_clock import FakeClock, settle
from interlock.testing.samples import append
from interlock.testing.seeded_ids import SeededIds

SECRET = b"the same in every simulation...."
TICK_SECONDS = 1.0


class SeededTarget:
    """An outside system (HttpClient) that is slow, fails, loses answers or refuses, as the seed has it.

    Each request meets its fate by its idempotency key and how often it came, not by its order among others.
    """

    def __init__(self, seed: int, clock: Clock, faults: float = 0.3) -> None:
        self._seed = seed
        self._clock = clock
        self._faults = faults
        self.seen: dict[str, int] = {}

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, timeout_seconds: float
    ) -> HttpAnswer:
        key = headers["idempotency-key"]
        self.seen[key] = self.seen.get(key, 0) + 1
        chance = random.Random(f"{self._seed} {key} {self.seen[key]}")  # noqa: S311 - repeatable on purpose
        await self._clock.sleep(chance.random() * 0.2)
        if chance.random() >= self._faults:
            return HttpAnswer(200, {"content-type": "application/json"}, b'{"accepted":true}')
        if chance.random() < 0.4:
            raise TargetUnavailable("timeout: the simulated answer was lost.")
        return HttpAnswer(chance.choice((422, 429, 500, 503)), {}, b"{}")

    async def close(self) -> None:
        return None


class Simulation:
    """One run. `place` appends what the edge would; `finish` lets time pass until nothing is left to do."""

    def __init__(
        self,
        estate: Estate,
        seed: int,
        *,
        replies: frozenset[str] = frozenset(),
        faults: float = 0.3,
        limits: FlowLimits = FlowLimits(),  # noqa: B008 - frozen
        signing: Mapping[str, str | bytes] | None = None,
    ) -> None:
        self.estate = estate
        self.clock = FakeClock()
        self.ids = SeededIds(seed, self.clock)
        self.store = MemoryStore(4, secret=SECRET, monotonic_us=self.clock.monotonic_us)
        self.target = SeededTarget(seed, self.clock, faults)
        self.engine = Engine(estate, self.store, self.store, self.clock, self.ids, NullSink(), limits)
        self._replies = replies
        self._signing = signing or {}

    async def start(self) -> None:
        epoch = await self.engine.acquire()
        self.deliverer = Deliverer(
            self.store, self.target, self.estate.systems, self._signing, self.clock, self.ids, epoch, self._replies
        )
        self.engine.on_calls = self.deliverer.enqueue
        await self.engine.start()
        await self.deliverer.start()

    async def place(self, contract: str, bodies: Sequence[tuple[str, bytes]]) -> None:
        """Append events of a contract's latest version, each a partition key and its JSON."""
        hasher = KeyHasher(SECRET)
        await append(self.store, [self._event(contract, hasher, key, body) for key, body in bodies])

    async def run(self, seconds: float) -> None:
        await self.clock.advance(seconds)

    async def finish(self, within_seconds: float = 86_400) -> None:
        """Let time pass until all events are handled and all calls have ended, or the span is over."""
        end_us = self.clock.monotonic_us() + int(within_seconds * 1_000_000)
        while self.clock.monotonic_us() < end_us:
            await settle()
            if await self._at_rest():
                return
            await self.clock.advance(TICK_SECONDS)

    async def stop(self) -> None:
        """Everything should be at rest: see `finish`."""
        await self.engine.drain(0)
        await self.deliverer.drain(0)
        await self.store.close()

    def record(self) -> list[str]:
        """Every row of every table, as text, in an order that is the rows' own."""
        tables = self.store.tables
        groups: dict[str, Sequence[object]] = {
            "event": [row for rows in tables.log for row in rows],
            "handling": sorted(tables.handlings.values()),
            "failure": [row for key in sorted(tables.failures) for row in tables.failures[key]],
            "held": [tables.held[mark] for mark in sorted(tables.held)],
            "delivery": [tables.deliveries[name] for name in sorted(tables.deliveries)],
            "attempt": [row for name in sorted(tables.attempts) for row in tables.attempts[name]],
            "answer": [tables.answers[scope] for scope in sorted(tables.answers)],
            "value": sorted(tables.values.items()),
            "counter": sorted(tables.counters.items()),
            "cursor": sorted((flow, sorted(places.items())) for flow, places in tables.cursors.items()),
            "tally": sorted(tables.tallies.items()),
            "start": tables.starts,
        }
        return [f"{kind} {row!r}" for kind, rows in groups.items() for row in rows]

    def digest(self) -> str:
        """SHA-256 of the record: one line to compare."""
        return hashlib.sha256("\n".join(self.record()).encode()).hexdigest()

    async def _at_rest(self) -> bool:
        pending = await self.store.pending_deliveries(-1, "", 1)
        return not pending and self.engine.idle and self.engine.lag == 0 and not self._waiting()

    def _waiting(self) -> bool:
        """Whether a parked head still has an attempt to come."""
        return any(row.due_us is not None for row in self.store.tables.held.values())

    def _event(self, contract: str, hasher: KeyHasher, key: str, body: bytes) -> Event:
        key_hash = hasher.number(key)
        return Event(
            partition=partition_of(key_hash, self.store.partitions),
            id=self.ids.new_id(),
            source="/simulation",
            type=contract,
            version=self.estate.latest[contract].version,
            key_hash=key_hash,
            time_us=self.clock.now_us(),
            correlation=None,
            causation=None,
            trace=self.ids.trace_parent(),
            business=hasher.digest(key),
            attributes=None,
            scheme=0,
            key_id=None,
            body=body,
        )
