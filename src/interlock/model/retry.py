"""Retry schedules, as data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RetrySchedule:
    """Delays between attempts, in seconds. The first attempt is at once; `len(delays_seconds)` more follow.

    `jitter` widens each delay by a uniform share in [1 - jitter, 1 + jitter], against thundering herds.
    """

    delays_seconds: tuple[float, ...]
    jitter: float = 0.2

    def __post_init__(self) -> None:
        if not 0 <= self.jitter <= 1:
            raise ValueError("jitter lies between 0 and 1")
        if any(delay < 0 for delay in self.delays_seconds):
            raise ValueError("a retry delay cannot be negative")

    @property
    def attempts(self) -> int:
        return len(self.delays_seconds) + 1

    def delay_us(self, attempt: int, chance: float) -> int | None:
        """Microseconds to wait after failed attempt number `attempt` (from 1), or None when none is left."""
        if attempt > len(self.delays_seconds):
            return None
        spread = 1 + self.jitter * (2 * chance - 1)
        return int(self.delays_seconds[attempt - 1] * spread * 1_000_000)


def exponential(first_seconds: float, factor: float, attempts: int, ceiling_seconds: float) -> RetrySchedule:
    """Exponential backoff: first, first*factor, … up to the ceiling; `attempts` counts the first try."""
    delays = (min(first_seconds * factor**power, ceiling_seconds) for power in range(attempts - 1))
    return RetrySchedule(tuple(delays))


HANDLER_DEFAULT = exponential(0.1, 4.0, attempts=6, ceiling_seconds=60.0)
# Standard Webhooks' example schedule: at once, 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h.
DELIVERY_DEFAULT = RetrySchedule((5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400))
