"""Dead letters of both kinds, handlings and deliveries, as people list, read and act on them."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from interlock.delivery.targets import subject_of
from interlock.model.clock import to_rfc3339
from interlock.model.event import UNPROTECTED, Event
from interlock.model.handling import Mark
from interlock.model.problems import NotFound
from interlock.model.record import DeliveryAttempt, DeliveryRow, DeliveryState, FailedAttempt, Held
from interlock.ports.record_reader import RecordReader

LIMIT = 100_000
LARGEST = 2**63 - 1  # of the integers that a store can hold
REASON = r"^[a-z0-9][a-z0-9_-]{0,63}\Z"  # of a discard: a code, since the record holds no free text


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One line of the list. `id` is what the other commands take; `subject` the event type or the operation.

    `reason` is the code of the last error. `detail` is free text and may hold values.
    """

    id: str
    kind: str  # "handling" or "delivery"
    flow: str
    subject: str
    event_id: str
    at_us: int
    attempts: int
    reason: str
    detail: str | None
    overtaken: bool  # later events of its key were handled meanwhile

    def as_data(self) -> dict[str, Any]:
        data = {name: getattr(self, name) for name in self.__slots__ if name != "at_us"}
        return {**data, "at": to_rfc3339(self.at_us)}


@dataclass(frozen=True, slots=True)
class DeadLetterStory:
    """All there is to know about one."""

    letter: DeadLetter
    contract: str
    contract_version: str
    flow_version: str
    correlation: str
    trace: str | None
    attempts: tuple[dict[str, Any], ...]
    payload: Any

    def as_data(self, with_payload: bool) -> dict[str, Any]:
        data = self.letter.as_data()
        data |= {name: getattr(self, name) for name in self.__slots__ if name not in ("letter", "payload")}
        data["attempts"] = list(self.attempts)
        return data | ({"payload": self.payload} if with_payload else {})


async def list_dead(reader: RecordReader, flow: str | None, limit: int = LIMIT) -> list[DeadLetter]:
    """Handlings by place in the log, then deliveries by age: oldest first, which is the order to redrive them in."""
    letters = [of_handling(held) for held in await reader.dead_letters(flow, limit)]
    for row in await reader.dead_deliveries(limit):
        if flow in (None, row.flow):
            letters.append(of_delivery(row, await reader.attempts_of(row.id)))
    return letters[:limit]


async def find_dead(reader: RecordReader, letter_id: str) -> DeadLetterStory:
    """By `flow/partition/position/generation` or delivery id. NotFound when it is no dead letter (any more)."""
    mark = parse_mark(letter_id)
    if mark is not None:
        return await _handling_story(reader, mark)
    row = await reader.find_delivery(letter_id)
    if row is None or row.state is not DeliveryState.DEAD:
        raise _no_such(letter_id)
    return await _delivery_story(reader, row)


def parse_mark(letter_id: str) -> Mark | None:
    """The mark that the id writes out; None for a delivery id."""
    parts = letter_id.rsplit("/", 3)
    if len(parts) != 4 or not parts[0] or not all(part.isascii() and part.isdigit() for part in parts[1:]):
        return None
    if any(len(part) > len(str(LARGEST)) or int(part) > LARGEST for part in parts[1:]):
        return None  # no mark has such a number
    return Mark(parts[0], *map(int, parts[1:]))


def of_handling(held: Held) -> DeadLetter:
    place = f"{held.flow}/{held.partition}/{held.position}/{held.generation}"
    event = held.event
    return DeadLetter(
        place,
        "handling",
        held.flow,
        event.type,
        event.id,
        held.held_us,
        held.attempts,
        held.error or "unknown",
        held.detail,
        held.overtaken,
    )


def of_delivery(row: DeliveryRow, attempts: Sequence[DeliveryAttempt]) -> DeadLetter:
    last = attempts[-1] if attempts else None
    reason = "unknown" if last is None else last.error or f"status {last.status}"
    at_us = last.at_us if last else row.created_us
    what = subject_of(row)
    return DeadLetter(row.id, "delivery", row.flow, what, row.event_id, at_us, row.attempts, reason, None, False)


async def _handling_story(reader: RecordReader, mark: Mark) -> DeadLetterStory:
    held = next((row for row in await reader.dead_letters(mark.flow, LIMIT) if row[:4] == mark), None)
    if held is None:
        raise _no_such("/".join(map(str, mark)))
    event = held.event
    rows = await reader.handlings_of(mark.partition, mark.position)
    flow_version = next((row.flow_version for row in rows if row[:4] == mark), "unknown")
    failures = await reader.failures_of(mark.partition, mark.position)
    attempts = tuple(_failure(row) for row in failures if row.flow == mark.flow)
    return DeadLetterStory(
        of_handling(held),
        event.type,
        event.version,
        flow_version,
        event.correlation_id,
        event.trace,
        attempts,
        _payload(event.body, event),
    )


async def _delivery_story(reader: RecordReader, row: DeliveryRow) -> DeadLetterStory:
    attempts = await reader.attempts_of(row.id)
    cause = next((stored.event for stored in await reader.find_events(row.event_id)), None)
    rows = await reader.handlings_of(row.partition, row.position)
    flow_version = next((entry.flow_version for entry in rows if entry.flow == row.flow), "unknown")
    return DeadLetterStory(
        of_delivery(row, attempts),
        cause.type if cause else "unknown",
        cause.version if cause else "unknown",
        flow_version,
        row.correlation,
        row.trace,
        tuple(_try(entry) for entry in attempts),
        _payload(row.body or b"", None),
    )


def _failure(row: FailedAttempt) -> dict[str, Any]:
    told = {"generation": row.generation, "attempt": row.attempt, "error": row.error, "frame": row.frame}
    return {"at": to_rfc3339(row.at_us), "duration_us": row.duration_us, **told}


def _try(row: DeliveryAttempt) -> dict[str, Any]:
    told = {"attempt": row.attempt, "status": row.status, "error": row.error}
    return {"at": to_rfc3339(row.at_us), "duration_us": row.duration_us, **told}


def _payload(body: bytes, event: Event | None) -> Any:
    """JSON where it is some; otherwise, and when it is protected, base64."""
    try:
        if event is None or event.scheme == UNPROTECTED:
            return json.loads(body) if body else None
    except ValueError:
        pass
    return {"base64": base64.b64encode(body).decode()}


def _no_such(letter_id: str) -> NotFound:
    return NotFound(f"{letter_id} is no dead letter.", next_step="List them with: interlock dlq list")
