"""What happens by chance, from one seed: a stream of its own for each place, so that one fault moves no other's dice.

A fault has a name that says what, where and the how-manieth time. A run may be told which faults it is allowed: so a
failing run is repeated with fewer and fewer of them.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Set
from hashlib import blake2b
from typing import NamedTuple


class Fault(NamedTuple):
    """`name` is the same whenever the seed is run again; `told` is for people."""

    at_us: int
    kind: str
    name: str
    told: str


class Fates:
    """`allowed` None: whatever strikes. `rates` by kind; a kind without a rate never strikes."""

    def __init__(self, seed: int, rates: dict[str, float], allowed: Set[str] | None = None) -> None:
        self.seed = seed
        self.calm = False  # no more faults: what is broken heals
        self.struck: list[Fault] = []
        self.now_us: Callable[[], int] = lambda: 0
        self.rates = rates
        self._allowed = allowed
        self._streams: dict[str, random.Random] = {}
        self._dice: dict[tuple[str, str], Dice] = {}

    def stream(self, place: str) -> random.Random:
        found = self._streams.get(place)
        if found is None:
            number = int.from_bytes(blake2b(f"{self.seed}/{place}".encode(), digest_size=8).digest())
            found = self._streams[place] = random.Random(number)  # noqa: S311 - repeatable on purpose
        return found

    def strikes(self, kind: str, place: str, told: str = "") -> bool:
        """Whether a fault of the kind happens here and now."""
        if self.calm:
            return False
        dice = self._dice.get((kind, place))
        if dice is None:
            dice = self._dice[kind, place] = Dice(self.rates.get(kind, 0.0), self.stream(f"{kind}@{place}"))
        if not dice.rate:
            return False
        dice.thrown += 1
        return dice.throw() < dice.rate and self.inject(kind, f"{kind}@{place}#{dice.thrown}", told or place)

    def inject(self, kind: str, name: str, told: str) -> bool:
        """Note a fault that was planned, or that struck; False when this run is to do without it."""
        if self._allowed is not None and name not in self._allowed:
            return False
        self.struck.append(Fault(self.now_us(), kind, name, told))
        return True

    def latency_us(self, place: str) -> int:
        """How long something is on its way: mostly a millisecond, now and then long enough to be overtaken."""
        draw = self.stream(place).random()
        return 200 + int(2_000 * draw) if draw < 0.85 else int(2_000 + 60_000 * (draw - 0.85) ** 1.2)

    def between(self, place: str, low: float, high: float) -> float:
        return self.stream(place).uniform(low, high)


class Dice:
    """Those of one kind of fault at one place."""

    __slots__ = ("rate", "throw", "thrown")

    def __init__(self, rate: float, stream: random.Random) -> None:
        self.rate = rate
        self.throw = stream.random
        self.thrown = 0
