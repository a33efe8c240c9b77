"""Where the log lies elsewhere: what a commit emitted comes before what was sent after that commit was acknowledged."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

import pytest
from split import Split

from interlock.adapters.memory import MemoryStore
from interlock.adapters.memory_split import MemoryState
from interlock.adapters.system import SystemClock
from interlock.flows import order_gate
from interlock.flows.order_gate import OrderGate
from interlock.model.event import Event
from interlock.model.problems import Closed, Problem, StorageUnavailable, Unexpected
from interlock.model.step import Step, StepResult
from interlock.ports.outbox import Key
from interlock.testing.samples import FLOW, TYPE, append, commit, event, ids_in, start, submit


class SlowOutbox(MemoryState):
    """Rows are published late: there are always some when the next event comes."""

    async def waiting(self, partitions, limit):
        await asyncio.sleep(0.02)
        return await super().waiting(partitions, limit)


@pytest.fixture
async def split():
    log = MemoryStore()
    made = Split(log, SlowOutbox(secret=log.secret))
    made.log.listen(lambda fresh: None)
    made.epoch = await made.acquire(start(), {FLOW: [TYPE]})
    yield made
    await made.close()


async def emit(split, *events: Event) -> None:
    assert await submit(split.state, commit(split.epoch, Step(result=StepResult(emits=events)))) == [None]


async def test_an_event_does_not_overtake_what_was_emitted_for_its_key(split):
    sent = []
    for number in range(0, 40, 2):
        await emit(split, event(number, 1))
        await append(split.log, [event(number + 1, 1)])
        sent += [event(number, 1).id, event(number + 1, 1).id]
    assert await ids_in(split.outside, 1) == sent


async def test_events_of_a_key_that_waits_keep_their_order_and_others_go_on(split):
    await emit(split, event(1, 1))
    others = asyncio.create_task(append(split.log, [event(50, 2)]))
    first, second = (asyncio.create_task(append(split.log, [event(number, 1)])) for number in (2, 3))
    both = asyncio.create_task(append(split.log, [event(51, 2), event(4, 1)]))
    await others
    assert await ids_in(split.outside, 1) == []
    await asyncio.gather(first, second, both)
    assert await ids_in(split.outside, 1) == [event(number, 1).id for number in (1, 2, 3, 4)]
    assert await ids_in(split.outside, 2) == [event(number, 2).id for number in (50, 51)]


def unexpected(problem: Problem) -> None:
    raise AssertionError(problem)


class Stuck(MemoryState):
    async def keys_waiting(self, keys: Collection[Key]) -> set[Key]:
        return set(keys)


async def test_what_waits_too_long_is_told_to_come_again(monkeypatch):
    monkeypatch.setattr(order_gate, "GIVE_UP_SECONDS", 0.05)
    log = MemoryStore()
    gate = OrderGate(log, Stuck(), SystemClock(), unexpected)
    with pytest.raises(StorageUnavailable, match="wait to be published"):
        await append(gate, [event(1)])
    assert await ids_in(log, 0) == []
    await gate.close()


class Away(MemoryState):
    async def keys_waiting(self, keys: Collection[Key]) -> set[Key]:
        raise StorageUnavailable("The database is away.")


async def test_a_caller_that_raises_keeps_nobody_waiting(monkeypatch):
    monkeypatch.setattr(order_gate, "GIVE_UP_SECONDS", 0.05)
    log, raised = MemoryStore(), list[object]()
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: raised.append(context["exception"]))
    gate = OrderGate(log, Stuck(), SystemClock(), unexpected)

    def broken(places: object, problem: object) -> None:
        raise ValueError("a defect")

    gate.append([event(1)], broken)
    with pytest.raises(StorageUnavailable):
        await asyncio.wait_for(append(gate, [event(2)]), 5)
    with pytest.raises(StorageUnavailable):
        await asyncio.wait_for(append(gate, [event(3)]), 5)
    assert [type(error) for error in raised] == [ValueError]
    await gate.close()


async def test_without_the_outbox_nothing_is_accepted():
    gate = OrderGate(MemoryStore(), Away(), SystemClock(), unexpected)
    with pytest.raises(StorageUnavailable, match="away"):
        await append(gate, [event(1)])
    await gate.close()
    with pytest.raises(Closed):
        await append(gate, [event(1)])


async def test_closing_answers_everybody():
    gate = OrderGate(MemoryStore(), Stuck(), SystemClock(), unexpected)
    waiting = asyncio.create_task(append(gate, [event(1)]))
    await asyncio.sleep(0.02)
    await gate.close()
    with pytest.raises(Closed):
        await waiting


class Broken(MemoryState):
    async def keys_waiting(self, keys: Collection[Key]) -> set[Key]:
        raise RuntimeError("a defect")


async def test_a_gate_that_breaks_says_so_and_leaves_nobody_waiting():
    failed: list[Problem] = []
    gate = OrderGate(MemoryStore(), Broken(), SystemClock(), failed.append)
    with pytest.raises(Unexpected, match="a defect"):
        await asyncio.wait_for(append(gate, [event(1)]), 5)
    assert [type(problem) for problem in failed] == [Unexpected]
    with pytest.raises(Closed):
        await append(gate, [event(2)])
    await gate.close()
