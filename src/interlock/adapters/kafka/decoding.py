"""From what a consumer delivers to events of the log. What cannot be read is passed over, counted and told once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from confluent_kafka import Message

from interlock.adapters.kafka.wire import MORE, OURS, event_of
from interlock.model.event import Event, Stored

log = logging.getLogger(__name__)

Foreign = Callable[[Mapping[str, bytes], bytes | None, bytes, int, int], Event]


class Decoder:
    """Counts by its own; used on several threads, where a lost increment is no harm."""

    def __init__(self, foreign: Foreign) -> None:
        self._foreign = foreign
        self.unreadable = 0

    def stored(self, message: Message[Any, Any]) -> tuple[Stored | None, bool]:
        """No event for a record that is none; a tombstone (no value) is none. And whether more of its call follow."""
        partition, offset, value = message.partition(), message.offset(), message.value()
        assert partition is not None
        assert offset is not None
        try:
            headers: dict[str, bytes] = headers_of(message.headers() or ())
            if value is None:
                raise ValueError("it has no value")
            if OURS in headers:
                event = event_of(headers, value, partition)
            else:
                event = self._foreign(headers, message.key(), value, partition, message.timestamp()[1])
        except (ValueError, KeyError) as error:
            self._passed_over(partition, offset, error)
            return None, False
        return Stored(offset + 1, event), MORE in headers

    def _passed_over(self, partition: int, offset: int, error: Exception) -> None:
        """The first, then each thousandth: a stream of rubbish must not become a stream of log lines."""
        self.unreadable += 1
        if self.unreadable % 1000 == 1:
            fields = {"partition": partition, "position": offset + 1, "total": self.unreadable}
            log.warning("log.passed_over", extra={**fields, "kind": type(error).__name__})


def headers_of(pairs: Any) -> dict[str, bytes]:
    """ValueError for a header that comes twice: readers would disagree about it."""
    headers: dict[str, bytes] = {}
    for name, value in pairs:
        if name in headers:
            raise ValueError("a header comes twice")
        if value is not None:
            headers[name] = value
    return headers
