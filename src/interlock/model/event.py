"""The event, as it stands in the log."""

from __future__ import annotations

from typing import NamedTuple

UNPROTECTED = 0
UNCHECKED = ""  # version of an event that a foreign producer put into the log itself


class Event(NamedTuple):
    """One fact, immutable. The field order is the storage order: adapters bind the tuple as it is.

    Identities: (source, id) comes from the producer; (partition, position) comes from the log and orders.
    A NamedTuple and not a dataclass, because the hot path makes one or two for each request.
    """

    partition: int
    id: str  # CloudEvents `id`
    source: str  # CloudEvents `source`
    type: str  # CloudEvents `type`
    version: str  # semantic version of the contract that it was validated against, or UNCHECKED
    key_hash: int  # keyed hash of the partition key, signed 64 bits
    time_us: int  # when this log accepted it
    correlation: str | None  # None: its own id
    causation: str | None  # id of the event or delivery that led to it
    trace: str | None  # W3C traceparent
    business: bytes  # keyed hashes of the business keys, 8 bytes each
    attributes: bytes | None  # other CloudEvents attributes as JSON
    scheme: int  # protection of the body: UNPROTECTED, or a scheme of the trust room
    key_id: str | None  # key that protects the body
    body: bytes  # data, JSON unless protected

    @property
    def correlation_id(self) -> str:
        return self.correlation or self.id


class Stored(NamedTuple):
    """An event with its place in the log."""

    position: int
    event: Event


class Appended(NamedTuple):
    """What became of one appended event: where it is, and whether it was there before."""

    partition: int
    position: int
    duplicate: bool
