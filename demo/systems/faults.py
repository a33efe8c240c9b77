"""Bad luck by seed: the same key and attempt meet the same fault in every run."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from hashlib import sha256


class Fault(StrEnum):
    NONE = "none"
    ERROR = "error_500"  # refused before any effect
    BUSY = "busy_503"  # refused before any effect, with Retry-After
    SLOW = "slow"  # answered late, within the caller's patience
    LOST_ANSWER = "lost_answer"  # done, and the socket closed instead of an answer
    HANG = "hang"  # done, and answered after the caller's patience has ended


SHARES: dict[Fault, float] = {
    Fault.ERROR: 0.05,
    Fault.BUSY: 0.03,
    Fault.SLOW: 0.04,
    Fault.LOST_ANSWER: 0.04,
    Fault.HANG: 0.01,
}


class Luck:
    """Draws one fault per attempt at a key. `scale` 0 switches faults off."""

    def __init__(self, seed: int, scale: float) -> None:
        self._seed = seed
        self._scale = scale
        self._attempts: Counter[str] = Counter()

    def draw(self, key: str) -> Fault:
        self._attempts[key] += 1
        digest = sha256(f"{self._seed}/{key}/{self._attempts[key]}".encode()).digest()
        chance = int.from_bytes(digest[:4], "big") / 2**32
        for fault, share in SHARES.items():
            chance -= share * self._scale
            if chance < 0:
                return fault
        return Fault.NONE
