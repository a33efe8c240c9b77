"""One process's line to a store: what it asks takes time, and may be refused, or lost on the way there or back.

What was sent arrives in the order in which it was sent, as on one connection. A process that dies leaves what it had
sent on its way: it may still arrive, after others have taken over.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from typing import Any, TypeVar

from interlock.adapters.audience import Audience
from interlock.model.problems import Problem, StorageFull, StorageUnavailable
from interlock.ports.event_log import Listener
from interlock.simulation.image import Image
from interlock.simulation.life import Life
from interlock.simulation.world import World

T = TypeVar("T")
TIMEOUT_US = 300_000
WRITES = frozenset({"acquire", "join", "beat", "claim", "release", "leave", "published", "extend", "expire"})


class Line:
    """Coroutines go through `ask`, works with a callback through `send`. Until `away_until_us` nothing does."""

    def __init__(self, world: World, life: Life, name: str) -> None:
        self.world = world
        self.life = life
        self.name = name
        self.place = f"{life.process}→{name}"
        self.away_until_us = 0
        self._last_us = 0

    @property
    def away(self) -> bool:
        return self.world.now_us < self.away_until_us

    async def ask(self, what: str, call: Callable[..., Awaitable[T]], *args: Any, **named: Any) -> T:
        """Raises StorageUnavailable when no answer came; a write may have been carried out all the same."""
        world, fates = self.world, self.world.fates
        if self.away or world.strikes("unreachable", self.place, what):
            await world.sleep_us(TIMEOUT_US)
            raise StorageUnavailable(f"The simulated {self.name} did not answer.")
        if what not in WRITES:  # by the time the answer is there, it may be old
            answer = await call(*args, **named)
            await world.sleep_us(fates.latency_us(self.place))
            return answer
        await world.sleep_us(fates.latency_us(self.place))
        answer = await call(*args, **named)
        if world.strikes("answer lost", self.place, what):
            await world.sleep_us(TIMEOUT_US)
            raise StorageUnavailable(f"The simulated {self.name} did not answer.")
        await world.sleep_us(fates.latency_us(self.place))
        return answer

    def send(self, what: str, apply: Callable[[], T], done: Callable[[T | None, Problem | None], None]) -> None:
        """`apply` is run when it arrives; `done` in the process's own time, if it lives."""
        world, fates = self.world, self.world.fates
        if self.away or world.strikes("refused", self.place, what):
            self._answer(TIMEOUT_US // 2, done, None, StorageUnavailable(f"The simulated {self.name} is away."))
            return
        if world.strikes("disk full", self.place, what):
            self._answer(fates.latency_us(self.place), done, None, StorageFull("The simulated disk is full."))
            return
        delay_us = fates.latency_us(self.place)
        if world.strikes("delayed", self.place, what):
            delay_us += int(fates.between(f"delay {self.place}", 100_000, 3_500_000))
        self._last_us = max(self._last_us, world.now_us + delay_us)
        world.loop.at(self._last_us, self._arrived, what, apply, done, context=world.outside)

    def _arrived(self, what: str, apply: Callable[[], T], done: Callable[[T | None, Problem | None], None]) -> None:
        if not self.life.alive and not self.world.strikes("late arrival", self.place, what):
            return
        try:
            result = apply()
        except Problem as problem:
            self._answer(self.world.fates.latency_us(self.place), done, None, problem)
            return
        if self.life.alive and self.life.arrived(what):
            self.world.crash(self.life)
        elif self.world.strikes("answer lost", self.place, what):
            lost = StorageUnavailable(f"The simulated {self.name} did not answer.")
            self._answer(TIMEOUT_US, done, None, lost)
        else:
            self._answer(self.world.fates.latency_us(self.place), done, result, None)

    def _answer(
        self, delay_us: int, done: Callable[[T | None, Problem | None], None], result: T | None, problem: Problem | None
    ) -> None:
        self.world.after(delay_us, done, result, problem, context=self.life.context)


class LogEars:
    """What one process hears of a log, and how far it believes it to reach: late, in the log's order, all of it.

    As the adapters have it: where the head is known to be, the listeners have been told of all that stands before it.
    """

    def __init__(self, line: Line, image: Image) -> None:
        self._line = line
        self._image = image
        self._audience = Audience()
        self._heads = [image.log_tables.head(partition) for partition in range(len(image.log_tables.log))]
        self._heard = len(image.witness.logged)
        image.listening.append(self)

    def add(self, listener: Listener) -> None:
        self._audience.add(listener)

    def head(self, partition: int) -> int:
        return self._heads[partition]

    def follow(self, partitions: Collection[int]) -> None:
        """Of what was appended to a partition before it was followed nobody is told: it is read."""
        for partition in range(len(self._heads)):
            if self._audience.followed is not None and not self._audience.follows(partition):
                self._heads[partition] = self._image.log_tables.head(partition)
        self._audience.follow(partitions)

    def ring(self) -> None:
        """Something was appended, by whomever: it is heard in a while."""
        line = self._line
        if line.life.alive:
            delay_us = line.world.fates.latency_us(f"hear {line.place}")
            line.world.after(delay_us, self.hear, len(self._image.witness.logged), context=line.life.context)

    def hear(self, through: int) -> None:
        """The head goes on and the listeners are told in one turn: never the one without the other."""
        fresh = self._image.witness.logged[self._heard : through]
        self._heard = max(self._heard, through)
        for position, event in fresh:
            if position > self._heads[event.partition]:
                self._heads[event.partition] = position
        self._audience.tell(fresh)
