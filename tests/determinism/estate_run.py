"""One run of a small estate on the memory adapters, from a seed to its whole record as text.

python -m determinism.estate_run SEED [planted] writes the record to stdout.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from delivery.scripted import FakeOperation, FakeSystem
from flows.shop import OrderPlaced, Producer, StockReserved, estate_of
from interlock import Context, Flow
from interlock.adapters.memory import MemoryStore
from interlock.delivery.deliverer import Deliverer
from interlock.flows.engine import Engine
from interlock.flows.limits import FlowLimits
from interlock.model.event import Event
from interlock.model.handling import Mark
from interlock.model.problems import TargetUnavailable
from interlock.model.retry import RetrySchedule
from interlock.model.trace import child_of
from interlock.ports.event_log import AppendDone
from interlock.ports.http_client import HttpAnswer
from interlock.ports.trace_sink import Span
from interlock.sdk.reply import Reply
from interlock.testing.fake_clock import FakeClock, settle
from interlock.testing.seeded_ids import SeededIds

LOG_SECRET = bytes(range(32))
KEYS, ORDERS = 12, 240
RETRY = RetrySchedule((0.5, 2, 8), jitter=0.2)
REGIONS = frozenset({"north", "east", "south", "west", "centre"})  # as a set, its order is the process's


class Target:
    """Answers by the id of the order and by how often it was asked for it."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.sent: list[str] = []

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, timeout_seconds: float
    ) -> HttpAnswer:
        number: int = msgspec.json.decode(body)["n"]
        self.sent.append(f"{method} {url} {sorted(headers.items())} {body!r}")
        nth = sum(headers["webhook-id"] in line for line in self.sent)
        await self._clock.sleep(0.01 * (number % 4))
        if number % 9 == 0:
            raise TargetUnavailable("timeout: scripted.")
        if number % 5 == 0 and nth < 3:
            return HttpAnswer(503, {"retry-after": "3"}, b"")
        return HttpAnswer(422 if number % 13 == 0 else 200, {}, b'{"charged":true}')

    async def close(self) -> None: ...


class Spans:
    """A sink that keeps all."""

    recording = True
    dropped = 0

    def __init__(self) -> None:
        self.spans: list[Span] = []

    def record(self, span: Span) -> None:
        self.spans.append(span)

    async def close(self) -> None: ...


class TracedLog:
    """Every third event comes with a sampled trace, as from the edge."""

    def __init__(self, store: MemoryStore, ids: SeededIds) -> None:
        self.secret, self.partitions = store.secret, store.partitions
        self._store, self._ids = store, ids

    def append(self, events: Iterable[Event], done: AppendDone) -> None:
        root = self._ids.trace_parent()[:-2] + "01"
        marked = [
            event._replace(trace=child_of(root, self._ids)) if int(event.id[-1]) % 3 == 0 else event for event in events
        ]
        self._store.append(marked, done)


def flows(clock: FakeClock, planted: bool) -> list[Flow]:
    regions = list(REGIONS) if planted else sorted(REGIONS)
    reserve, ship = Flow("reserve", owner="team", retry=RETRY), Flow("ship", owner="team", retry=RETRY, park_limit=6)
    tries: dict[int, int] = {}

    @reserve.on(OrderPlaced)
    async def take(order: OrderPlaced, ctx: Context) -> None:
        tries[order.n] = tries.get(order.n, 0) + 1
        if order.n % 3 == 0:
            await clock.sleep(0.02 * (order.n % 5))
        if order.n % 37 == 0 and tries[order.n] == 1:
            await asyncio.Event().wait()  # until it is timed out, on the clock of the run
        if order.n % 11 == 0:
            ctx.skip("nothing to do")
        if order.n % 7 == 0 and tries[order.n] < 3:
            raise RuntimeError("not yet")
        if order.n % 31 == 0:
            raise ValueError("never")
        seen = await ctx.get("seen", order.order_id) or 0
        ctx.put("seen", order.order_id, seen + 1)
        for region in regions[: order.n % 3]:
            ctx.counter("stock", region).take(1, floor=-1_000_000)
        ctx.emit(StockReserved(order_id=order.order_id, n=order.n))
        ctx.call("payments.charge", order_id=order.order_id, n=order.n)

    @reserve.on_reply("payments.charge")
    async def charged(reply: Reply, ctx: Context) -> None:
        ctx.put("charged", ctx.event.id, reply.status)

    @ship.on(StockReserved)
    async def pack(order: StockReserved, ctx: Context) -> None:
        tries[-order.n] = tries.get(-order.n, 0) + 1
        if order.n % 17 == 0 and tries[-order.n] < 4:
            raise RuntimeError("no carrier")
        shared = await ctx.get("shared", "all") or 0  # one row for all keys: stale reads run again
        ctx.put("shared", "all", shared + 1)

    return [reserve, ship]


async def run(seed: int, planted: bool = False) -> str:
    """The whole record, one row a line, in the order in which it was written. `planted`: a set's order decides."""
    clock = FakeClock()
    ids, spans, target = SeededIds(seed, clock), Spans(), Target(clock)
    store = MemoryStore(partitions=4, secret=LOG_SECRET)
    estate = estate_of(*flows(clock, planted))
    operation = FakeOperation(retry=RetrySchedule((1, 4, 20), jitter=0.2), concurrency=3)
    system: Any = FakeSystem(secret_ref=None, operations={"charge": operation})
    engine = Engine(estate, store, store, clock, ids, spans, FlowLimits(in_flight=32))
    epoch = await engine.acquire("settings")
    deliverer = Deliverer(
        store, target, {"payments": system}, {}, clock, ids, epoch, frozenset({"payments.charge"}), sink=spans
    )
    engine.on_calls = deliverer.enqueue
    await engine.start()
    await deliverer.start()
    producer = Producer(TracedLog(store, ids), clock)  # type: ignore[arg-type]
    for number in range(1, ORDERS + 1):
        producer.place(f"order-{number % KEYS}", number)
        if number % 8 == 0:
            await clock.advance(0.05)
    await clock.advance(120)
    await mend(engine, store, clock)
    await clock.advance(120)
    await deliverer.drain(1)
    draining = asyncio.ensure_future(engine.drain(5))
    await settle()
    await clock.advance(6)
    assert await draining
    return "\n".join([*rows(store), *map(repr, spans.spans), *target.sent]) + "\n"


async def mend(engine: Engine, store: MemoryStore, clock: FakeClock) -> None:
    """Redrive a dead letter and give another up."""
    dead = [Mark(*held[:4]) for held in await store.dead_letters("reserve", 10)]
    assert len(dead) >= 2, dead
    for act, mark in zip((engine.redrive, engine.discard), dead, strict=False):
        acting = asyncio.ensure_future(act(mark))
        await clock.advance(0.1)
        await acting


def rows(store: MemoryStore) -> Iterable[str]:
    tables = store._tables
    for name in (
        "starts", "handlings", "failures", "held", "deliveries", "attempts", "values", "counters", "cursors",
        "tallies", "answers", "refusals",
    ):  # fmt: skip
        table = getattr(tables, name)
        yield from (f"{name} {row!r}" for row in (table.items() if hasattr(table, "items") else table))
    yield from (f"event {stored!r}" for partition in tables.log for stored in partition)


if __name__ == "__main__":
    sys.stdout.write(asyncio.run(run(int(sys.argv[1]), "planted" in sys.argv)))
