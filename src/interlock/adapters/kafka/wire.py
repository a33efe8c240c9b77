"""An event as a Kafka record: CloudEvents Kafka protocol binding 1.0, binary content mode, and back.

Attributes are headers with the prefix `ce_`; the data is the value, its type the header `content-type`. What an event
has beyond CloudEvents stands in headers with the prefix `il_`, which a foreign reader may leave unread. The record's
key is the keyed hash of the partition key in hexadecimal, as `ce_partitionkey` says too (binding, section 3.1): the
clear key is nowhere but in the data. The timestamp is left to the driver, since the topic's retention counts from it
and an event may have waited in an outbox for days.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from interlock.model.event import UNPROTECTED, Event

Headers = list[tuple[str, Any]]  # texts and bytes; the driver's own type is wider
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FORMAT = b"1"
OURS = "il_format"
MORE = "il_more"  # how many events of the same call are still to come in this partition
JSON = b"application/json"
BYTES = b"application/octet-stream"
MASK = (1 << 64) - 1


# What an event says of itself, in headers that no other attribute may repeat: a reader refuses one that comes twice.
OWN = frozenset(
    "specversion id source type partitionkey dataschema correlationid causationid traceparent".split()  # noqa: SIM905
)


class Record(NamedTuple):
    """What is handed to the driver."""

    partition: int
    key: bytes
    value: bytes
    headers: Headers

    def beyond(self, limit: int) -> bool:
        """Whether the record is larger than that; the headers of most are not worth counting."""
        return 2 * len(self.value) > limit and self.size > limit

    @property
    def size(self) -> int:
        """Bytes, with what the protocol adds per record and header at most."""
        return len(self.key) + len(self.value) + 70 + sum(len(n) + len(v) + 10 for n, v in self.headers)


def records_of(events: Sequence[Event]) -> list[Record]:
    """One call's events; those of one partition count down to its last one."""
    if len(events) == 1:
        return [record_of(events[0], 0)]
    left: dict[int, int] = {}
    for event in events:
        left[event.partition] = left.get(event.partition, 0) + 1
    records = []
    for event in events:
        left[event.partition] -= 1
        records.append(record_of(event, left[event.partition]))
    return records


def record_of(event: Event, more: int) -> Record:
    """The inverse of `event_of`, byte for byte."""
    (partition, id_, source, type_, version, key_hash, time_us, correlation, causation, trace, business, attributes,
     scheme, key_id, body) = event  # fmt: skip
    key = b"%016x" % (key_hash & MASK)
    headers: Headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", id_.encode()),
        ("ce_source", source.encode()),
        ("ce_type", type_.encode()),
        ("ce_partitionkey", key),
        (OURS, FORMAT),
        ("il_time", b"%d" % time_us),
        ("il_version", version.encode()),
    ]
    if version:
        headers.append(("ce_dataschema", f"{type_}/{version}".encode()))
    content_type = JSON if scheme == UNPROTECTED else BYTES
    time = text_of_time(time_us)
    if attributes is not None:
        others: dict[str, Any] = orjson.loads(attributes)
        content_type = str(others.pop("datacontenttype", content_type.decode())).encode()
        time = str(others.pop("time", time.decode())).encode()
        headers += [(f"ce_{name}", text_of(value)) for name, value in others.items() if name not in OWN]
        headers.append(("il_attributes", attributes))
    headers += [("ce_time", time), ("content-type", content_type)]
    for name, value in (("ce_correlationid", correlation), ("ce_causationid", causation), ("ce_traceparent", trace)):
        if value is not None:
            headers.append((name, value.encode()))
    if business:
        headers.append(("il_business", business.hex().encode()))
    if scheme != UNPROTECTED:
        headers.append(("il_scheme", b"%d" % scheme))
    if key_id is not None:
        headers.append(("il_keyid", key_id.encode()))
    if more:
        headers.append((MORE, b"%d" % more))
    return Record(partition, key, body, headers)


def event_of(headers: Mapping[str, bytes], value: bytes, partition: int) -> Event:
    """Of a record of ours. KeyError or ValueError when it is not as it should be."""
    get = headers.get
    key_hash = int(headers["ce_partitionkey"], 16)
    correlation, causation, trace, key_id = (
        get("ce_correlationid"), get("ce_causationid"), get("ce_traceparent"), get("il_keyid")
    )  # fmt: skip
    return Event(
        partition=partition,
        id=headers["ce_id"].decode(),
        source=headers["ce_source"].decode(),
        type=headers["ce_type"].decode(),
        version=headers["il_version"].decode(),
        key_hash=key_hash - (1 << 64) if key_hash >> 63 else key_hash,
        time_us=int(headers["il_time"]),
        correlation=None if correlation is None else correlation.decode(),
        causation=None if causation is None else causation.decode(),
        trace=None if trace is None else trace.decode(),
        business=bytes.fromhex(get("il_business", b"").decode()),
        attributes=get("il_attributes"),
        scheme=int(get("il_scheme", b"%d" % UNPROTECTED)),
        key_id=None if key_id is None else key_id.decode(),
        body=value,
    )


def text_of(value: Any) -> bytes:
    """CloudEvents type system, section 'Type System': canonical texts of booleans and integers."""
    if isinstance(value, bool):
        return b"true" if value else b"false"
    return str(value).encode()


def text_of_time(time_us: int) -> bytes:
    """RFC 3339, exact to the microsecond."""
    seconds, rest = divmod(time_us, 1_000_000)
    return b"%s.%06dZ" % (_text_of_seconds(seconds), rest)


@lru_cache(16)
def _text_of_seconds(seconds: int) -> bytes:
    """Many events share one: this is half of the work for a record otherwise."""
    return (EPOCH + timedelta(seconds=seconds)).replace(tzinfo=None).isoformat().encode()
