"""Reads from any position: cold reads, by a few consumers that are lent out."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from interlock.adapters.kafka.client import consumer
from interlock.adapters.kafka.decoding import Decoder
from interlock.adapters.kafka.trouble import away, error_of, problem_of
from interlock.model.event import Stored
from interlock.model.problems import EventsExpired
from interlock.ports.event_log import Slice

CONSUMERS = 2
READ_BYTES = 16 << 20
WAIT_MS = 10
POLL_SECONDS = 0.1
READY_EVENTS = 500


class Fetcher:
    """Every read ends within the timeout."""

    def __init__(self, settings: Mapping[str, Any], topic: str, decoder: Decoder, timeout_seconds: float) -> None:
        self._settings = {**settings, "queued.max.messages.kbytes": READ_BYTES >> 10, "queued.min.messages": 10_000}
        self._topic = topic
        self._decoder = decoder
        self._timeout_seconds = timeout_seconds
        self._threads = ThreadPoolExecutor(CONSUMERS, "kafka-reads")
        self._made = 0
        self._idle: asyncio.LifoQueue[Consumer] = asyncio.LifoQueue()

    async def read(self, partition: int, after: int, limit: int) -> Slice:
        """EventsExpired, StorageUnavailable."""
        loop = asyncio.get_running_loop()
        one = await self._lent()
        work = loop.run_in_executor(self._threads, self._read, one, partition, after, limit)
        work.add_done_callback(lambda _: self._idle.put_nowait(one))  # also when the reader was cancelled
        return await asyncio.shield(work)

    async def _lent(self) -> Consumer:
        if self._idle.empty() and self._made < CONSUMERS:
            self._made += 1
            return consumer(self._settings, wait_ms=WAIT_MS)
        return await self._idle.get()

    def _read(self, one: Consumer, partition: int, after: int, limit: int) -> Slice:
        deadline = monotonic() + self._timeout_seconds
        place = TopicPartition(self._topic, partition, after)
        try:
            self._check_start(one, place, deadline)
            one.assign([place])
            try:
                return self._collect(one, partition, after, limit, deadline)
            finally:
                one.unassign()
        except KafkaException as raised:
            raise problem_of(error_of(raised), self._topic) from raised

    def _check_start(self, one: Consumer, place: TopicPartition, deadline: float) -> None:
        found = one.get_watermark_offsets(place, timeout=max(0.1, deadline - monotonic()))
        if found is None:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
        if place.offset < found[0]:
            raise EventsExpired(
                f"The Kafka topic {self._topic} no longer has the positions {place.offset + 1} to {found[0]} of "
                f"partition {place.partition}: they expired before they were read.",
                first=found[0] + 1,
            )

    def _collect(self, one: Consumer, partition: int, after: int, limit: int, deadline: float) -> Slice:
        events: list[Stored] = []
        through, size = after, 0
        while monotonic() < deadline:
            for message in self._ready(one, limit - len(events)):
                error, offset = message.error(), message.offset()
                assert offset is not None
                if error is not None:
                    if error.code() != KafkaError._PARTITION_EOF:
                        raise KafkaException(error)
                    return Slice(events, max(through, offset))
                through = offset + 1
                size += len(message)
                stored, _ = self._decoder.stored(message)
                if stored is not None:
                    events.append(stored)
            if len(events) == limit or size >= READ_BYTES:
                return Slice(events, through)
        if through == after:
            raise away(self._topic, f"no answer within {self._timeout_seconds:g} seconds")
        return Slice(events, through)

    def _ready(self, one: Consumer, count: int) -> list[Any]:
        """Waits for one only: to ask for several waits for all of them."""
        first = one.poll(POLL_SECONDS)
        if first is None:
            return []
        if count == 1 or first.error() is not None:
            return [first]
        return [first, *one.consume(min(count - 1, READY_EVENTS), timeout=0)]

    async def close(self) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(self._made):
            await loop.run_in_executor(self._threads, (await self._idle.get()).close)
        self._threads.shutdown(wait=False)
