"""Clocks and ids: the system's and the fakes."""

from __future__ import annotations

import asyncio
import re
import time
import timeit
import uuid

import pytest

from interlock.adapters import system
from interlock.adapters.system import SystemClock, SystemIds
from interlock.model.ids import Ids
from interlock.testing.fake_clock import START_US, FakeClock, settle
from interlock.testing.seeded_ids import SeededIds

MAKERS = [SystemIds, lambda: SeededIds(7)]


@pytest.mark.parametrize("make", MAKERS)
def test_ids_are_uuid7_and_rise_strictly(make):
    ids: Ids = make()
    made = [ids.new_id() for _ in range(20_000)]
    assert made == sorted(set(made))
    for text in made[::1000]:
        parsed = uuid.UUID(text)
        assert (parsed.version, parsed.variant, str(parsed)) == (7, uuid.RFC_4122, text)


def test_ids_carry_the_time_and_survive_a_clock_that_steps_back(monkeypatch):
    moments = iter([5_000_000_000, 4_000_000_000, 4_000_000_000, 6_000_000_000])
    monkeypatch.setattr(system.time, "time_ns", lambda: next(moments))
    ids = SystemIds()
    made = [ids.new_id() for _ in range(4)]
    assert made == sorted(set(made))
    assert [uuid.UUID(text).int >> 80 for text in made] == [5000, 5000, 5000, 6000]


def test_two_makers_do_not_collide():
    one, other = SystemIds(), SystemIds()
    assert not {one.new_id() for _ in range(5000)} & {other.new_id() for _ in range(5000)}


def test_an_id_is_cheap():
    seconds = min(timeit.repeat(SystemIds().new_id, timer=time.process_time, number=20_000, repeat=5)) / 20_000
    assert seconds < 3e-6, f"{seconds * 1e6:.2f} µs; ten times the budget"


@pytest.mark.parametrize("make", MAKERS)
def test_trace_parent_and_chance(make):
    ids: Ids = make()
    parents = [ids.trace_parent() for _ in range(100)]
    assert len(set(parents)) == 100
    assert all(re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-00", parent) for parent in parents)
    assert all(0 <= ids.chance() < 1 for _ in range(1000))


def test_same_seed_same_ids():
    def run(seed: int) -> list[object]:
        ids = SeededIds(seed)
        return [ids.new_id(), ids.trace_parent(), ids.chance(), ids.new_id()]

    assert run(1) == run(1) != run(2)


async def test_system_clock_sleeps_at_least_as_long():
    clock = SystemClock()
    before = clock.monotonic_us()
    await clock.sleep(0.02)
    await clock.sleep(-1)
    assert clock.monotonic_us() - before >= 20_000


async def test_fake_clock_wakes_sleepers_in_order_at_their_moment():
    clock, woken = FakeClock(), []

    async def sleeper(name: str, *naps: float) -> None:
        for nap in naps:
            await clock.sleep(nap)
            woken.append((name, clock.monotonic_us()))

    async with asyncio.TaskGroup() as group:
        for name, naps in {"late": (3,), "twice": (1, 1), "tie": (3,)}.items():
            group.create_task(sleeper(name, *naps))
        await clock.advance(2.5)
        assert woken == [("twice", 1_000_000), ("twice", 2_000_000)]
        assert clock.next_due_seconds == 0.5
        await clock.advance(0.5)
    assert woken[2:] == [("late", 3_000_000), ("tie", 3_000_000)]
    assert clock.now_us() == START_US + 3_000_000
    assert clock.next_due_seconds is None


async def test_fake_clock_forgets_cancelled_sleepers_and_steps_the_wall_alone():
    clock = FakeClock()
    task = asyncio.create_task(clock.sleep(10))
    await settle()
    assert clock.sleepers == 1
    task.cancel()
    await settle()
    assert clock.sleepers == 0
    clock.step_wall(-60)
    await clock.advance(20)
    assert (clock.now_us(), clock.monotonic_us()) == (START_US - 40_000_000, 20_000_000)
