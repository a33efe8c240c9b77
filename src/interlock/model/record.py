"""The rows of the record. Metadata only, but for the bodies that Held, DeliveryRow and Answer keep while needed.

Field order is storage order; adapters bind the tuples as they are. Times are microseconds since the epoch, UTC.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from interlock.model.event import Event
from interlock.model.handling import HandlingState


class HandlingRow(NamedTuple):
    """Dedupe mark and record of one handling."""

    flow: str
    partition: int
    position: int
    generation: int
    state: HandlingState
    attempts: int
    at_us: int
    duration_us: int
    handler: str
    flow_version: str
    error: str | None  # problem code, or the reason of a skip


class FailedAttempt(NamedTuple):
    """One failed run of a handler. `frame` names file, line and function, never a value."""

    flow: str
    partition: int
    position: int
    generation: int
    attempt: int
    at_us: int
    duration_us: int
    error: str
    frame: str


class Held(NamedTuple):
    """An envelope kept by the state store: a parked event, or a dead letter. A copy, since brokers expire.

    `detail` is free text about the failure: it belongs to the erasable body, not to the record.
    `due_us` is when the next attempt is due; None when it waits behind its key's head, or is dead.
    """

    flow: str
    partition: int
    position: int
    generation: int
    key_hash: int
    state: HandlingState  # PARKED or DEAD
    attempts: int
    due_us: int | None
    held_us: int
    error: str | None
    detail: str | None
    overtaken: bool
    event: Event


class DeliveryState(IntEnum):
    """Values are part of the storage format. PENDING is the only one that is not final."""

    PENDING = 0
    SUCCEEDED = 1
    REFUSED = 2  # the target said no for good (4xx), a business answer
    DEAD = 3  # the schedule ran out
    DISCARDED = 4


class DeliveryRow(NamedTuple):
    """One call to the outside, from intent to outcome. `body` is dropped once it succeeded."""

    id: str
    flow: str
    partition: int
    position: int
    generation: int
    key_hash: int
    event_id: str
    correlation: str
    trace: str | None
    system: str
    operation: str
    step: str
    idempotency_key: str
    state: DeliveryState
    attempts: int
    due_us: int
    created_us: int
    body: bytes | None
    attempt: DeliveryAttempt | None = None  # the attempt that led to this state


class DeliveryAttempt(NamedTuple):
    """One try on the wire. `status` is the HTTP status, or None when no answer came."""

    delivery_id: str
    attempt: int
    at_us: int
    duration_us: int
    status: int | None
    error: str | None


class Answer(NamedTuple):
    """The stored answer of a request with an Idempotency-Key. The claim is the row: one per scope."""

    scope: str  # principal, method, route and key, joined by U+001F
    fingerprint: bytes
    epoch: int
    at_us: int
    expires_us: int
    status: int
    content_type: str
    body: bytes


class RefusalRow(NamedTuple):
    """Refusals at the edge, aggregated per hour, code, contract and producer, with one sample place."""

    hour_us: int
    code: str
    contract: str
    source: str
    pointer: str
    total: int
    first_us: int
    last_us: int


class StartRow(NamedTuple):
    """One start of the engine: which estate and which settings ran from then on."""

    epoch: int
    at_us: int
    release: str
    estate: str
    estate_hash: str
    settings_hash: str


class Tally(NamedTuple):
    """How many handlings of a flow are in a state (the current generation of each event)."""

    flow: str
    state: HandlingState
    total: int
