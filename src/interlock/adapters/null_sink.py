"""A TraceSink for those who collect no traces."""

from __future__ import annotations

from interlock.ports.trace_sink import Span


class NullSink:
    """Drops and counts. Nobody records here: `recording` is False."""

    def __init__(self) -> None:
        self._dropped = 0

    @property
    def recording(self) -> bool:
        return False

    @property
    def dropped(self) -> int:
        return self._dropped

    def record(self, span: Span) -> None:
        self._dropped += 1

    async def close(self) -> None: ...
