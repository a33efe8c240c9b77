"""What is checked of a topic before the first event: that it is there, whole, and ours.

The settings of a topic hold no words of ours, so whose log it is stands in a companion topic `<topic>.meta` of one
partition that never expires: its first record is the judge, also when two processes start at once. Everything here
waits: on a thread.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any

import orjson
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ClusterMetadata, ConfigResource, NewTopic, ResourceType

from interlock.adapters.kafka.address import Address
from interlock.adapters.kafka.client import consumer, metadata
from interlock.adapters.kafka.stream import IDEMPOTENT
from interlock.adapters.kafka.trouble import REFUSALS, Told, away, error_of, problem_of
from interlock.model.problems import FormatUnsupported, SettingInvalid

META = ".meta"
FORMAT = 1
FOREVER = {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}
MESSAGE_BYTES = 1_048_588  # Kafka's own default of max.message.bytes
UNTOLD = REFUSALS | {KafkaError._UNSUPPORTED_FEATURE, KafkaError.UNSUPPORTED_VERSION}
SETTINGS = (
    "cleanup.policy",
    "max.message.bytes",
    "min.insync.replicas",
    "retention.bytes",
    "retention.ms",
    "unclean.leader.election.enable",
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the log is to be. `create`: whether a missing topic may be made."""

    topic: str
    partitions: int
    replicas: int
    identity: str | None
    create: bool

    @property
    def min_insync(self) -> int:
        """A majority: what one broker acknowledged alone is lost with it."""
        return self.replicas // 2 + 1


@dataclass(frozen=True, slots=True)
class Facts:
    """What the topic is. `settings` holds those that the brokers tell; an empty one tells nothing."""

    partitions: int
    replicas: int
    settings: Mapping[str, str]

    @property
    def message_bytes(self) -> int:
        return int(self.settings.get("max.message.bytes", MESSAGE_BYTES))

    @property
    def replicated(self) -> bool:
        """Whether an acknowledged event is in two brokers at least."""
        return self.replicas > 1 and int(self.settings.get("min.insync.replicas", "1")) > 1


class TopicCheck:
    """One check at start, through one consumer."""

    def __init__(
        self, settings: Mapping[str, Any], told: Told, address: Address, wanted: Wanted, timeout_seconds: float
    ) -> None:
        self._settings = settings
        self._told = told
        self._address = address
        self._wanted = wanted
        self._timeout_seconds = timeout_seconds
        self._client: Consumer = consumer(settings, wait_ms=10)
        self._admin = AdminClient(dict(settings))

    def run(self) -> Facts:
        """SettingInvalid with the next step, StorageUnavailable when no broker answers, FormatUnsupported."""
        try:
            return self._run()
        except KafkaException as raised:
            raise problem_of(error_of(raised), self._wanted.topic) from raised
        finally:
            self._client.close()

    def _run(self) -> Facts:
        topic = self._wanted.topic
        found = self._metadata(topic)
        if not partitions_of(found, topic):
            self._create(found, topic, self._wanted.partitions, {"min.insync.replicas": str(self._wanted.min_insync)})
            found = self._appeared(topic)
        partitions = found.topics[topic].partitions
        replicas = min((len(one.replicas) for one in partitions.values()), default=0)
        facts = Facts(len(partitions), replicas, self._told_settings(found))
        refuse(facts, self._wanted)
        if self._wanted.identity is not None:
            self._claim(self._wanted.identity)
        return facts

    def _metadata(self, topic: str) -> ClusterMetadata:
        return metadata(self._client, topic, self._told, self._address, self._timeout_seconds)

    def _appeared(self, topic: str) -> ClusterMetadata:
        """A topic that was made is known to all brokers a moment later."""
        deadline = monotonic() + self._timeout_seconds
        while not partitions_of(found := self._metadata(topic), topic):
            if monotonic() > deadline:
                raise away(topic, "it was made and does not appear")
            self._client.poll(0.05)
        return found

    def _create(self, found: ClusterMetadata, topic: str, partitions: int, settings: dict[str, str]) -> None:
        by_hand = (
            f"Make it: kafka-topics.sh --create --topic {topic} --partitions {partitions} "
            f"--replication-factor {self._wanted.replicas} "
            + " ".join(f"--config {name}={value}" for name, value in settings.items())
        )
        if not self._wanted.create or not has_controller(found):
            raise SettingInvalid(f"The Kafka topic {topic} is missing.", next_step=by_hand)
        new = NewTopic(topic, partitions, self._wanted.replicas, config=settings)
        made = self._admin.create_topics([new], request_timeout=self._timeout_seconds)[topic]
        try:
            made.result()
        except KafkaException as raised:
            error = error_of(raised)
            if error.code() == KafkaError.TOPIC_ALREADY_EXISTS:  # another process was faster
                return
            raise SettingInvalid(
                f"The Kafka topic {topic} is missing, and making it fails: {error.name()}.", next_step=by_hand
            ) from raised

    def _told_settings(self, found: ClusterMetadata) -> dict[str, str]:
        """Empty where the brokers do not tell them, as those that the tests use."""
        if not has_controller(found):
            return {}
        resource = ConfigResource(ResourceType.TOPIC, self._wanted.topic)
        asked = self._admin.describe_configs([resource], request_timeout=self._timeout_seconds)[resource]
        try:
            told = asked.result()
        except KafkaException as raised:
            if error_of(raised).code() in UNTOLD:
                return {}
            raise
        return {name: told[name].value for name in SETTINGS if name in told and told[name].value is not None}

    def _claim(self, identity: str) -> None:
        """Read whose log it is; say so when nobody has."""
        meta = self._wanted.topic + META
        found = self._metadata(meta)
        if not partitions_of(found, meta) and has_controller(found):
            self._create(found, meta, 1, FOREVER)
            self._appeared(meta)
        first = self._first(meta)
        if first is None:
            self._write(meta, {"format": FORMAT, "identity": identity, "partitions": self._wanted.partitions})
            first = self._first(meta)
        refuse_other(first, identity, self._wanted)

    def _first(self, meta: str) -> dict[str, Any] | None:
        """The first record; None for an empty topic, and for one that is not there yet."""
        if not partitions_of(self._metadata(meta), meta):
            return None
        self._client.assign([TopicPartition(meta, 0, 0)])
        deadline = monotonic() + self._timeout_seconds
        try:
            while monotonic() < deadline:
                message = self._client.poll(0.1)
                if message is None:
                    continue
                error = message.error()
                if error is None:
                    return document(message.value())
                if error.code() == KafkaError._PARTITION_EOF:
                    return None
                raise KafkaException(error)
        finally:
            self._client.unassign()
        raise away(meta, f"no answer within {self._timeout_seconds:g} seconds")

    def _write(self, meta: str, content: dict[str, Any]) -> None:
        failed: list[KafkaError] = []

        def report(error: KafkaError | None, _: object) -> None:
            if error is not None:
                failed.append(error)

        timeout = {"delivery.timeout.ms": int(self._timeout_seconds * 1000)}
        producer = Producer({**self._settings, **IDEMPOTENT, **timeout})
        producer.produce(meta, value=orjson.dumps(content), partition=0, on_delivery=report)
        left = producer.flush(self._timeout_seconds + 1)
        if failed:
            raise KafkaException(failed[0])
        if left:
            raise away(meta, "the first record was not acknowledged")


def partitions_of(found: ClusterMetadata, topic: str) -> int:
    """0 when the topic is not there."""
    one = found.topics.get(topic)
    if one is None or (one.error is not None and one.error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART):
        return 0
    if one.error is not None:
        raise KafkaException(one.error)
    return len(one.partitions)


def has_controller(found: ClusterMetadata) -> bool:
    """Without one there is nobody to ask for a topic or its settings."""
    return found.controller_id in found.brokers


def document(value: bytes | None) -> dict[str, Any]:
    """Empty for what is none of ours."""
    try:
        read = orjson.loads(value or b"")
    except orjson.JSONDecodeError:
        return {}
    return read if isinstance(read, dict) else {}


def refuse(facts: Facts, wanted: Wanted) -> None:
    """What would break a promise."""
    topic = wanted.topic
    if facts.partitions != wanted.partitions:
        raise SettingInvalid(
            f"The Kafka topic {topic} has {facts.partitions} partitions, stores.partitions says {wanted.partitions}.",
            next_step=f"Set stores.partitions = {facts.partitions}, or name another kafka.topic.",
        )
    if "compact" in facts.settings.get("cleanup.policy", ""):
        raise SettingInvalid(
            f"The Kafka topic {topic} is compacted: it forgets all but the newest event of a key.",
            next_step=f"Set cleanup.policy=delete on {topic}, or name another kafka.topic.",
        )
    if facts.replicas < wanted.replicas:
        raise SettingInvalid(
            f"The Kafka topic {topic} has {facts.replicas} replicas, kafka.replicas says {wanted.replicas}.",
            next_step="Give the topic more replicas (kafka-reassign-partitions.sh), or lower kafka.replicas.",
        )
    least = facts.settings.get("min.insync.replicas")
    if least is not None and int(least) < wanted.min_insync:
        raise SettingInvalid(
            f"The Kafka topic {topic} acknowledges with {least} replica in sync; kafka.replicas = {wanted.replicas} "
            f"promises {wanted.min_insync}.",
            next_step=f"Set min.insync.replicas={wanted.min_insync} on {topic}, or lower kafka.replicas.",
        )


def refuse_other(first: dict[str, Any] | None, identity: str, wanted: Wanted) -> None:
    """The first record of the companion topic judges."""
    meta = wanted.topic + META
    if first is None or first.get("format") is None:
        raise SettingInvalid(
            f"The Kafka topic {meta} does not begin with the record that says whose log {wanted.topic} is.",
            next_step=f"Name another kafka.topic, or delete {meta} if nothing else uses it.",
        )
    if first["format"] != FORMAT:
        raise FormatUnsupported(f"The Kafka topic {wanted.topic} has format {first['format']}, this is {FORMAT}.")
    if first.get("identity") != identity:
        raise SettingInvalid(
            f"The Kafka topic {wanted.topic} belongs to {first.get('identity')}, this is {identity}.",
            next_step="Give each estate its own kafka.topic.",
        )
