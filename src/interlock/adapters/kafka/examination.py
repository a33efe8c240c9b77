"""Looks at Kafka brokers and the topic of a log, for `interlock doctor`: which promises they keep. Only reads.

The client waits, so all of it runs on a thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from typing import Any, NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, PartitionMetadata, ResourceType

from interlock.adapters.kafka import checks
from interlock.adapters.kafka.trouble import in_words
from interlock.model.clock import Clock
from interlock.model.diagnosis import Finding

SECONDS = 5.0
FOREVER = "-1"
_READER: Mapping[str, Any] = {
    "group.id": "interlock-doctor",
    "enable.auto.commit": False,
    "enable.partition.eof": True,
    "auto.offset.reset": "error",
    "allow.auto.create.topics": False,
}


class Wanted(NamedTuple):
    """What the settings say. `cursors` are the lowest of all flows by partition: so many events were read."""

    topic: str
    partitions: int
    replicas: int
    cursors: Mapping[int, int]


class Place(NamedTuple):
    """Of one partition: its first offset, that after its last, and the time of what is to be read next, if any."""

    first: int
    end: int
    unread_ms: int | None


async def examine(servers: str, settings: Mapping[str, Any], wanted: Wanted, clock: Clock) -> list[Finding]:
    """`servers` may be shown, `settings` may hold a password. Never raises for what is wrong with the brokers."""
    return await asyncio.to_thread(_examine, servers, settings, wanted, clock)


def _examine(servers: str, settings: Mapping[str, Any], wanted: Wanted, clock: Clock) -> list[Finding]:
    told: list[str] = []
    shared = {
        "bootstrap.servers": servers, "client.id": "interlock-doctor", "log_level": 0, **settings,
        "error_cb": lambda error: told.append(in_words(error)),
    }  # fmt: skip
    reader = Consumer({**shared, **_READER})
    try:
        listed = reader.list_topics(timeout=SECONDS)
    except KafkaException as raised:
        reader.poll(0)
        why = "; ".join(sorted({_name(raised), *told}))
        reader.close()
        return [checks.REACHED.unknown(f"No Kafka broker takes our connection at {servers}: {why}.")]
    found = [
        checks.REACHED.ok(f"A Kafka broker takes our connection at {servers}; brokers: {len(listed.brokers)}."),
        tls_finding(servers, str(settings.get("security.protocol", "plaintext"))),
    ]
    try:
        found += _topic(reader, AdminClient(shared), wanted, clock)
    except KafkaException as raised:
        found[0] = checks.REACHED.unknown(f"The Kafka brokers at {servers} stopped answering: {_name(raised)}.")
    finally:
        reader.close()
    return found


def _name(raised: KafkaException) -> str:
    error = raised.args[0] if raised.args else None
    return in_words(error) if isinstance(error, KafkaError) else str(raised)


def tls_finding(servers: str, protocol: str) -> Finding:
    if protocol.lower() in ("ssl", "sasl_ssl"):
        return checks.TLS.ok("The connection is encrypted.")
    if all(_near(server.rpartition(":")[0].strip("[]")) for server in servers.split(",")):
        return checks.TLS.ok("The connection does not leave the machine.")
    return checks.TLS.warn("The connection is not encrypted: payloads, and perhaps a password, can be read on the way.")


def _near(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _topic(reader: Consumer, admin: AdminClient, wanted: Wanted, clock: Clock) -> Iterator[Finding]:
    listed = reader.list_topics(timeout=SECONDS)
    topic = listed.topics.get(wanted.topic)
    if topic is None or not topic.partitions:
        yield checks.TOPIC.ok(f"There is no topic {wanted.topic} yet; the first start makes it if it may.")
        return
    yield checks.TOPIC.ok(f"The topic {wanted.topic} is there.")
    yield partitions_finding(len(topic.partitions), wanted.partitions)
    config = _config(admin, wanted.topic) if listed.controller_id in listed.brokers else None
    yield from durability_findings(_replicas(topic.partitions), config, wanted.replicas)
    yield in_sync_finding(topic.partitions, config)
    places = {number: _place(reader, wanted.topic, number, wanted.cursors.get(number)) for number in topic.partitions}
    yield kept_finding(config, wanted.cursors, places, clock.now_us() // 1000)


def _replicas(partitions: Mapping[int, PartitionMetadata]) -> int:
    return min(len(one.replicas) for one in partitions.values())


def _config(admin: AdminClient, topic: str) -> dict[str, str] | None:
    """None where the brokers do not tell."""
    resource = ConfigResource(ResourceType.TOPIC, topic)
    try:
        told = admin.describe_configs([resource], request_timeout=SECONDS)[resource].result()
    except KafkaException:
        return None
    return {name: str(entry.value) for name, entry in told.items() if entry.value is not None} or None


def partitions_finding(found: int, wanted: int) -> Finding:
    if found != wanted:
        return checks.PARTITIONS.broken(
            f"The topic has {found} partitions, the settings say {wanted}: the start is refused, because keys would go "
            "to other partitions than before.",
            f"Set stores.partitions = {found}, or name another kafka.topic.",
        )
    return checks.PARTITIONS.ok(f"{found} partitions, as the settings say.")


def durability_findings(replicas: int, config: Mapping[str, str] | None, wanted: int) -> Iterator[Finding]:
    """`config` is None where the brokers do not tell their settings."""
    yield _replica_finding(replicas, config, wanted)
    if config is None:
        ask = "Look yourself: kafka-configs.sh --describe --all --entity-type topics --entity-name …"
        yield checks.ACKS.unknown("We send with acks=all; how many that waits for, these brokers do not tell.", ask)
        yield checks.UNCLEAN.unknown("Whether a replica that lags may become leader, these brokers do not tell.", ask)
        return
    least = int(config.get("min.insync.replicas", "1"))
    if replicas > 1 and least < 2:
        yield checks.ACKS.broken(
            "We send with acks=all, and min.insync.replicas is 1: when the others lag, one broker's word is enough, "
            "and with that broker accepted events are lost."
        )
    elif least > replicas:
        yield checks.ACKS.broken(f"min.insync.replicas is {least} of {replicas} replicas: nothing is accepted.")
    else:
        yield checks.ACKS.ok(f"We send with acks=all, and min.insync.replicas is {least} of {replicas}.")
    if config.get("unclean.leader.election.enable", "false") == "true":
        yield checks.UNCLEAN.broken("A replica that lags may become leader: what only the others had is then dropped.")
    else:
        yield checks.UNCLEAN.ok("Only a replica that is in sync may become leader.")


def _replica_finding(replicas: int, config: Mapping[str, str] | None, wanted: int) -> Finding:
    if replicas < wanted:
        return checks.REPLICAS.broken(
            f"The topic has {replicas} replicas, kafka.replicas says {wanted}: the start is refused."
        )
    if replicas > 1:
        return checks.REPLICAS.ok(
            f"{replicas} brokers keep each event. They flush when they like: all that have it would have to lose power "
            "together for it to be lost."
        )
    if config is not None and config.get("flush.messages") == "1":
        return checks.REPLICAS.ok("One broker keeps each event, and flushes each (flush.messages=1).")
    return checks.REPLICAS.broken(
        "One broker keeps each event, and acknowledges it before it is on disk: a power cut of its machine loses what "
        "was accepted just before, the loss of its disk all."
    )


def in_sync_finding(partitions: Mapping[int, PartitionMetadata], config: Mapping[str, str] | None) -> Finding:
    leaderless = [number for number, one in partitions.items() if one.leader < 0]
    least = int((config or {}).get("min.insync.replicas", "1"))
    short = [number for number, one in partitions.items() if len(one.isrs) < least]
    behind = [number for number, one in partitions.items() if len(one.isrs) < len(one.replicas)]
    if leaderless:
        return checks.IN_SYNC.broken(f"Partitions without a leader: {_listed(leaderless)}. They accept nothing.")
    if short:
        return checks.IN_SYNC.broken(
            f"Too few replicas are in sync of the partitions {_listed(short)}. They accept nothing."
        )
    if behind:
        return checks.IN_SYNC.warn(f"Partitions of which a replica lags or is away: {_listed(behind)}.")
    return checks.IN_SYNC.ok("Every partition has a leader, and all its replicas are in sync.")


def kept_finding(
    config: Mapping[str, str] | None, cursors: Mapping[int, int], places: Mapping[int, Place], now_ms: int
) -> Finding:
    gone = [number for number, place in places.items() if place.first > cursors.get(number, place.first)]
    if gone:
        return checks.KEPT.broken(f"Events of partitions {_listed(gone)} have expired before every flow had read them.")
    if config is None:
        return checks.KEPT.unknown(
            "Nothing has expired unread. How long these brokers keep events, they do not tell.",
            "Look yourself: kafka-configs.sh --describe --all --entity-type topics --entity-name …",
        )
    if "compact" in config.get("cleanup.policy", ""):
        return checks.KEPT.broken("The topic is compacted: of each key only the newest event is kept.")
    age_ms = max((now_ms - place.unread_ms for place in places.values() if place.unread_ms is not None), default=0)
    keeps = int(config.get("retention.ms", FOREVER))
    size = config.get("retention.bytes", FOREVER)
    if keeps >= 0 and age_ms * 2 > keeps:
        return checks.KEPT.broken(
            f"The topic forgets events after {keeps / 1000:,.0f} seconds (retention.ms), and a flow is "
            f"{age_ms / 1000:,.0f} seconds behind: unread events are about to go."
        )
    if keeps >= 0 or size != FOREVER:
        limits = [f"after {keeps / 1000:,.0f} seconds (retention.ms)"] if keeps >= 0 else []
        limits += [f"beyond {int(size):,} bytes (retention.bytes)"] if size != FOREVER else []
        return checks.KEPT.warn(
            f"The topic forgets events {' and '.join(limits)}, read or not. No flow is far behind now; one that stops "
            "for that long loses events."
        )
    return checks.KEPT.ok("The topic forgets nothing. It grows with every event: watch the brokers' disk.")


def _place(reader: Consumer, topic: str, partition: int, cursor: int | None) -> Place:
    first, end = reader.get_watermark_offsets(TopicPartition(topic, partition), timeout=SECONDS)
    if cursor is None or cursor >= end:
        return Place(first, end, None)
    reader.assign([TopicPartition(topic, partition, max(cursor, first))])
    try:
        message = reader.poll(SECONDS)
    finally:
        reader.unassign()
    if message is None or message.error() is not None:
        return Place(first, end, None)
    return Place(first, end, message.timestamp()[1])


def _listed(numbers: list[int]) -> str:
    shown = ", ".join(str(number) for number in sorted(numbers)[:8])
    return f"{shown} and {len(numbers) - 8} more" if len(numbers) > 8 else shown
