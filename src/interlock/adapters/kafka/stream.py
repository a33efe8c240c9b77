"""The idempotent producer: calls of one event, streamed, many in flight."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from confluent_kafka import KafkaError, Message, Producer

from interlock.adapters.kafka.call import Call

Settled = Callable[["Stream", Sequence[tuple[Call, KafkaError | None]]], None]
POLL_SECONDS = 0.1
# Order under failure rests on these: with idempotence a broker takes a producer's records of a partition in their
# order or not at all, and a record that fails for good stops the producer rather than leave a gap. Records do not
# expire one by one (that would leave gaps again): the whole producer is given up by `Outgoing`, at its deadline.
IDEMPOTENT: Mapping[str, Any] = {
    "enable.idempotence": True,
    "enable.gapless.guarantee": True,
    "acks": "all",
    "max.in.flight.requests.per.connection": 5,
    "delivery.timeout.ms": 0,
    "linger.ms": 0,
    "compression.type": "none",
    "queue.buffering.max.messages": 0,  # bounded by limit_pending instead
    "queue.buffering.max.kbytes": 2_097_151,
}


class Stream:
    """One producer and the thread that serves its reports, which come to the event loop in batches.

    `settled(stream, batch)` is called on the thread.
    """

    def __init__(self, settings: Mapping[str, Any], topic: str, settled: Settled) -> None:
        self._producer = Producer({**settings, **IDEMPOTENT})
        self._topic = topic
        self._settled = settled
        self._batch: list[tuple[Call, KafkaError | None]] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="kafka-reports", daemon=True)
        self._thread.start()

    def send(self, call: Call) -> None:
        """Never waits. BufferError or KafkaException when the driver does not take it."""
        partition, key, value, headers = call.records[0]

        def report(error: KafkaError | None, message: Message) -> None:
            offset = message.offset()
            if error is None and offset is not None:
                call.offsets[0] = offset
            self._batch.append((call, error))

        self._producer.produce(
            self._topic, value=value, key=key, partition=partition, headers=headers, on_delivery=report
        )

    def abandon(self) -> None:
        """Give up on what is in flight: its reports are not waited for. Returns at once."""
        self._ended.set()

    def join(self) -> None:
        """Wait for the thread, for a moment; it holds nothing that anybody waits for."""
        self._thread.join(5 * POLL_SECONDS)

    def _serve(self) -> None:
        while not self._ended.is_set():
            self._producer.poll(POLL_SECONDS)
            if self._batch:
                batch, self._batch = self._batch, []
                self._settled(self, batch)
        self._producer.purge()
        self._producer.poll(0)
