"""Small, well-formed rows for tests of stores. Times are whole seconds from a fixed start."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from interlock.model.event import UNPROTECTED, Appended, Event
from interlock.model.handling import HandlingState, Mark
from interlock.model.problems import Problem
from interlock.model.record import (
    Answer,
    DeliveryAttempt,
    DeliveryRow,
    DeliveryState,
    FailedAttempt,
    HandlingRow,
    Held,
    RefusalRow,
    StartRow,
)
from interlock.model.step import Commit, CursorMove, Step
from interlock.ports.event_log import EventLog
from interlock.ports.state_store import StateStore
from interlock.testing.fake_clock import START_US

FLOW = "fulfil"
TYPE = "orders.OrderPlaced"
SECOND_US = 1_000_000


def event(number: int, partition: int = 0, *, source: str = "shop", at_seconds: int = 0) -> Event:
    """Event number `number` of a producer; the partition key is the partition itself."""
    return Event(
        partition=partition,
        id=f"e{number:06d}",
        source=source,
        type=TYPE,
        version="1.0.0",
        key_hash=partition,
        time_us=START_US + at_seconds * SECOND_US,
        correlation=None,
        causation=None,
        trace=None,
        business=b"",
        attributes=None,
        scheme=UNPROTECTED,
        key_id=None,
        body=b'{"number":%d}' % number,
    )


def events(first: int, count: int, partition: int = 0) -> list[Event]:
    return [event(number, partition) for number in range(first, first + count)]


def start() -> StartRow:
    return StartRow(0, START_US, "0.0.0", "shop", "estate-hash", "settings-hash")


def handling(
    position: int,
    state: HandlingState = HandlingState.DONE,
    *,
    partition: int = 0,
    generation: int = 0,
    flow: str = FLOW,
) -> HandlingRow:
    return HandlingRow(flow, partition, position, generation, state, 1, START_US, 900, "reserve", "1", None)


def mark(position: int, *, partition: int = 0, generation: int = 0) -> Mark:
    return Mark(FLOW, partition, position, generation)


def held(position: int, state: HandlingState, *, partition: int = 0, generation: int = 0) -> Held:
    due_us = START_US if state is HandlingState.PARKED else None
    kept = event(position, partition)
    return Held(
        FLOW,
        partition,
        position,
        generation,
        partition,
        state,
        2,
        due_us,
        START_US,
        "handler_failed",
        "why",
        False,
        kept,
    )


def failed(position: int, attempt: int, *, partition: int = 0) -> FailedAttempt:
    return FailedAttempt(FLOW, partition, position, 0, attempt, START_US + attempt, 700, "handler_failed", "f.py:3 run")


def delivery(name: str, state: DeliveryState = DeliveryState.PENDING, *, due_us: int = START_US) -> DeliveryRow:
    return DeliveryRow(
        id=name,
        flow=FLOW,
        partition=0,
        position=1,
        generation=0,
        key_hash=0,
        event_id="e000001",
        correlation="e000001",
        trace=None,
        system="payments",
        operation="charge",
        step="payments.charge",
        idempotency_key=f"key-{name}",
        state=state,
        attempts=0,
        due_us=due_us,
        created_us=START_US,
        body=b'{"amount":"1.00"}',
    )


def delivered(row: DeliveryRow, state: DeliveryState, attempt: int = 1, status: int | None = 200) -> DeliveryRow:
    """The row after an attempt."""
    tried = DeliveryAttempt(row.id, attempt, START_US + attempt, 5000, status, None)
    return row._replace(state=state, attempts=attempt, attempt=tried)


def answer(scope: str, *, at_us: int = START_US, seconds: int = 3600, body: bytes = b"{}") -> Answer:
    return Answer(scope, b"print", 1, at_us, at_us + seconds * SECOND_US, 201, "application/json", body)


def refusal(total: int, *, pointer: str = "/total", first_us: int = START_US, last_us: int = START_US) -> RefusalRow:
    return RefusalRow(START_US, "contract_violation", TYPE, "shop", pointer, total, first_us, last_us)


def commit(epoch: int, *steps: Step, cursors: Sequence[CursorMove] = (), refusals: Sequence[RefusalRow] = ()) -> Commit:
    return Commit(epoch, list(steps), list(cursors), list(refusals))


async def append(log: EventLog, batch: Sequence[Event]) -> list[Appended]:
    """Append and wait; raises the problem."""
    waiter: asyncio.Future[list[Appended]] = asyncio.get_running_loop().create_future()

    def done(appended: Sequence[Appended] | None, problem: Problem | None) -> None:
        if problem is not None:
            waiter.set_exception(problem)
        else:
            waiter.set_result(list(appended or ()))

    log.append(batch, done)
    return await waiter


async def submit(store: StateStore, batch: Commit) -> list[Problem | None]:
    """Submit and wait; raises the problem of the whole batch."""
    waiter: asyncio.Future[list[Problem | None]] = asyncio.get_running_loop().create_future()

    def done(outcomes: Sequence[Problem | None] | None, problem: Problem | None) -> None:
        if problem is not None:
            waiter.set_exception(problem)
        else:
            waiter.set_result(list(outcomes or ()))

    store.submit(batch, done)
    return await waiter


async def ids_in(log: EventLog, partition: int, *, page: int = 100) -> list[str]:
    """The ids of a whole partition in order, read page by page; checks that a page reaches as far as it says."""
    found: list[str] = []
    after = 0
    while True:
        part = await log.read(partition, after, page)
        assert all(after < stored.position <= part.through for stored in part.events)
        assert len(part.events) <= page
        found += [stored.event.id for stored in part.events]
        if part.through <= after:
            return found
        after = part.through
