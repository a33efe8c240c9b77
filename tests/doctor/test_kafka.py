"""`interlock doctor` on the Kafka protocol: against the Tansu broker and librdkafka's mock cluster, which keep nothing
on disk and tell few settings; what an Apache broker would tell is judged from its words."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import Producer

from interlock.adapters.kafka.examination import (
    Place,
    Wanted,
    durability_findings,
    examine,
    in_sync_finding,
    kept_finding,
    tls_finding,
)
from interlock.adapters.system import SystemClock
from interlock.model.diagnosis import Finding
from interlock.testing.kafka_server import MockKafka, TansuKafka

HOUR_MS = 3_600_000
NOW_MS = 1_800_000_000_000


def look(servers: str, wanted: Wanted) -> dict[str, Finding]:
    return {one.check: one for one in asyncio.run(examine(servers, {}, wanted, SystemClock()))}


def produce(servers: str, topic: str, count: int) -> None:
    producer = Producer({"bootstrap.servers": servers, "acks": "all"})
    for number in range(count):
        producer.produce(topic, value=b"{}", partition=number % 4)
    assert producer.flush(20) == 0


@pytest.fixture(scope="module")
def mock() -> Iterator[MockKafka]:
    server = MockKafka(brokers=3)
    server.start()
    yield server
    server.stop()


def test_three_mock_brokers(mock: MockKafka) -> None:
    mock.topic("orders", 4)
    produce(mock.address, "orders", 40)
    found = look(mock.address, Wanted("orders", 4, 3, {0: 2, 1: 10, 2: 10, 3: 10}))
    assert found["KAFKA_REACHED"].verdict == "ok"
    assert found["KAFKA_PARTITIONS"].verdict == "ok"
    assert "3 brokers keep each event" in found["KAFKA_REPLICAS"].said
    assert found["KAFKA_IN_SYNC"].verdict == "ok"
    assert found["KAFKA_KEPT"].verdict in ("ok", "unknown")
    mock.expire("orders", 0, 5)  # what the slowest flow had still to read
    gone = look(mock.address, Wanted("orders", 4, 3, {0: 2, 1: 10, 2: 10, 3: 10}))["KAFKA_KEPT"]
    assert (gone.verdict, "partitions 0" in gone.said) == ("broken", True)
    assert look(mock.address, Wanted("orders", 8, 5, {}))["KAFKA_PARTITIONS"].verdict == "broken"
    assert look(mock.address, Wanted("orders", 8, 5, {}))["KAFKA_REPLICAS"].verdict == "broken"


def test_one_broker_alone_may_lose_what_it_acknowledged() -> None:
    server = TansuKafka()
    server.start()
    try:
        server.topic("orders", 4)
        found = look(server.address, Wanted("orders", 4, 1, {}))
        assert (found["KAFKA_REPLICAS"].verdict, found["KAFKA_REPLICAS"].promise) == ("broken", "Accepted is durable")
        assert "power cut" in found["KAFKA_REPLICAS"].said
        assert "no topic nowhere yet" in look(server.address, Wanted("nowhere", 4, 1, {}))["KAFKA_TOPIC"].said
    finally:
        server.stop()


def test_no_broker() -> None:
    found = look("127.0.0.1:1", Wanted("orders", 4, 1, {}))
    assert {check: one.verdict for check, one in found.items()} == {"KAFKA_REACHED": "unknown"}


@pytest.mark.parametrize(
    ("replicas", "config", "verdicts"),
    [
        (3, {"min.insync.replicas": "2", "unclean.leader.election.enable": "false"}, ["ok", "ok", "ok"]),
        (3, {"min.insync.replicas": "1"}, ["ok", "broken", "ok"]),
        (3, {"min.insync.replicas": "2", "unclean.leader.election.enable": "true"}, ["ok", "ok", "broken"]),
        (2, {"min.insync.replicas": "3"}, ["broken", "broken", "ok"]),
        (1, {"min.insync.replicas": "1"}, ["broken", "ok", "ok"]),
        (1, {"min.insync.replicas": "1", "flush.messages": "1"}, ["ok", "ok", "ok"]),
        (3, None, ["ok", "unknown", "unknown"]),
    ],
)
def test_durability(replicas: int, config: dict[str, str] | None, verdicts: list[str]) -> None:
    wanted = 3 if replicas == 2 else 1
    assert [one.verdict for one in durability_findings(replicas, config, wanted)] == verdicts


@pytest.mark.parametrize(
    ("leader", "isrs", "least", "verdict"),
    [(1, [1, 2, 3], "2", "ok"), (1, [1, 2], "2", "warn"), (1, [1], "2", "broken"), (-1, [], "2", "broken")],
)
def test_replicas_in_sync(leader: int, isrs: list[int], least: str, verdict: str) -> None:
    partition: Any = SimpleNamespace(leader=leader, isrs=isrs, replicas=[1, 2, 3])
    assert in_sync_finding({0: partition}, {"min.insync.replicas": least}).verdict == verdict


@pytest.mark.parametrize(
    ("config", "place", "verdict"),
    [
        ({"retention.ms": "-1", "retention.bytes": "-1"}, Place(0, 9, NOW_MS - HOUR_MS), "ok"),
        ({"retention.ms": str(24 * HOUR_MS)}, Place(0, 9, NOW_MS - HOUR_MS), "warn"),
        ({"retention.ms": str(HOUR_MS)}, Place(0, 9, NOW_MS - HOUR_MS), "broken"),
        ({"retention.ms": "-1", "retention.bytes": "5"}, Place(0, 9, None), "warn"),
        ({"cleanup.policy": "compact"}, Place(0, 9, None), "broken"),
        ({"retention.ms": "-1"}, Place(5, 9, None), "broken"),
        (None, Place(0, 9, None), "unknown"),
    ],
)
def test_what_a_topic_keeps(config: dict[str, str] | None, place: Place, verdict: str) -> None:
    assert kept_finding(config, {0: 3}, {0: place}, NOW_MS).verdict == verdict


def test_encryption() -> None:
    assert tls_finding("k1.example:9092", "sasl_ssl").verdict == "ok"
    assert tls_finding("127.0.0.1:9092,[::1]:9093", "plaintext").verdict == "ok"
    assert tls_finding("k1.example:9092", "sasl_plaintext").verdict == "warn"
