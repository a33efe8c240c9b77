"""One delivery as an HTTP request. Secrets and bodies stay out of every repr."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from interlock.delivery.webhook_signature import SigningKeys
from interlock.model.record import DeliveryRow
from interlock.model.retry import RetrySchedule

_TRACE_PARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", re.ASCII)
_STRUCTURED = re.compile(r"[\x20-\x7e]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Target:
    """One operation of a system, ready to be called. `keys` is None for a system that takes unsigned calls."""

    name: str
    system: str
    method: str
    url: str
    timeout_seconds: float
    concurrency: int
    retry: RetrySchedule
    keys: SigningKeys | None = field(repr=False)


def headers_of(row: DeliveryRow, body: bytes, keys: SigningKeys | None, now_us: int) -> dict[str, str]:
    """The headers of an attempt at `now_us`. The id and the idempotency key are the same in every attempt.

    Standard Webhooks 1.0.0; Idempotency-Key as draft-ietf-httpapi-idempotency-key-header has it, a structured-field
    string; traceparent as W3C Trace Context has it, left out when the producer's was no such thing.
    """
    timestamp = now_us // 1_000_000
    headers = {
        "content-type": "application/json",
        "user-agent": "interlock",
        "idempotency-key": structured_string(row.idempotency_key),
        "webhook-id": row.id,
        "webhook-timestamp": str(timestamp),
    }
    if keys is not None:
        headers["webhook-signature"] = keys.sign(row.id, timestamp, body)
    if row.trace is not None and _TRACE_PARENT.fullmatch(row.trace):
        headers["traceparent"] = row.trace
    return headers


def structured_string(text: str) -> str:
    """A structured-field string (RFC 9651 section 4.1.6), quotes included. ValueError beyond printable ASCII."""
    if not _STRUCTURED.fullmatch(text):
        raise ValueError("a structured-field string holds printable ASCII only")
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
