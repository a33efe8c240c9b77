"""How many lines of a sort a log gets in a while: a flood must not drown it, and must not go unseen either."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class LineBudget(Generic[K]):
    """`lines` in each while of `seconds`; what comes beyond is counted by kind, up to `kinds` of them."""

    def __init__(self, other: K, lines: int = 20, seconds: float = 10.0, kinds: int = 50) -> None:
        """`other` stands for the kinds beyond the bound."""
        self.seconds = seconds
        self._other = other
        self._lines = lines
        self._kinds = kinds
        self._begun_us: int | None = None
        self._said = 0
        self._counts: Counter[K] = Counter()

    def spend(self, kind: K, now_us: int) -> bool:
        """Whether there is a line left; otherwise it is counted. Times are monotonic."""
        if self._begun_us is None:
            self._begun_us = now_us
        if self._said < self._lines:
            self._said += 1
            return True
        known = kind in self._counts or len(self._counts) < self._kinds
        self._counts[kind if known else self._other] += 1
        return False

    def summary(self, now_us: int, *, last: bool = False) -> dict[K, int]:
        """What was counted, once the while is over, or with `last` at once; a new while begins with the next line."""
        if self._begun_us is None or not (last or now_us - self._begun_us >= self.seconds * 1_000_000):
            return {}
        counts = dict(self._counts)
        self._begun_us, self._said = None, 0
        self._counts.clear()
        return counts
