"""What waits in the outbox counts as lag, at every member: a log that is away ends in refusals, not in a full disk."""

from __future__ import annotations

from split import Split

from flows.shop import OrderPlaced, estate_of
from interlock import Context, Flow
from interlock.adapters.memory import MemoryStore
from interlock.adapters.memory_split import MemoryState
from interlock.adapters.null_sink import NullSink
from interlock.flows.crew import Enlistment
from interlock.flows.engine import Engine
from interlock.flows.limits import FlowLimits
from interlock.model.step import Step, StepResult
from interlock.testing.fake_clock import FakeClock
from interlock.testing.samples import commit, event, submit
from interlock.testing.seeded_ids import SeededIds


async def test_an_edge_knows_what_nobody_publishes() -> None:
    clock, flow = FakeClock(), Flow("story", owner="team")

    @flow.on(OrderPlaced)
    async def handle(placed: OrderPlaced, ctx: Context) -> None: ...

    split = Split(MemoryStore(4, secret=b"s" * 32), MemoryState(4, secret=b"s" * 32), clock)
    edge = Enlistment(split.state, "edge", runs_flows=False)  # type: ignore[arg-type]
    limits, ids = FlowLimits(tend_seconds=1.0), SeededIds(1, clock)
    engine = Engine(estate_of(flow), split.log, split.state, clock, ids, NullSink(), limits, edge)
    await engine.acquire()
    await engine.start()
    emits = tuple(event(number) for number in range(30))
    assert await submit(split.state, commit(engine.epoch, Step(result=StepResult(emits=emits)))) == [None]
    await clock.advance(2)
    assert engine.lag == 30
    await engine.drain(0)
    await engine.leave()
    await split.close()
