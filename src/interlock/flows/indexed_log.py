"""A log elsewhere, as the flows of this process see it: as far as it is indexed in the state store, each event once.

So a flow never handles what the record does not know, the books balance at any moment, and a log that does not
recognise a resend is as good as one that does. The price is that an event waits for the commit of its index row.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence

from interlock.flows.indexing import Indexing
from interlock.flows.order_gate import OrderGate
from interlock.flows.relay import Relay
from interlock.model.clock import Clock
from interlock.model.event import Event, Stored
from interlock.model.ids import Ids
from interlock.model.lasting_task import lasting
from interlock.model.pauses import Pauses
from interlock.model.problems import Problem, SettingInvalid, problem_of
from interlock.ports.event_log import AppendDone, EventLog, Listener, LogCapabilities, Slice
from interlock.ports.log_index import LogIndex
from interlock.ports.outbox import Outbox

PAUSE_SECONDS = (0.05, 2.0)
LOOK_SECONDS = 1.0
REST_SECONDS = 60.0


class IndexedLog:
    """EventLog, but for one promise: `head` and `read` come to what was appended once it is indexed.

    `append` goes to the log elsewhere, behind what was emitted for the same keys; `done` means what that log says. With
    the first listener it begins to work for the followed partitions: it indexes them, and relays what is emitted for
    them.
    """

    def __init__(self, log: EventLog, index: LogIndex, outbox: Outbox, clock: Clock, ids: Ids) -> None:
        self.on_failure: Callable[[Problem], None] = lambda problem: None
        self._log = log
        self._clock = clock
        self._pauses = Pauses(*PAUSE_SECONDS, ids.chance)
        self._listeners: list[Listener] = []
        self._gaps: list[Callable[[int], None]] = []
        self._indexing = Indexing(log, index, clock, self._tell, self._gap)
        self._gate = OrderGate(log, outbox, clock, lambda problem: self.on_failure(problem))
        self._relay = Relay(outbox, log, index, clock, ids, self._up_to_date)
        self._followed = list(range(log.partitions))
        self._relay.follow(self._followed)
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._looking: asyncio.Task[None] | None = None
        log.listen(lambda fresh: self._wake.set())

    async def catch_up(self) -> None:
        """Index all that the log has now. Before an owner comes: what it has not seen begins at the head.

        SettingInvalid when the log has less than was read from it once.
        """
        everything = range(self.partitions)
        await self._indexing.load(everything)
        await self._log.follow(everything)
        heads = [self._log.head(one) for one in everything]
        if self.log_capabilities.shared_positions:  # the end of another partition shows that the log goes as far
            heads = [max(heads)] * len(heads)
        short = [one for one in everything if heads[one] < self._indexing.ends[one]]
        if short:
            raise SettingInvalid(
                f"The log has lost events that this state has handled: partition {short[0]} ends at position "
                f"{heads[short[0]]}, and was read up to {self._indexing.ends[short[0]]}.",
                next_step="Point the settings at the log that this state was made with, or restore both together.",
            )
        await self._indexing.catch_up(everything)
        await self._rest(everything)

    @property
    def log_capabilities(self) -> LogCapabilities:
        return self._log.log_capabilities

    @property
    def partitions(self) -> int:
        return self._log.partitions

    @property
    def secret(self) -> bytes:
        return self._log.secret

    def append(self, events: Sequence[Event], done: AppendDone) -> None:
        self._gate.append(events, done)

    async def read(self, partition: int, after: int, limit: int) -> Slice:
        return await self._indexing.read(partition, after, limit)

    def head(self, partition: int) -> int:
        return self._indexing.ends[partition]

    async def heads(self) -> list[int]:
        return await self._indexing.stored_ends()

    @property
    def unindexed(self) -> int:
        """Positions of the followed partitions that wait for their index: lag that no flow shows yet."""
        ends = self._indexing.ends
        return max((self._log.head(one) - ends[one] for one in self._indexing.behind(self._followed)), default=0)

    def listen(self, listener: Listener) -> None:
        self._listeners.append(listener)
        if not self._tasks:
            loop = asyncio.get_running_loop()
            works = [self._index(), self._relay.run()]
            if self.log_capabilities.expires:
                works.append(self._keep_resting())
            self._tasks = [loop.create_task(work) for work in works]
            for task in self._tasks:
                task.add_done_callback(self._ended)

    def on_gap(self, wake: Callable[[int], None]) -> None:
        """See TellsOfGaps."""
        self._gaps.append(wake)

    def _gap(self, partition: int) -> None:
        for wake in self._gaps:
            wake(partition)

    async def follow(self, partitions: Collection[int]) -> None:
        """As of EventLog. The followed partitions are also those whose index and outbox this process looks after."""
        gained = set(partitions) - set(self._followed)
        self._followed = sorted(partitions)
        self._relay.follow(self._followed)
        await self._log.follow(self._followed)
        await self._indexing.load(gained)
        await self._indexing.catch_up(self._followed)
        self._wake.set()

    async def close(self) -> None:
        await self._gate.close()
        tasks = [*self._tasks, *([self._looking] if self._looking else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._log.close()

    async def _up_to_date(self, partitions: Collection[int]) -> None:
        """The index has all that anybody has appended by now."""
        await self._log.follow(self._followed)
        await self._indexing.catch_up(partitions)

    async def _index(self) -> None:
        self._wake.set()
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                while late := self._indexing.behind(self._followed):
                    if not await self._indexing.step(late):
                        self._look_again()
                        break
                self._pauses.begin_anew()
            except Problem as problem:
                if not problem.retryable:
                    raise
                self._wake.set()
                await self._clock.sleep(next(self._pauses))

    async def _keep_resting(self) -> None:
        while True:
            await self._clock.sleep(REST_SECONDS)
            try:
                await self._rest(self._followed)
            except Problem as problem:
                if not problem.retryable:
                    raise

    async def _rest(self, partitions: Collection[int]) -> None:
        if self.log_capabilities.expires:
            await self._indexing.rest(partitions)

    def _look_again(self) -> None:
        """In a while, unless the log tells of something before."""
        if self._looking is None or self._looking.done():
            self._looking = lasting(self._rouse(), "look at the log")

    async def _rouse(self) -> None:
        await self._clock.sleep(LOOK_SECONDS)
        self._wake.set()

    def _tell(self, fresh: Sequence[Stored]) -> None:
        """A listener that raises must not keep others from hearing: the events are indexed."""
        for listener in self._listeners if fresh else ():
            try:
                listener(fresh)
            except Exception as error:
                context = {"message": "a listener of the log raised", "exception": error}
                asyncio.get_running_loop().call_exception_handler(context)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Without index or relay nothing goes on: that must not be silent."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self.on_failure(problem_of(error, "Following the log broke"))
