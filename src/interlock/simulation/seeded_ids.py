"""Identifiers and chance that a seed repeats."""

from __future__ import annotations

import random

from interlock.model.clock import Clock
from interlock.simulation.loop import START_US


class SeededIds:
    """`model.Ids` from a seed: the same seed and the same calls give the same ids.

    The ids are well-formed UUIDv7 (RFC 9562) that rise strictly. Their time is the clock's, or frozen without one.
    """

    def __init__(self, seed: int, clock: Clock | None = None) -> None:
        self._random = random.Random(seed)  # noqa: S311 - repeatable on purpose
        self._clock = clock
        self._millisecond = 0
        self._node = self._random.getrandbits(26)
        self._counter = 0

    def new_id(self) -> str:
        now_us = START_US if self._clock is None else self._clock.now_us()
        self._millisecond = max(self._millisecond, now_us // 1000)
        self._counter += 1
        stamp = f"{self._millisecond:012x}"
        variant = 0x8000 | (self._node & 0x3FFF)
        return f"{stamp[:8]}-{stamp[8:]}-7{self._node >> 14:03x}-{variant:04x}-{self._counter:012x}"

    def chance(self) -> float:
        return self._random.random()

    def trace_parent(self) -> str:
        bits = self._random.getrandbits(192) | (1 << 64) | 1
        return f"00-{bits >> 64:032x}-{bits & 0xFFFFFFFFFFFFFFFF:016x}-00"
