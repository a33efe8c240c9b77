"""Refusals, aggregated: who sent what against which contract, since when, and one place to look at."""

from __future__ import annotations

from interlock.model.record import RefusalRow

HOUR_US = 3_600_000_000
OTHERS = "(others)"
MAX_TEXT = 256


class _Tally:
    __slots__ = ("first_us", "last_us", "pointer", "total")

    def __init__(self, pointer: str, now_us: int) -> None:
        self.pointer = pointer
        self.total = 0
        self.first_us = now_us
        self.last_us = now_us


class Refusals:
    """Bounded memory: beyond `capacity` distinct entries, further ones count under contract and source `(others)`.

    The sample pointer is the first one seen; it names a place, never a value.
    """

    def __init__(self, capacity: int = 1024) -> None:
        self._capacity = capacity
        self._tallies: dict[tuple[int, str, str, str], _Tally] = {}

    def record(self, code: str, contract: str, source: str, pointer: str, now_us: int) -> None:
        """Count one refusal. `contract` and `source` are what the sender claimed, empty when it did not get so far."""
        hour_us = now_us - now_us % HOUR_US
        key = (hour_us, code, contract[:MAX_TEXT], source[:MAX_TEXT])
        if key not in self._tallies and len(self._tallies) >= self._capacity:
            key = (hour_us, code, OTHERS, OTHERS)
        tally = self._tallies.get(key)
        if tally is None:
            tally = self._tallies[key] = _Tally(pointer[:MAX_TEXT], now_us)
        tally.total += 1
        tally.last_us = max(tally.last_us, now_us)

    def take(self) -> list[RefusalRow]:
        """What was counted since the last `take`: rows to add to the stored ones of the same hour."""
        rows = [
            RefusalRow(hour_us, code, contract, source, tally.pointer, tally.total, tally.first_us, tally.last_us)
            for (hour_us, code, contract, source), tally in self._tallies.items()
        ]
        self._tallies.clear()
        return rows
