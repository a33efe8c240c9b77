"""A TraceSink for those who collect no traces."""

from __future__ import annotations

from interlock.ports.trace_sink import Span


class NullSink:
    """Drops and counts."""

    def __init__(self) -> None:
        self._dropped = 0

    def record(self, span: Span) -> None:
        self._dropped += 1

    @property
    def dropped(self) -> int:
        return self._dropped
