"""Ticks: each moment once, however the engine dies in between; and a schedule never stops in silence."""

from __future__ import annotations

from typing import Any

from flows.shop import estate_of
from interlock import Context, Flow, Tick
from interlock.adapters.memory import MemoryStore
from interlock.adapters.null_sink import NullSink
from interlock.flows.engine import Engine
from interlock.flows.limits import FlowLimits
from interlock.flows.schedule import TABLE
from interlock.model.problems import Problem, StorageCorrupt, StorageUnavailable
from interlock.model.step import Commit
from interlock.testing.fake_clock import FakeClock, settle
from interlock.testing.seeded_ids import SeededIds

DAY = 86_400


def daily(seen: list[str]) -> Flow:
    flow = Flow("daily", owner="team")

    @flow.every("0 6 * * *", name="report", missed="all")
    async def report(tick: Tick, ctx: Context) -> None:
        seen.append(tick.due[:10])

    return flow


async def started(store: MemoryStore, clock: FakeClock, *flows: Flow) -> Engine:
    engine = Engine(
        estate_of(*flows), store, store, clock, SeededIds(1, clock), NullSink(), FlowLimits(tend_seconds=3600)
    )
    await engine.acquire()
    await engine.start()
    await settle()
    return engine


async def ended(engine: Engine, clock: FakeClock) -> None:
    await engine.drain(0)


async def test_a_tick_whose_memory_was_lost_is_not_run_again_after_the_dedupe_window() -> None:
    store, clock, seen = MemoryStore(), FakeClock(), list[str]()
    submit = store.submit

    def losing(commit: Commit, done: Any) -> None:
        """The store is unavailable for what the scheduler remembers, from the first tick on."""
        puts = [put for step in commit.steps for put in step.result.puts if put.table == TABLE]
        if puts and clock.now_us() > FakeClock().now_us():
            store._answer(done, None, StorageUnavailable("The disk hesitates."))
        else:
            submit(commit, done)

    engine = await started(store, clock, daily(seen))
    store.submit = losing  # type: ignore[method-assign]
    await clock.advance(7 * 3600)
    store.submit = submit  # type: ignore[method-assign]
    await ended(engine, clock)
    await clock.advance(3 * DAY)
    engine = await started(store, clock, daily(seen))
    await clock.advance(10)
    assert seen == ["2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04"]
    await clock.advance(DAY)
    assert seen[4:] == ["2026-01-05"]
    await ended(engine, clock)


async def test_a_schedule_that_cannot_go_on_ends_the_engine() -> None:
    store, clock, failures = MemoryStore(), FakeClock(), list[Problem]()

    async def get(table: str, key: str) -> None:
        raise StorageCorrupt("The page is torn.")

    engine = Engine(estate_of(daily([])), store, store, clock, SeededIds(1, clock), NullSink())
    engine.on_fenced = failures.append
    await engine.acquire()
    store.get = get  # type: ignore[method-assign, assignment]
    await engine.start()
    await settle()
    assert [type(problem) for problem in failures] == [StorageCorrupt]
    await ended(engine, clock)


async def test_a_clock_that_is_set_forward_is_noticed() -> None:
    store, clock, seen = MemoryStore(), FakeClock(), list[str]()
    engine = await started(store, clock, daily(seen))
    clock.step_wall(6 * 3600)
    await clock.advance(600)
    assert seen == ["2026-01-01"]
    await ended(engine, clock)
