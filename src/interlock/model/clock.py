"""Time, as the rest of the code may know it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock(Protocol):
    """The only source of time. Wall time is for people and schedules, monotonic time for durations."""

    def now_us(self) -> int:
        """Microseconds since the Unix epoch, UTC. May step; never compare it across machines for order."""
        ...

    def monotonic_us(self) -> int:
        """Microseconds from an arbitrary start. Never goes back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after at least `seconds`; at once for zero or less."""
        ...


def to_datetime(moment_us: int) -> datetime:
    """An aware UTC datetime; exact, without going through floats."""
    return EPOCH + timedelta(microseconds=moment_us)


def to_rfc3339(moment_us: int) -> str:
    """RFC 3339 section 5.6 in UTC with microseconds."""
    return to_datetime(moment_us).isoformat(timespec="microseconds").replace("+00:00", "Z")
