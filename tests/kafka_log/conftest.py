from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import kafka
import pytest

from interlock.adapters.kafka import KafkaLog
from interlock.testing.kafka_server import KafkaServer

Opener = Callable[..., Awaitable[KafkaLog]]
SECRET = bytes(range(32))


@pytest.fixture(params=["tansu", "mock"])
def broker(request: pytest.FixtureRequest) -> KafkaServer:
    return kafka.server(request.param)


@pytest.fixture
def mock() -> kafka.MockKafka:
    found = kafka.server("mock")
    assert isinstance(found, kafka.MockKafka)
    return found


@pytest.fixture
async def open_log() -> AsyncIterator[Opener]:
    """Opens logs that are closed with the test."""
    async with AsyncExitStack() as stack:

        async def opener(server: KafkaServer, topic: str, **options: Any) -> KafkaLog:
            settings = {"partitions": 4, "secret": SECRET, "wait_ms": 20, **options}
            log = await KafkaLog.open(server.address, topic=topic, **settings)
            stack.push_async_callback(log.close)
            return log

        yield opener
