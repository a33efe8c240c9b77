"""One call of `append` on its way."""

from __future__ import annotations

from collections.abc import Sequence

from interlock.adapters.kafka.wire import Record
from interlock.model.event import Appended, Event
from interlock.ports.event_log import AppendDone


class Call:
    """`offsets` are filled in by the driver's reports, before the call is answered."""

    __slots__ = ("done", "events", "offsets", "records", "sent_at")

    def __init__(self, events: Sequence[Event], records: Sequence[Record], done: AppendDone) -> None:
        self.events = events
        self.records = records
        self.done = done
        self.offsets = [-1] * len(records)
        self.sent_at = 0.0

    def places(self) -> list[Appended]:
        """Position is offset + 1, so that 0 means 'nothing yet'."""
        return [
            Appended(record.partition, offset + 1, False)
            for record, offset in zip(self.records, self.offsets, strict=True)
        ]
