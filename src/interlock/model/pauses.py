"""Pauses between tries of what failed: they grow, and chance spreads them.

Processes that lost the same server at the same moment would otherwise ask it again at the same moments, and the first
thing that a server meets which has come back would be all of them at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

Chance = Callable[[], float]  # uniform in [0, 1): `Ids.chance`, or an adapter's own


def spread(seconds: float, chance: Chance) -> float:
    """Uniform in [seconds / 2, seconds * 3 / 2), so `seconds` on average."""
    return seconds * (0.5 + chance())


class Pauses(Iterator[float]):
    """Seconds, without end: the first on average `first_seconds`, each next one twice as long, spread as `spread` does.

    None reaches 1.5 times `longest_seconds`. Chance is asked for each pause and not before.
    """

    __slots__ = ("_chance", "_first_seconds", "_longest_seconds", "_next_seconds")

    def __init__(self, first_seconds: float, longest_seconds: float, chance: Chance) -> None:
        self._first_seconds = self._next_seconds = first_seconds
        self._longest_seconds = longest_seconds
        self._chance = chance

    def __next__(self) -> float:
        seconds = self._next_seconds
        self._next_seconds = min(2 * seconds, self._longest_seconds)
        return spread(seconds, self._chance)

    def begin_anew(self) -> None:
        """It went well: the next failure begins with a short pause again."""
        self._next_seconds = self._first_seconds
