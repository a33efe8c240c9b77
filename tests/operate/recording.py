"""A record written by hand on the memory store: commits as the engine makes them, at times that the test says."""

from __future__ import annotations

import asyncio
from typing import Any

from interlock.model.event import Event
from interlock.model.handling import HandlingState, Mark
from interlock.model.hashing import KeyHasher
from interlock.model.record import (
    DeliveryAttempt,
    DeliveryRow,
    DeliveryState,
    FailedAttempt,
    HandlingRow,
    Held,
    StartRow,
)
from interlock.model.step import Commit, CursorMove, Step, StepResult

BEGIN_US = 1_767_276_131_204_000  # 2026-01-01T14:02:11.204Z
SECRET = b"of the log"
FLOW = "fulfil-order"
ORDER = "orders.OrderPlaced"
PAYLOAD = b'{"customer":"Ada","total":"12.10"}'


def at(milliseconds: float) -> int:
    return BEGIN_US + int(milliseconds * 1000)


class Recording:
    """Milliseconds are counted from the first event."""

    def __init__(self, store: Any) -> None:
        self.store = store
        self.epoch = 0

    async def start(self, ms: float = -1000, estate_hash: str = "3f9c1a00") -> None:
        row = StartRow(0, at(ms), "0.1.0", "shop", estate_hash, "5e77")
        self.epoch = await self.store.acquire(row, {FLOW: [ORDER, "reply:payments.charge"], "ledger": ["pay.Paid"]})

    async def accept(self, event_id: str, ms: float = 0, key: str = "ORD-1042", **more: Any) -> int:
        """Append an event; its position."""
        done = asyncio.get_running_loop().create_future()
        business = KeyHasher(self.store.secret).digest(key)
        event = make_event(event_id, ms, **{"business": business} | more)
        self.store.append([event], lambda places, problem: done.set_result((places, problem)))
        places, problem = await done
        assert problem is None
        return int(places[0].position)

    async def step(self, step: Step, *moves: CursorMove) -> None:
        done = asyncio.get_running_loop().create_future()
        commit = Commit(self.epoch, [step], list(moves), [])
        self.store.submit(commit, lambda outcomes, problem: done.set_result((outcomes, problem)))
        outcomes, problem = await done
        assert (outcomes, problem) == ([None], None)

    async def handled(self, position: int, ms: float, state: HandlingState = HandlingState.DONE, **more: Any) -> None:
        result, hold = more.pop("result", StepResult()), more.pop("hold", None)
        supersede = more.pop("supersede", None)
        row = handling(position, ms, state, **more)
        await self.step(Step(handling=row, result=result, hold=hold, supersede=supersede))

    async def failed(self, position: int, ms: float, attempt: int, error: str = "handler_failed") -> None:
        frame = "fulfil.py:12 reserve_stock"
        await self.step(Step(failed=FailedAttempt(FLOW, 0, position, 0, attempt, at(ms), 3000, error, frame)))

    async def tried(
        self, call: DeliveryRow, ms: float, status: int | None, took_ms: float, attempt: int = 1, **more: Any
    ) -> None:
        """An attempt of the call; `state` and `due_us` are what became of it."""
        error = more.pop("error", None)
        tried = DeliveryAttempt(call.id, attempt, at(ms), int(took_ms * 1000), status, error)
        emits = more.pop("emits", ())
        row = call._replace(attempts=attempt, attempt=tried, **more)
        await self.step(Step(delivery=row, result=StepResult(emits=emits)))


def make_event(event_id: str, ms: float = 0, **more: Any) -> Event:
    event = Event(
        partition=0,
        id=event_id,
        source="storefront",
        type=ORDER,
        version="1.2.0",
        key_hash=7,
        time_us=at(ms),
        correlation=None,
        causation=None,
        trace=None,
        business=b"",
        attributes=None,
        scheme=0,
        key_id=None,
        body=PAYLOAD,
    )
    return event._replace(**more)


def handling(position: int, ms: float, state: HandlingState, **more: Any) -> HandlingRow:
    row = HandlingRow(FLOW, 0, position, 0, state, 1, at(ms), 3000, "reserve_stock", "1", None)
    return row._replace(**more)


def call(position: int, ms: float, event_id: str = "e1", **more: Any) -> DeliveryRow:
    row = DeliveryRow(
        id="d1",
        flow=FLOW,
        partition=0,
        position=position,
        generation=0,
        key_hash=7,
        event_id=event_id,
        correlation="e1",
        trace=None,
        system="payments",
        operation="charge",
        step="payments.charge",
        idempotency_key="9f2ab1c0ffee",
        state=DeliveryState.PENDING,
        attempts=0,
        due_us=at(ms),
        created_us=at(ms),
        body=PAYLOAD,
    )
    return row._replace(**more)


def held(position: int, ms: float, state: HandlingState, event: Event, **more: Any) -> Held:
    error, detail = "rejected", "Ada has no credit"
    row = Held(FLOW, 0, position, 0, 7, state, 2, None, at(ms), error, detail, False, event)
    return row._replace(**more)


__all__ = ["CursorMove", "HandlingState", "Mark", "Step", "StepResult"]
