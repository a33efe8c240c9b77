"""The log on the Kafka protocol, as the conformance suites take it."""

from __future__ import annotations

import asyncio
from typing import Any

import kafka
from confluent_kafka import Consumer, KafkaError, TopicPartition

from interlock.adapters.kafka import KafkaLog
from interlock.testing.conformance import NotApplicable
from interlock.testing.fake_clock import settle
from interlock.testing.kafka_server import LACKS, KafkaServer, MockKafka


class KafkaHarness:
    """The log alone. Reopening proves that positions hold for the next client, not that a broker keeps anything."""

    def __init__(self, server: KafkaServer) -> None:
        self._server = server
        self._outside: Consumer | None = None

    async def open(self, *, partitions: int = 4, limit_pending: int = 10_000, dedupe_bucket_seconds: int = 3600) -> Any:
        self._topic = kafka.new_topic(self._server, partitions)
        self._options: dict[str, Any] = {"partitions": partitions, "limit_pending": limit_pending}
        self._read = [0] * partitions
        self._seen = 0
        return await self._open()

    async def _open(self) -> Any:
        self._log = await KafkaLog.open(
            self._server.address, topic=self._topic, secret=bytes(32), wait_ms=20, **self._options
        )
        return self._log

    async def reopen(self) -> Any:
        await self._log.close()
        return await self._open()

    async def beside(self) -> Any:
        raise AssertionError("a log has no members")

    async def pass_time(self, seconds: float) -> None:
        raise AssertionError("a log has no members")

    async def record(self) -> Any:
        raise AssertionError("a log keeps no record")

    async def forget(self, partition: int, through: int) -> None:
        if not isinstance(self._server, MockKafka):
            raise NotApplicable(LACKS[self._server.name]["expire"])
        self._server.expire(self._topic, partition, through)

    async def settle(self) -> None:
        await asyncio.wait_for(self._settled(), 30)

    async def _settled(self) -> None:
        """Every append was answered, and the follower has heard all of it."""
        while self._log.pending or not self._log.caught_up:  # noqa: ASYNC110 - the log has no event for it
            await asyncio.sleep(0.005)
        await settle()

    async def close(self) -> None:
        await self._log.close()
        if self._outside is not None:
            self._outside.close()

    def raw_events(self) -> int:
        """Read by a stock consumer. Watermarks would count the marks of transactions, and Tansu's fall short."""
        if self._outside is None:
            self._outside = Consumer({
                "bootstrap.servers": self._server.address, "group.id": "outside", "enable.auto.commit": False,
                "enable.partition.eof": True, "fetch.wait.max.ms": 5, "isolation.level": "read_committed",
            })  # fmt: skip
        self._outside.assign([TopicPartition(self._topic, place, at) for place, at in enumerate(self._read)])
        ended: set[int] = set()
        while len(ended) < len(self._read):
            for message in self._outside.consume(1000, timeout=0.005):
                partition, offset, error = message.partition(), message.offset(), message.error()
                assert partition is not None
                assert offset is not None
                if error is None:
                    self._read[partition] = offset + 1
                    self._seen += 1
                elif error.code() == KafkaError._PARTITION_EOF:
                    ended.add(partition)
                else:
                    raise AssertionError(error)
        return self._seen

    def raw_handlings(self) -> int:
        return 0
