"""The promises of EventLog on the Kafka protocol, on both brokers that start here. Neither keeps anything on disk."""

from __future__ import annotations

import kafka
import pytest

from interlock.testing.conformance import Check, NotApplicable
from interlock.testing.log_conformance import LOG_CHECKS

from .kafka_harness import KafkaHarness


@pytest.mark.parametrize("broker", ["tansu", "mock"])
@pytest.mark.parametrize("check", [*LOG_CHECKS], ids=str)
async def test_promise(check: Check, broker: str) -> None:
    try:
        await check.run(KafkaHarness(kafka.server(broker)))
    except NotApplicable as reason:
        pytest.skip(str(reason))
