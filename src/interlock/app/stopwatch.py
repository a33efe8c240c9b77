"""How long something took, for people at a terminal."""

from __future__ import annotations

from interlock.adapters.system import SystemClock


class Stopwatch:
    """Runs from its making."""

    def __init__(self) -> None:
        self._clock = SystemClock()
        self._begun_us = self._clock.monotonic_us()

    @property
    def seconds(self) -> float:
        return (self._clock.monotonic_us() - self._begun_us) / 1_000_000
