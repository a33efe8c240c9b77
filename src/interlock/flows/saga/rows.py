"""The rows by which runs hear of anything: internal events, and timers, which are deliveries to nobody."""

from __future__ import annotations

from typing import Protocol

import msgspec

from interlock.flows.saga.records import Run, Start
from interlock.model.clock import Clock
from interlock.model.event import UNPROTECTED, Event
from interlock.model.ids import Ids
from interlock.model.record import DeliveryRow, DeliveryState
from interlock.model.saga import TIMER_OPERATION, TIMER_SYSTEM, call_step, news_type
from interlock.model.saga import run_id as id_of
from interlock.sdk.news import News

VERSION = "1"


class Sources(Protocol):
    @property
    def clock(self) -> Clock: ...

    @property
    def ids(self) -> Ids: ...


def start_of(event: Event, position: int, generation: int) -> Start:
    return Start(
        position,
        generation,
        event.id,
        event.source,
        event.type,
        event.version,
        event.time_us,
        event.correlation,
        event.trace,
        event.business.hex(),
        msgspec.Raw(event.body),
    )


def event_of(run: Run) -> Event:
    """The starting event again: the cause of all that the run emits and calls."""
    start = run.start
    return Event(
        run.partition,
        start.id,
        start.source,
        start.type,
        start.version,
        run.key_hash,
        start.time_us,
        start.correlation,
        None,
        start.trace,
        bytes.fromhex(start.business),
        None,
        UNPROTECTED,
        None,
        bytes(start.body),
    )


def news_event(partition: int, key_hash: int, cause: Event, flow: str, news: News, sources: Sources) -> Event:
    """In the run's own partition, under its key: so it is handled in order, by whoever has the run."""
    return Event(
        partition,
        sources.ids.new_id(),
        f"flow:{flow}",
        news_type(flow),
        VERSION,
        key_hash,
        sources.clock.now_us(),
        cause.correlation or cause.id,
        cause.id,
        cause.trace,
        b"",
        None,
        UNPROTECTED,
        None,
        msgspec.json.encode(news),
    )


def timer_row(run: Run, number: int, name: str, now_us: int, due_us: int, timer_id: str) -> DeliveryRow:
    """Due at the moment; the deliverer then answers it to the run."""
    step = call_step(run.id, number, name)
    return DeliveryRow(
        timer_id,
        run.flow,
        run.partition,
        run.start.position,
        run.start.generation,
        run.key_hash,
        run.start.id,
        run.start.correlation or run.start.id,
        run.start.trace,
        TIMER_SYSTEM,
        TIMER_OPERATION,
        step,
        id_of(run.start.source, run.start.id, run.flow, step),
        DeliveryState.PENDING,
        0,
        due_us,
        now_us,
        b"",
    )
