"""Whether a request may come in at all, decided from its head, before anything of it is parsed."""

from __future__ import annotations

from collections.abc import Callable

from interlock.edge.limits import EdgeLimits
from interlock.model.problems import Draining, Problem, StorageFull, TooManyRequests

CHECK_DISK_US = 1_000_000
UNLIMITED = 1 << 62


def no_lag() -> int:
    return 0


def unlimited_disk() -> int:
    return UNLIMITED


class Admission:
    """Counts the requests in flight, from the end of their head to their answer.

    lag         events that were accepted and wait to be handled; asked by each `tick`
    free_disk   bytes; asked by `tick`, at most once a second
    """

    __slots__ = (
        "_checked_us",
        "_disk_full",
        "_free_disk",
        "_lag",
        "_lagging",
        "_limits",
        "_most",
        "collecting",
        "draining",
        "in_flight",
        "unanswered_bytes",
    )

    def __init__(
        self,
        limits: EdgeLimits,
        lag: Callable[[], int] = no_lag,
        free_disk: Callable[[], int] = unlimited_disk,
    ) -> None:
        self._limits = limits
        self._lag = lag
        self._free_disk = free_disk
        self._checked_us: int | None = None
        self._disk_full = False
        self._lagging = False
        self._most = limits.concurrent_requests
        self.collecting = 0  # bytes of bodies that have not come to their end
        self.unanswered_bytes = 0  # of whole bodies whose requests have no answer yet
        self.draining = False
        self.in_flight = 0

    def tick(self, monotonic_us: int) -> None:
        """Look at the lag, and at the disk unless that was done within the last second."""
        self._lagging = self._lag() > self._limits.max_lag_events
        if self._checked_us is None or monotonic_us - self._checked_us >= CHECK_DISK_US:
            self._checked_us = monotonic_us
            self._disk_full = self._free_disk() < self._limits.min_free_disk_bytes

    def refusal(self) -> Problem | None:
        """Why the next request may not come in; None when it may."""
        if self.draining:
            return Draining("The engine is stopping and takes no new requests.", retry_after_seconds=5)
        if self.in_flight >= self._most:
            return TooManyRequests("Too many requests are in flight.", retry_after_seconds=1)
        if self.unanswered_bytes >= self._limits.unanswered_bytes:
            return TooManyRequests("Too many bytes of requests wait for their answers.", retry_after_seconds=1)
        if self._lagging:
            return TooManyRequests("Too many accepted events wait to be handled.", retry_after_seconds=5)
        if self._disk_full:
            return StorageFull("Less disk is free than limits.min_free_disk_bytes.", retry_after_seconds=30)
        return None
