"""One process among those that share a store: it beats, works out its part of the partitions, and has its hands work.

The store alone says who is gone. A member that could not beat for as long as its lease lasts cannot know whether others
have its partitions by now, so it is `stale`: nothing that would be seen outside is begun until the store has answered.
Then it goes on, or is fenced. So a pause of the process and an absence of the store end alike, and an outage that
nobody survived as a member does not end every process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from interlock.flows.share import change_of, is_even
from interlock.model.clock import Clock
from interlock.model.ids import Ids
from interlock.model.pauses import Pauses, spread
from interlock.model.problems import Fenced, Problem, UnavailableProblem, problem_of
from interlock.model.record import StartRow
from interlock.ports.event_log import EventLog
from interlock.ports.membership import Membership, Roster

GIVING_BACK_AT_ONCE = 32
PAUSE_SECONDS = (0.1, 1.0)


class Hand(Protocol):
    """Something that works on the partitions that this process has."""

    async def take(self, partitions: Collection[int]) -> None:
        """They are ours: begin where the member before ended. UnavailableProblem: nothing was begun, ask again."""
        ...

    async def give_back(self, partitions: Collection[int], seconds: float) -> None:
        """Begin nothing more there, end what is under way within the time, or break it off."""
        ...


@dataclass(frozen=True, slots=True)
class Enlistment:
    """How a process takes part. `name` is for people; `drain_seconds` is the time for giving a partition back."""

    membership: Membership
    name: str
    runs_flows: bool = True
    lease_seconds: float = 10.0
    drain_seconds: float = 20.0

    @property
    def handover_seconds(self) -> float:
        """The longest that a partition is without an owner while there are members, give or take."""
        return 2 * self.lease_seconds + self.drain_seconds


class Crew:
    """This process as a member. `lost` is called once when the store has fenced it, and it runs flows.

    A member without flows has nothing that others could have taken over: it joins anew, and `rejoined` hears the epoch.
    """

    def __init__(
        self,
        enlistment: Enlistment,
        log: EventLog,
        clock: Clock,
        ids: Ids,
        hands: Sequence[Hand],
        lost: Callable[[Problem], None],
        rejoined: Callable[[int], None],
    ) -> None:
        self._own = enlistment
        self._membership = enlistment.membership
        self._log = log
        self._clock = clock
        self._chance = ids.chance
        self._hands = hands
        self._lost = lost
        self._rejoined = rejoined
        self._lease_us = int(enlistment.lease_seconds * 1_000_000)
        self._beaten_us = 0
        self._changed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._join: Callable[[], Awaitable[int]] | None = None
        self._giving = asyncio.Semaphore(GIVING_BACK_AT_ONCE)
        self.epoch = 0
        self.partitions: frozenset[int] = frozenset()
        self.roster = Roster((), {})

    async def join(self, start: StartRow, flows: Mapping[str, Sequence[str]]) -> int:
        """Become a member; `start` has nothing leased yet."""
        own = self._own

        async def join() -> int:
            return await self._membership.join(
                start, flows, own.name, runs_flows=own.runs_flows, lease_seconds=own.lease_seconds
            )

        self._join = join
        self._beaten_us = self._clock.monotonic_us()
        self.epoch = await join()
        return self.epoch

    async def start(self) -> None:
        """Claim what is free for us by now, and go on sharing from then on."""
        await self._log.follow(())
        await self._beat()
        await self._even_out()
        self._tasks = [self._keep(self._live()), self._keep(self._balance())]

    def rest(self) -> None:
        """Keep what there is: claim nothing more, give nothing back. For a process that is about to leave."""
        if self._tasks:
            self._tasks[1].cancel()

    async def leave(self) -> None:
        """Nothing of ours is under way any more: give everything back and be gone."""
        for task in self._tasks:
            task.cancel()
        with suppress(UnavailableProblem):  # then the others notice when the lease is over
            await self._membership.leave(self.epoch)
        self.partitions = frozenset()

    @property
    def silent_seconds(self) -> float:
        """Since when the store has not confirmed this member."""
        return (self._clock.monotonic_us() - self._beaten_us) / 1_000_000

    @property
    def stale(self) -> bool:
        """Whether others may have our partitions by now, for all we know."""
        return self._clock.monotonic_us() - self._beaten_us >= self._lease_us

    async def _live(self) -> None:
        """Beat three times a lease; more often while partitions move or the store is away."""
        lease = self._own.lease_seconds
        answered = True
        while True:
            even = is_even(self.roster, self._log.partitions)
            await self._clock.sleep(lease / 3 if even and answered else spread(lease / 20, self._chance))
            answered = await self._beat()

    async def _beat(self) -> bool:
        """Whether the store answered."""
        sent_us = self._clock.monotonic_us()
        try:
            self.roster = await self._membership.beat(self.epoch)
        except UnavailableProblem:
            return False
        except Fenced:
            if self._own.runs_flows or self._join is None:
                raise
            try:
                self.epoch = await self._join()
            except UnavailableProblem:
                return False  # the next beat is fenced too, and joins
            self._rejoined(self.epoch)
        self._beaten_us = sent_us
        self._changed.set()
        return True

    async def _balance(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            await self._even_out()

    async def _even_out(self) -> None:
        roster = self.roster
        change = change_of(roster, self._log.partitions, self.epoch, self.partitions)
        await self._let_go_of_unknown(roster)
        await asyncio.gather(*map(self._give_back, change.surplus))
        if change.wanted:
            await self._claim(change.wanted)

    async def _let_go_of_unknown(self, roster: Roster) -> None:
        """Leased to us by a claim whose answer was lost: nobody would work there. Free again, it is claimed as any."""
        unknown = [one for one, owner in roster.leases.items() if owner == self.epoch and one not in self.partitions]
        if unknown:
            with suppress(UnavailableProblem):  # the next roster shows it again
                await self._membership.release(self.epoch, unknown)

    async def _claim(self, wanted: Collection[int]) -> None:
        try:
            gained = await self._membership.claim(self.epoch, wanted)
        except UnavailableProblem:
            return  # whatever was leased, the next roster tells
        if not gained:
            return
        self.partitions |= frozenset(gained)
        await self._until_answered(lambda: self._log.follow(sorted(self.partitions)))
        for hand in self._hands:
            await self._until_answered(lambda hand=hand: hand.take(gained))  # type: ignore[misc]

    async def _give_back(self, partition: int) -> None:
        """Each by itself, so that a slow handler of one does not keep the others idle."""
        async with self._giving:
            seconds = self._own.drain_seconds
            await asyncio.gather(*(hand.give_back([partition], seconds) for hand in self._hands))
            self.partitions -= {partition}
            await self._until_answered(lambda: self._membership.release(self.epoch, [partition]))
            await self._until_answered(lambda: self._log.follow(sorted(self.partitions)))

    async def _until_answered(self, call: Callable[[], Awaitable[None]]) -> None:
        pauses = Pauses(*PAUSE_SECONDS, self._chance)
        while True:
            try:
                return await call()
            except UnavailableProblem:
                await self._clock.sleep(next(pauses))

    def _keep(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(coroutine)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A member that no longer beats must not go on as one."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self._lost(problem_of(error, "Sharing the partitions broke"))
