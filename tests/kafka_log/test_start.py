"""What is wrong with brokers, credentials or topic is said at start, with the next step, and not after an event."""

from __future__ import annotations

import time
from collections.abc import Iterator

import kafka
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from interlock.adapters.kafka import KafkaLog
from interlock.adapters.kafka.address import parse
from interlock.adapters.kafka.topic import Facts, Wanted, refuse
from interlock.model.problems import FormatUnsupported, Problem, SettingInvalid, StorageUnavailable
from interlock.testing.kafka_server import TansuKafka
from interlock.testing.samples import append, event
from interlock.testing.server_process import free_port

from .conftest import SECRET, Opener


@pytest.fixture
def tansu() -> kafka.KafkaServer:
    return kafka.server("tansu")


@pytest.fixture
def closed_tansu() -> Iterator[TansuKafka]:
    made = TansuKafka(authentication=True)
    made.start()
    yield made
    made.stop()


async def test_a_missing_topic_is_made(tansu: kafka.KafkaServer, open_log: Opener) -> None:
    topic = f"made{time.monotonic_ns()}"
    log = await open_log(tansu, topic, partitions=3, identity="shop")
    assert log.partitions == 3
    assert log.facts.settings["min.insync.replicas"] == "1"
    assert log.log_capabilities.acceptance == "acknowledged"
    found = AdminClient({"bootstrap.servers": tansu.address}).list_topics(timeout=5).topics
    assert (len(found[topic].partitions), len(found[f"{topic}.meta"].partitions)) == (3, 1)
    again = await open_log(tansu, topic, partitions=3, identity="shop")
    assert (await append(again, [event(1)]))[0].position == 1


async def test_a_topic_that_may_not_be_made_is_named_with_the_command(mock: kafka.MockKafka, open_log: Opener) -> None:
    with pytest.raises(SettingInvalid, match="topic absent is missing") as caught:
        await open_log(mock, "absent", partitions=3, create=False)
    assert "--create --topic absent --partitions 3 --replication-factor 1" in caught.value.step


async def test_other_partitions_are_refused(broker: kafka.KafkaServer, open_log: Opener) -> None:
    topic = kafka.new_topic(broker, 3)
    with pytest.raises(SettingInvalid, match=r"has 3 partitions, stores\.partitions says 4"):
        await open_log(broker, topic)


async def test_the_topic_of_another_estate_is_refused(broker: kafka.KafkaServer, open_log: Opener) -> None:
    topic = kafka.new_topic(broker)
    await open_log(broker, topic, identity="shop")
    await open_log(broker, topic, identity="shop")
    with pytest.raises(SettingInvalid, match="belongs to shop, this is bank") as caught:
        await open_log(broker, topic, identity="bank")
    assert "own kafka.topic" in caught.value.step


@pytest.mark.parametrize(
    ("content", "problem"),
    [(b'{"format":2,"identity":"shop"}', FormatUnsupported), (b"hello", SettingInvalid), (b"[]", SettingInvalid)],
)
async def test_a_companion_topic_that_says_something_else_is_refused(
    broker: kafka.KafkaServer, open_log: Opener, content: bytes, problem: type[Problem]
) -> None:
    topic = kafka.new_topic(broker)
    broker.topic(f"{topic}.meta", 1)
    producer = Producer({"bootstrap.servers": broker.address})
    producer.produce(f"{topic}.meta", content, partition=0)
    assert producer.flush(5) == 0
    with pytest.raises(problem):
        await open_log(broker, topic, identity="shop")


async def test_a_compacted_topic_is_refused(tansu: kafka.KafkaServer, open_log: Opener) -> None:
    topic = f"compacted{time.monotonic_ns()}"
    admin = AdminClient({"bootstrap.servers": tansu.address})
    admin.create_topics([NewTopic(topic, 4, 1, config={"cleanup.policy": "compact"})])[topic].result(5)
    facts = Facts(4, 1, {"cleanup.policy": "compact,delete"})
    with pytest.raises(SettingInvalid, match="is compacted"):
        refuse(facts, Wanted(topic, 4, 1, None, create=False))


def test_fewer_replicas_in_sync_than_promised_are_refused() -> None:
    """Asked of the rule itself: neither broker here has replicas and tells its settings."""
    wanted = Wanted("orders", 4, 3, None, create=False)
    assert wanted.min_insync == 2
    with pytest.raises(SettingInvalid, match="acknowledges with 1 replica in sync") as caught:
        refuse(Facts(4, 3, {"min.insync.replicas": "1"}), wanted)
    assert "min.insync.replicas=2" in caught.value.step
    with pytest.raises(SettingInvalid, match=r"has 1 replicas, kafka\.replicas says 3"):
        refuse(Facts(4, 1, {"min.insync.replicas": "2"}), wanted)
    refuse(Facts(4, 3, {"min.insync.replicas": "2"}), wanted)
    assert Facts(4, 3, {"min.insync.replicas": "2"}).replicated
    assert not Facts(4, 3, {}).replicated


async def test_nobody_answers() -> None:
    port = free_port()
    begun = time.monotonic()
    with pytest.raises(StorageUnavailable, match=f"No Kafka broker answers at 127.0.0.1:{port}") as caught:
        await KafkaLog.open(f"127.0.0.1:{port}", topic="t", partitions=4, secret=SECRET, timeout_seconds=1)
    assert time.monotonic() - begun < 5
    assert caught.value.retry_after_seconds


async def test_wrong_credentials_are_told_from_silence(closed_tansu: TansuKafka) -> None:
    begun = time.monotonic()
    with pytest.raises(SettingInvalid, match="refuse the credentials") as caught:
        await KafkaLog.open(
            f"sasl_plaintext://shop:s3cr3t-word@{closed_tansu.address}", topic="t", partitions=4, secret=SECRET
        )
    assert time.monotonic() - begun < 9, "it waited for the timeout instead"
    assert "s3cr3t-word" not in f"{caught.value}{caught.value.__cause__!r}"


@pytest.mark.parametrize(
    "text",
    ["", "localhost", "http://host:9092", "user:s3cr3t@host:9092", "sasl_ssl://host:9092", "host:9092?x=s3cr3t",
     "ssl://host:9092?bootstrap.servers=s3cr3t", "host:9092,,other:9092"],
)  # fmt: skip
def test_an_address_that_is_none_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(SettingInvalid) as caught:
        parse(text)
    assert "s3cr3t" not in str(caught.value)
    assert "kafka.brokers" in caught.value.step


def test_an_address_with_credentials() -> None:
    found = parse("sasl_ssl://shop:p%40ss%3A@a:1,b.example:9093?sasl.mechanism=SCRAM-SHA-512&ssl.ca.location=/ca.pem")
    assert found.servers == "a:1,b.example:9093"
    assert found.settings == {
        "security.protocol": "sasl_ssl",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "shop",
        "sasl.password": "p@ss:",
        "ssl.ca.location": "/ca.pem",
    }
    assert parse("a:1").settings == {"security.protocol": "plaintext"}
