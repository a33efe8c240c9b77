"""Producers and consumers that know NATS and CloudEvents, and nothing of us: stock clients, in both directions."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import jetstream
import nats
import pytest
from cloudevents.core.bindings import http
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from nats.js import JetStreamContext
from nats.js.api import ConsumerConfig, DeliverPolicy

from interlock.adapters.jetstream import JetStreamLog
from interlock.model.event import UNCHECKED, Event, Stored
from interlock.model.hashing import KeyHasher
from interlock.testing.samples import append, event

from .conftest import Opener
from .test_lost_messages import until

DATA = {"order": "A-1", "total": "12.50"}


@pytest.fixture
async def stock() -> AsyncIterator[JetStreamContext]:
    client = await nats.connect(jetstream.server().url)
    yield client.jetstream()
    await client.close()


def cloud_event(number: int = 1, **more: Any) -> CloudEvent:
    attributes = {
        "id": f"f{number}",
        "source": "/partner",
        "type": "orders.OrderPlaced",
        "time": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        "specversion": "1.0",
        "datacontenttype": "application/json",
        **more,
    }
    return CloudEvent(attributes=attributes, data=DATA)


def binary(one: CloudEvent) -> tuple[bytes, dict[str, str]]:
    message = http.to_binary(one, JSONFormat())
    headers = {name: value for name, value in message.headers.items() if name.lower() != "content-type"}
    return bytes(message.body), headers | {"ce-datacontenttype": "application/json"}


async def heard_by(log: JetStreamLog) -> list[Stored]:
    heard: list[Stored] = []
    log.listen(heard.extend)
    return heard


async def test_a_stock_producer_in_both_modes(opener: Opener, stream: str, stock: JetStreamContext) -> None:
    log = await opener()
    heard = await heard_by(log)
    body, headers = binary(cloud_event(1, subject="caf\u00e9 1", partitionkey="A-1", dataschema="https://x/s/1.2.0"))
    await stock.publish(f"{stream}.in.A-1.orders.OrderPlaced", body, headers=headers)
    structured = http.to_structured(cloud_event(2), JSONFormat())
    await stock.publish(
        f"{stream}.in.A-1.orders.OrderPlaced",
        bytes(structured.body),
        headers={"Content-Type": "application/cloudevents+json"},
    )
    await stock.publish(
        f"{stream}.p.3.orders.OrderPlaced", bytes(http.to_structured(cloud_event(3), JSONFormat()).body)
    )
    await until(lambda: len(heard) == 3)
    first, second, third = (stored.event for stored in heard)
    assert (first.id, first.source, first.type, first.version) == ("f1", "/partner", "orders.OrderPlaced", UNCHECKED)
    assert json.loads(first.attributes or b"") == {"subject": "caf\u00e9 1", "dataschema": "https://x/s/1.2.0"}
    assert first.key_hash == KeyHasher(jetstream.SECRET).number("A-1")
    assert second.key_hash == first.key_hash, "without a declared key, that of the subject"
    assert third.key_hash == KeyHasher(jetstream.SECRET).number("/partner\x1ff3"), "without either, its identity"
    assert [json.loads(one.body) for one in (first, second, third)] == [DATA] * 3
    assert first.partition == second.partition, "the server chose it by the key in the subject"
    assert third.partition == 3, "a partition is trusted as delivered"
    for stored in heard:
        part = await log.read(stored.event.partition, stored.position - 1, 1)
        assert list(part.events) == [stored]


async def test_a_stock_consumer(opener: Opener, stream: str, stock: JetStreamContext) -> None:
    log = await opener()
    ours = event(1, 2)._replace(
        source="shop \u00e4", correlation="order 1", attributes=b'{"subject":"\xc3\xa9","sampled":true,"rank":3}'
    )
    await append(log, [ours, event(2, 1)._replace(type="stock.Counted")])
    wanted = ConsumerConfig(deliver_policy=DeliverPolicy.ALL)
    subscription = await stock.pull_subscribe(f"{stream}.p.*.*.orders.>", "reporting", stream=stream, config=wanted)
    (message,) = await subscription.fetch(5, timeout=2)
    found = http.from_binary(
        http.HTTPMessage(headers=dict(message.headers or {}), body=message.data), JSONFormat(), CloudEvent
    )
    assert found.get_id() == ours.id
    assert found.get_source() == ours.source
    assert found.get_type() == ours.type
    assert found.get_subject() == "\u00e9"
    assert found.get_time() == datetime.fromtimestamp(ours.time_us / 1e6, UTC)
    assert found.get_dataschema() == f"interlock:/{ours.type}/{ours.version}"
    assert found.get_extension("correlationid") == "order 1"
    assert found.get_data() == {"number": 1}
    await message.ack()


UNREADABLE: list[tuple[bytes, dict[str, str] | None]] = [
    (b"no event at all", None),
    (b"[1]", None),
    (b'{"specversion":"1.0","source":"s","type":"t","data":1}', None),  # no id
    (b'{"specversion":"0.3","id":"1","source":"s","type":"t","data":1}', None),
    (b'{"specversion":"1.0","id":"1","source":"s","type":"t","data_base64":"AA=="}', None),
    (b"{}", {"ce-specversion": "1.0", "ce-id": "%FF", "ce-source": "s", "ce-type": "t"}),
    (b"\xff", {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "s", "ce-type": "t"}),
    (b"{}", {"ce-id": "1", "Interlock-Key": "no number"}),
]


async def test_what_cannot_be_read_stops_nothing(
    opener: Opener, stream: str, stock: JetStreamContext, caplog: pytest.LogCaptureFixture
) -> None:
    """It is passed over, counted, told without its content, and stays in the stream."""
    log = await opener()
    heard = await heard_by(log)
    await append(log, [event(1)])
    for body, headers in UNREADABLE:
        await stock.publish(f"{stream}.p.0.x", body, headers=headers)
    await stock.publish(f"{stream}.p.elsewhere.x", b"{}")
    last = (await append(log, [event(2)]))[0]
    await until(lambda: len(heard) == 2)
    assert sum(log.quarantine.counts.values()) == len(UNREADABLE) + 1
    assert "no event at all" not in caplog.text
    assert len(caplog.records) == len(UNREADABLE) + 1
    fresh = await opener()
    part = await fresh.read(0, 0, 100)
    assert [stored.event.id for stored in part.events] == [event(1).id, event(2).id]
    assert part.through == last.position
    part = await fresh.read(0, 1, 3)
    assert (list(part.events), part.through) == ([], 4), "a page of nothing readable goes on"
    kept = await stock.get_msg(stream, 2)
    assert kept.data == b"no event at all"


@pytest.mark.parametrize(
    "change", [lambda one: one._replace(id='a|b "%\u00e9'), lambda one: one._replace(type="a b.*>~%")]
)
async def test_names_that_subjects_and_headers_cannot_hold(opener: Opener, change: Callable[[Event], Event]) -> None:
    log = await opener()
    odd = change(event(1))
    place = (await append(log, [odd, event(2)]))[0]
    assert (await append(log, [odd]))[0] == place._replace(duplicate=True)
    assert (await log.read(0, 0, 1)).events[0].event == odd


async def test_identities_are_joined_without_ambiguity(opener: Opener) -> None:
    log = await opener()
    pairs = [("a", "b|c"), ("a|b", "c"), ("", "a|b|c"), ("a%7Cb", "c"), ("a b", "c"), ("", "c"), ("c", " ")]
    for source, one in pairs:
        assert not (await append(log, [event(1, source=source)._replace(id=one)]))[0].duplicate
