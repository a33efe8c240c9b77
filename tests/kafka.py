"""The two brokers for the whole test run, started when the first test asks, and a topic of its own for each test."""

from __future__ import annotations

import secrets
from functools import cache

from interlock.testing.kafka_server import KafkaServer, MockKafka, TansuKafka
from interlock.testing.server_process import for_the_run

KINDS: dict[str, type[KafkaServer]] = {"tansu": TansuKafka, "mock": MockKafka}


@cache
def server(kind: str) -> KafkaServer:
    """Shared: a test that pauses or kills a broker starts one of its own."""
    return for_the_run(KINDS[kind]())


def new_topic(server: KafkaServer, partitions: int = 4) -> str:
    """A topic that was made on the server."""
    name = f"t{secrets.token_hex(6)}"
    server.topic(name, partitions)
    return name
