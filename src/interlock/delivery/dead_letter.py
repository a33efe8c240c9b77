"""What people may do with a dead-lettered delivery: send it again, or give it up."""

from __future__ import annotations

from interlock.delivery.outcome import TRANSITIONS, WORDS, Outcome
from interlock.delivery.settlement import discard_news
from interlock.delivery.submission import commit_step
from interlock.model.clock import Clock
from interlock.model.ids import Ids
from interlock.model.problems import BusinessConflict, NotFound
from interlock.model.record import DeliveryRow, DeliveryState
from interlock.model.saga import called_by
from interlock.model.step import Step, StepResult
from interlock.ports.state_store import StateStore


async def redrive(store: StateStore, clock: Clock, ids: Ids, epoch: int, delivery_id: str) -> DeliveryRow:
    """Replace a dead delivery by a new one with the same idempotency key, in one commit; give it to the deliverer.

    The target sees another webhook-id, so that it does not take it for the message that it lost, but the same key,
    so that an effect which did happen does not happen twice. NotFound, BusinessConflict when it is not dead.
    """
    dead = await _dead(store, delivery_id)
    now_us = clock.now_us()
    fresh = dead._replace(
        id=ids.new_id(), state=DeliveryState.PENDING, attempts=0, due_us=now_us, created_us=now_us, attempt=None
    )
    step = Step(delivery=_given_up(dead), result=StepResult(calls=(fresh,)))
    await commit_step(store, clock, ids, epoch, step)
    return fresh


async def discard(store: StateStore, clock: Clock, ids: Ids, epoch: int, delivery_id: str) -> DeliveryRow:
    """Give a dead delivery up for good. NotFound, BusinessConflict when it is not dead."""
    given_up = _given_up(await _dead(store, delivery_id))
    called = called_by(given_up.step)
    emits = () if called is None else (discard_news(given_up, called, clock.now_us()),)
    await commit_step(store, clock, ids, epoch, Step(delivery=given_up, result=StepResult(emits=emits)))
    return given_up


async def _dead(store: StateStore, delivery_id: str) -> DeliveryRow:
    row = await store.delivery(delivery_id)
    if row is None:
        raise NotFound(f"There is no delivery {delivery_id}.", next_step="List them with: interlock dlq list")
    if row.state is not DeliveryState.DEAD:
        raise BusinessConflict(f"Delivery {delivery_id} is {WORDS[row.state]}, not dead-lettered.")
    return row


def _given_up(row: DeliveryRow) -> DeliveryRow:
    return row._replace(state=TRANSITIONS[row.state, Outcome.GIVEN_UP], attempt=None)
