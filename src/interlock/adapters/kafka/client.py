"""A consumer without a group: it is assigned what it reads, commits nothing and joins nothing."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from time import monotonic
from typing import Any

from confluent_kafka import Consumer, KafkaException
from confluent_kafka.admin import ClusterMetadata

from interlock.adapters.kafka.address import Address
from interlock.adapters.kafka.trouble import Told, error_of, in_words
from interlock.model.problems import StorageUnavailable

# librdkafka wants a name even of a consumer that joins no group; it is never sent.
CONSUMER: Mapping[str, Any] = {
    "group.id": "interlock",
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "isolation.level": "read_committed",
    "enable.partition.eof": True,
    "auto.offset.reset": "error",
    "allow.auto.create.topics": False,
}
TRY_SECONDS = 1.0
SILENT = logging.Logger("librdkafka", logging.CRITICAL + 1)  # of no tree: its texts are not for our log


def client_settings(address: Address, told: Told) -> dict[str, Any]:
    """What producers and consumers share. The driver's own log is off: what it has to say comes through `told`."""
    return {
        "bootstrap.servers": address.servers,
        "client.id": "interlock",
        "error_cb": told,
        "logger": SILENT,
        "log_level": 0,
        "log.connection.close": False,
        "socket.keepalive.enable": True,
        "socket.timeout.ms": 10_000,
        "reconnect.backoff.ms": 50,
        "reconnect.backoff.max.ms": 1_000,
        **address.settings,
    }


def consumer(settings: Mapping[str, Any], *, wait_ms: int) -> Consumer:
    """`wait_ms`: how long a broker holds a fetch that finds nothing."""
    return Consumer({**settings, **CONSUMER, "fetch.wait.max.ms": wait_ms, "fetch.error.backoff.ms": 100})


def metadata(client: Consumer, topic: str, told: Told, address: Address, timeout_seconds: float) -> ClusterMetadata:
    """Waits. SettingInvalid as soon as the brokers refuse us, StorageUnavailable when none answers in time."""
    deadline = monotonic() + timeout_seconds
    while True:
        try:
            found: ClusterMetadata = client.list_topics(topic, timeout=TRY_SECONDS)
        except KafkaException as raised:
            client.poll(0)  # serves error_cb
            told.raise_refusal(address.servers)
            if monotonic() > deadline:
                raise StorageUnavailable(
                    f"No Kafka broker answers at {address.servers}: {in_words(error_of(raised))}.",
                    next_step="Check that it runs and that the variable that kafka.brokers names has its address.",
                    retry_after_seconds=1,
                ) from raised
        else:
            return found
