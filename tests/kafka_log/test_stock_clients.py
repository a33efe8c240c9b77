"""Producers and consumers that know nothing of us: confluent-kafka with the CloudEvents SDK, in both directions."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import kafka
import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary, to_binary, to_structured
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from confluent_kafka import Consumer, Producer

from interlock.adapters.kafka import KafkaLog
from interlock.model.event import UNCHECKED
from interlock.model.hashing import KeyHasher
from interlock.ports.event_log import Slice
from interlock.testing.samples import append, event

from .conftest import SECRET, Opener

ATTRIBUTES = {
    "id": "o-1",
    "source": "/shop/löwe",
    "type": "orders.OrderPlaced",
    "specversion": "1.0",
    "datacontenttype": "application/json",
    "dataschema": "https://shop.test/orders.OrderPlaced/1.2.0",
    "partitionkey": "customer-7",
    "correlationid": "c-1",
    "subject": "order 1",
}
DATA = {"number": 1, "total": "12.50"}


Message = tuple[dict[str, bytes], bytes | None, bytes | None]


async def heard(log: KafkaLog, through: int) -> Slice:
    """What is in partition 1 once all of it was heard."""
    async with asyncio.timeout(15):
        while log.head(1) < through:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    return await log.read(1, 0, 100)


def produce(server: kafka.KafkaServer, topic: str, *messages: Message) -> None:
    producer = Producer({"bootstrap.servers": server.address})
    for headers, key, value in messages:
        producer.produce(topic, value=value, key=key, partition=1, headers=list(headers.items()))
    assert producer.flush(10) == 0


@pytest.mark.parametrize("mode", [to_binary, to_structured])
async def test_a_stock_producer_is_heard(broker: kafka.KafkaServer, open_log: Opener, mode: Any) -> None:
    topic = kafka.new_topic(broker)
    log = await open_log(broker, topic)
    message = mode(CloudEvent(attributes=ATTRIBUTES, data=DATA), JSONFormat())
    key = message.key.encode() if isinstance(message.key, str) else message.key
    produce(broker, topic, (message.headers, key, message.value))
    ((_, found),) = (await heard(log, 1)).events
    assert (found.id, found.source, found.type, found.version) == ("o-1", "/shop/löwe", "orders.OrderPlaced", UNCHECKED)
    assert (found.partition, found.correlation) == (1, "c-1")
    assert found.key_hash == KeyHasher(SECRET).number("customer-7")
    attributes = json.loads(found.attributes)
    assert (attributes["subject"], attributes["dataschema"]) == ("order 1", ATTRIBUTES["dataschema"])
    assert json.loads(found.body) == DATA
    assert found.time_us > 0
    assert log.unreadable == 0


async def test_a_stock_consumer_understands_us(broker: kafka.KafkaServer, open_log: Opener) -> None:
    topic = kafka.new_topic(broker)
    log = await open_log(broker, topic)
    ours = event(1, 2)._replace(
        correlation="c-1", attributes=b'{"subject":"\xc3\xa9","time":"2026-01-01T00:00:00Z","rank":3,"fast":true}'
    )
    (place,) = await append(log, [ours])
    consumer = Consumer({"bootstrap.servers": broker.address, "group.id": "x", "auto.offset.reset": "earliest",
                         "session.timeout.ms": 6000, "enable.auto.commit": False})  # fmt: skip
    consumer.subscribe([topic])
    message = consumer.poll(20)
    consumer.close()
    assert message is not None
    assert message.error() is None
    assert (message.partition(), message.offset()) == (2, place.position - 1)
    headers: Any = dict(message.headers() or ())
    read = from_binary(KafkaMessage(headers, message.key(), message.value() or b""), JSONFormat())
    attributes = read.get_attributes()
    assert (read.get_id(), read.get_source(), read.get_type()) == (ours.id, ours.source, ours.type)
    assert read.get_data() == {"number": 1}
    assert attributes["dataschema"] == "orders.OrderPlaced/1.0.0"
    assert (attributes["subject"], attributes["correlationid"]) == ("é", "c-1")
    assert (attributes["rank"], attributes["fast"]) == ("3", "true")
    assert attributes["time"].isoformat() == "2026-01-01T00:00:00+00:00"
    assert attributes["partitionkey"] == f"{ours.key_hash:016x}", "the keyed hash, never the key"


async def test_what_is_no_event_is_passed_over_and_stops_nothing(
    broker: kafka.KafkaServer, open_log: Opener, caplog: pytest.LogCaptureFixture
) -> None:
    topic = kafka.new_topic(broker)
    log = await open_log(broker, topic)
    good = to_binary(CloudEvent(attributes=ATTRIBUTES, data=DATA), JSONFormat())
    ours = {"il_format": b"1", "ce_id": b"x"}
    produce(
        broker, topic,
        ({}, None, b"hello"),
        ({}, b"key", None),
        ({**good.headers, "ce_specversion": b"0.3"}, None, good.value),
        ({**good.headers, "ce_id": b""}, None, good.value),
        ({**good.headers, "ce_id": b"\xff\xfe"}, None, good.value),
        (good.headers, None, b"{"),
        (good.headers, b"\xff", good.value),
        ({**good.headers, "content-type": b"image/png"}, None, good.value),
        ({"content-type": b"application/cloudevents+json"}, None, b"[]"),
        ({"content-type": b"application/cloudevents+json"}, None, b'{"specversion":"1.0","data_base64":"AA=="}'),
        (ours, None, good.value),
        (good.headers, None, good.value),
    )  # fmt: skip
    part = await heard(log, 12)
    assert [stored.event.id for stored in part.events] == ["o-1", "o-1"], "a key may be any bytes"
    assert part.through == 12
    assert log.unreadable >= 10
    lines = [record for record in caplog.records if record.msg == "log.passed_over"]
    assert len(lines) == 1
    assert "hello" not in str(vars(lines[0]))
