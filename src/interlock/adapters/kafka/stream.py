"""The idempotent producer: calls of one event, streamed, many in flight."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from interlock.adapters.kafka.call import Call
from interlock.adapters.kafka.trouble import error_of

Reports = Sequence[tuple[Call, KafkaError | None]]
Settled = Callable[[Reports, KafkaError | None], None]
# The driver's own threads do the work; its reports are fetched by the event loop, many at once, as long as something
# is in flight. A thread of ours that waited for them would fight the loop for the interpreter.
POLL_SECONDS = 0.001
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
    """`settled(reports, fatal)` is called on the event loop; after a fatal error there is no more to come."""

    def __init__(self, settings: Mapping[str, Any], topic: str, settled: Settled) -> None:
        self._producer = Producer({**settings, **IDEMPOTENT})
        self._topic = topic
        self._settled = settled
        self._batch: list[tuple[Call, KafkaError | None]] = []
        self._flying = 0
        self._timer: asyncio.TimerHandle | None = None
        self._ended = False

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
        self._flying += 1
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(POLL_SECONDS, self._fetch)

    def _fetch(self) -> None:
        self._timer = None
        fatal: KafkaError | None = None
        try:
            self._producer.poll(0)
        except KafkaException as raised:
            fatal = error_of(raised)
        batch, self._batch = self._batch, []
        self._flying -= len(batch)
        if batch or fatal is not None:
            self._settled(batch, fatal)
        if self._flying and self._timer is None and not self._ended:
            self._timer = asyncio.get_running_loop().call_later(POLL_SECONDS, self._fetch)

    def abandon(self) -> None:
        """Give up on what is in flight: its reports are not fetched."""
        self._ended = True
        if self._timer is not None:
            self._timer.cancel()
        self._producer.purge(blocking=False)
