"""The transactional producer: calls of several events, each all or nothing, many calls in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from time import monotonic
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from interlock.adapters.kafka.call import Call
from interlock.adapters.kafka.stream import IDEMPOTENT
from interlock.adapters.kafka.trouble import error_of

SLICE_SECONDS = 1.0
# A producer that died leaves its transaction open: readers of these partitions wait for this long.
TRANSACTION_TIMEOUT_MS = 15_000


class Transactions:
    """One producer under one transactional id: a newer one of the same id fences it. Its methods wait: on a thread."""

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
        self._begun = False

    def commit(self, calls: Sequence[Call]) -> None:
        """Append the calls in their order, all or nothing. KafkaException; whether they are in the log is then unknown
        only if the commit itself was not answered."""
        deadline = monotonic() + self._timeout_seconds
        if not self._begun:
            self._producer.init_transactions(max(0.1, deadline - monotonic()))
            self._begun = True
        self._producer.begin_transaction()
        try:
            for call in calls:
                self._send(call)
            self._commit(deadline)
        except (KafkaException, BufferError):
            with suppress(KafkaException):
                self._producer.abort_transaction(SLICE_SECONDS)
            raise
        if any(call.missing for call in calls):
            raise KafkaException(KafkaError(KafkaError._INCONSISTENT))

    def _send(self, call: Call) -> None:
        for place, (partition, key, value, headers) in enumerate(call.records):

            def report(error: KafkaError | None, message: Message, place: int = place) -> None:
                offset = message.offset()
                if error is None and offset is not None:
                    call.offsets[place] = offset
                    call.missing -= 1

            self._producer.produce(
                self._topic, value=value, key=key, partition=partition, headers=headers, on_delivery=report
            )

    def _commit(self, deadline: float) -> None:
        """Again while the driver says that trying again is safe, until the deadline."""
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
            self._producer.purge()
