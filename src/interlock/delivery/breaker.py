"""A circuit breaker for one system: whoever is down is left alone, and no attempt is spent on it.

closed     calls go; `threshold` failures in a row open it
open       nothing goes before `ready_us`
half-open  one probe is out; its outcome closes the breaker, or opens it for twice as long

Each opening is spread by chance, so that processes which lost the same system do not probe it in step.

A late success of a call that left before it opened closes it too: the system answers again.
"""

from __future__ import annotations

from enum import StrEnum

from interlock.model.pauses import Chance, Pauses

NEVER_US = 1 << 62


class BreakerState(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class Breaker:
    """Times are monotonic microseconds, given by the caller."""

    __slots__ = ("_failures", "_pauses", "_threshold", "ready_us", "state")

    def __init__(self, threshold: int, open_seconds: float, ceiling_seconds: float, chance: Chance) -> None:
        self._threshold = threshold
        self._pauses = Pauses(open_seconds, ceiling_seconds, chance)
        self._failures = 0
        self.state = BreakerState.CLOSED
        self.ready_us = 0  # from when a call may go; NEVER_US while a probe is out

    def begin(self) -> bool:
        """Note that a call leaves; True when it is the probe."""
        if self.state is BreakerState.CLOSED:
            return False
        self.state, self.ready_us = BreakerState.HALF_OPEN, NEVER_US
        return True

    def succeeded(self) -> bool:
        """Note an answer that shows the system alive; True when that closed the breaker."""
        was_closed = self.state is BreakerState.CLOSED
        self._failures = 0
        self._pauses.begin_anew()
        self.state, self.ready_us = BreakerState.CLOSED, 0
        return not was_closed

    def failed(self, now_us: int, probe: bool) -> bool:
        """Note a failure; True when that opened the breaker. Stragglers of an open breaker change nothing."""
        if self.state is BreakerState.CLOSED:
            self._failures += 1
            if self._failures < self._threshold:
                return False
        elif not probe:
            return False
        self.state, self.ready_us = BreakerState.OPEN, now_us + int(next(self._pauses) * 1_000_000)
        return True

    def abandoned(self, now_us: int) -> None:
        """The probe ended without an outcome: let another go."""
        if self.state is BreakerState.HALF_OPEN:
            self.state, self.ready_us = BreakerState.OPEN, now_us
