"""The transactional producer: calls of several events, each all or nothing, many calls in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from time import monotonic
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from interlock.adapters.kafka.call import Call
from interlock.adapters.kafka.stream import IDEMPOTENT
from interlock.adapters.kafka.trouble import error_of

ABORT_SECONDS = 1.0
# A producer that died leaves its transaction open: readers of these partitions wait for this long.
TRANSACTION_TIMEOUT_MS = 15_000


class Transactions:
    """One producer under one transactional id: a newer one of the same id fences it.

    `prepare` and `commit` wait: on a thread. Whether a call is in the log is unknown only if its commit was not
    answered. Each raises KafkaException.
    """

    def __init__(self, settings: Mapping[str, Any], topic: str, identifier: str, timeout_seconds: float) -> None:
        own = {
            "transactional.id": identifier,
            "transaction.timeout.ms": TRANSACTION_TIMEOUT_MS,
            "delivery.timeout.ms": TRANSACTION_TIMEOUT_MS,  # at most the transaction's
        }
        shared = {name: value for name, value in IDEMPOTENT.items() if name != "enable.gapless.guarantee"}
        self._producer = Producer({**settings, **shared, **own})
        self._topic = topic
        self._timeout_seconds = timeout_seconds
        self._missing = 0

    def prepare(self) -> None:
        """Once, first: fences those before us, and ends what they left open."""
        self._producer.init_transactions(self._timeout_seconds)

    def send(self, calls: Sequence[Call]) -> None:
        """Begin a transaction and put the calls in, in their order. Never waits; BufferError when there is no room."""
        self._producer.begin_transaction()
        self._missing = sum(len(call.records) for call in calls)
        for call in calls:
            for place, (partition, key, value, headers) in enumerate(call.records):
                self._producer.produce(
                    self._topic, value=value, key=key, partition=partition, headers=headers,
                    on_delivery=self._reporter(call, place),
                )  # fmt: skip

    def _reporter(self, call: Call, place: int) -> Callable[[KafkaError | None, Message], None]:
        def report(error: KafkaError | None, message: Message) -> None:
            offset = message.offset()
            if error is None and offset is not None:
                call.offsets[place] = offset
                self._missing -= 1

        return report

    def commit(self) -> None:
        """All or nothing, by the deadline."""
        deadline = monotonic() + self._timeout_seconds
        try:
            self._commit(deadline)
        except KafkaException:
            with suppress(KafkaException):
                self._producer.abort_transaction(ABORT_SECONDS)
            raise
        if self._missing:
            raise KafkaException(KafkaError(KafkaError._INCONSISTENT))

    def _commit(self, deadline: float) -> None:
        """Again while the driver says that trying again is safe."""
        while True:
            try:
                self._producer.commit_transaction(max(0.1, deadline - monotonic()))
            except KafkaException as raised:
                if not error_of(raised).retriable() or monotonic() > deadline:
                    raise
            else:
                return

    def close(self) -> None:
        """Give up what is in flight."""
        with suppress(KafkaException):
            self._producer.purge(blocking=False)
