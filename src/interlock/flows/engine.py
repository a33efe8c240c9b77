"""The engine: one worker per flow over one log and one store, under one epoch.

It owns the store and has all partitions; or it is a member among several, and its Crew says which ones it has.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import cast

from interlock import __version__
from interlock.estate.estate import Estate
from interlock.flows.api import ApiRunner
from interlock.flows.crew import Crew, Enlistment, Hand
from interlock.flows.dead_letter_log import DeadLetterLog
from interlock.flows.effects import Effects
from interlock.flows.expiry import GivenUp
from interlock.flows.figures import FlowFigures
from interlock.flows.foreign_events import ForeignEvents
from interlock.flows.limits import FlowLimits
from interlock.flows.refusal_commits import RefusalCommits
from interlock.flows.saga.desk import Desk
from interlock.flows.schedule import Scheduler
from interlock.flows.triggers import reactions_of
from interlock.flows.watchdog import Watchdog
from interlock.flows.worker import Worker
from interlock.model.clock import Clock
from interlock.model.event import Stored
from interlock.model.handling import Mark
from interlock.model.hashing import KeyHasher
from interlock.model.ids import Ids
from interlock.model.problems import LeasedElsewhere, NotFound, Problem, problem_of
from interlock.model.record import Answer, DeliveryRow, RefusalRow, StartRow, Tally
from interlock.ports.event_log import EventLog, TellsOfGaps
from interlock.ports.log_index import LogIndex
from interlock.ports.membership import Roster
from interlock.ports.outbox import Outbox
from interlock.ports.state_store import StateStore
from interlock.ports.trace_sink import TraceSink
from interlock.sdk.flow import Flow

DRAIN_POLL_SECONDS = 0.01
LAST_SECONDS = 2.0  # for the last rows of refusals, when the time for draining is over
MOST_COUNTED = 1 << 20


class Engine:
    """Runs the flows of an estate. `on_calls` gets each commit's new deliveries; `on_fenced` ends the process."""

    def __init__(
        self,
        estate: Estate,
        log: EventLog,
        store: StateStore,
        clock: Clock,
        ids: Ids,
        sink: TraceSink,
        limits: FlowLimits = FlowLimits(),  # noqa: B008 - frozen
        enlistment: Enlistment | None = None,
    ) -> None:
        """Without an enlistment the engine owns the store alone."""
        self._estate = estate
        self._log = log
        self._store = store
        self._clock = clock
        self._limits = limits
        self.epoch = 0
        self.tallies: Sequence[Tally] = ()  # as of the last upkeep
        self.on_calls: Callable[[Sequence[DeliveryRow]], None] = lambda rows: None
        self.on_fenced: Callable[[Problem], None] = lambda problem: None
        self.take_refusals: Callable[[], list[RefusalRow]] = list
        self._refusals = RefusalCommits(store, clock, lambda: self.take_refusals())
        operations = frozenset(
            f"{system.name}.{operation}" for system in estate.systems.values() for operation in system.operations
        )
        self._effects = Effects(estate.contracts, operations, KeyHasher(log.secret), log.partitions, clock, ids)
        foreign = ForeignEvents(estate.contracts, estate.latest, limits.json_depth)
        self._index = None if store.capabilities.fused_log else cast(LogIndex, store)
        self.letters = DeadLetterLog(clock)
        tools = (self._effects, foreign, clock, ids, sink, limits, self.letters, self._calls, self._fenced, self._index)
        self._workers = {name: Worker(flow, log, store, store, *tools) for name, flow in estate.flows.items()}
        self._runs_flows = enlistment is None or enlistment.runs_flows
        self._api = ApiRunner(estate.flows, store, self._effects, clock, ids, sink, limits, self._calls)
        handover_seconds = enlistment.handover_seconds if enlistment else 0.0
        self._scheduler = Scheduler(
            estate.flows.values(), log, store, clock, ids, KeyHasher(log.secret), self._fenced, handover_seconds
        )
        self.runs = Desk(estate.flows, log, store, clock, ids)
        self._by_type: dict[str, list[Worker]] = defaultdict(list)
        for worker in self._workers.values():
            for event_type in worker.reactions:
                self._by_type[event_type].append(worker)
        self._upkeep: asyncio.Task[None] | None = None
        self._hands: list[Hand] = [*self._workers.values(), self._scheduler] if self._runs_flows else []
        self.crew: Crew | None = None
        self._shared_lag = 0
        self.watchdog = Watchdog(clock, limits.stuck_seconds, handover_seconds, log.partitions)
        if enlistment is not None:
            self.crew = Crew(enlistment, log, clock, ids, self._hands, self._fenced, self._rejoined)

    def share(self, hand: Hand) -> None:
        """One more that works on our partitions. Before `start`."""
        self._hands.append(hand)

    async def acquire(self, settings_hash: str = "") -> int:
        """Become the store's owner, or a member on it: a new epoch. Each earlier owner is fenced, a member is not."""
        start = StartRow(0, self._clock.now_us(), __version__, self._estate.name, self._estate.hash, settings_hash)
        subscriptions = {name: types_of(flow) for name, flow in self._estate.flows.items()}
        enter = self._store.acquire if self.crew is None else self.crew.join
        self._rejoined(await enter(start, subscriptions))
        await self.runs.check(self.epoch)
        return self.epoch

    def _rejoined(self, epoch: int) -> None:
        self.epoch = self._api.epoch = epoch

    async def start(self) -> None:
        """Go on where the last owner, or the member before, stopped. After `acquire`."""
        if self._runs_flows:
            self._log.listen(self._appended)
            if isinstance(self._log, TellsOfGaps):
                self._log.on_gap(self._dropped)
            self._scheduler.start(self.epoch)
            for worker in self._workers.values():
                worker.start(self.epoch)
        if self.crew is not None:
            await self.crew.start()
        else:
            for hand in self._hands:
                await hand.take(range(self._log.partitions))
        self._upkeep = asyncio.get_running_loop().create_task(self._tend())
        self._upkeep.add_done_callback(self._tended)

    async def drain(self, seconds: float) -> bool:
        """Stop reading, let what runs finish and commit; False when the time ran out first. Nothing is lost then."""
        if self.crew is not None:
            self.crew.rest()
        self._scheduler.stop()
        for worker in self._workers.values():
            worker.stop_reading()
        deadline = self._clock.monotonic_us() + int(seconds * 1_000_000)
        while not self.idle and self._clock.monotonic_us() < deadline:
            await self._clock.sleep(DRAIN_POLL_SECONDS)
        if self._upkeep is not None:
            self._upkeep.cancel()
        finished = self.idle
        for worker in self._workers.values():
            worker.abandon()
        self.letters.end()
        self._api.stop()
        await self._refusals.finish(self.epoch, max(LAST_SECONDS, (deadline - self._clock.monotonic_us()) / 1_000_000))
        return finished

    async def leave(self) -> None:
        """After the drain, and after all else that commits under our epoch: let others have the partitions."""
        if self.crew is not None:
            await self.crew.leave()

    @property
    def idle(self) -> bool:
        """Whether nothing is being handled; parked keys may still wait for their time."""
        return all(worker.idle for worker in self._workers.values())

    @property
    def lag(self) -> int:
        """Events between the slowest flow's cursor and the head of the log, whoever has the partition.

        As of the last upkeep where several processes share them.
        """
        if self.crew is not None:
            return self._shared_lag
        return max((worker.lag for worker in self._workers.values()), default=0)

    @property
    def leased(self) -> int:
        """How many partitions are ours."""
        return self._log.partitions if self.crew is None else len(self.crew.partitions)

    def figures(self) -> list[FlowFigures]:
        """Each flow as it stands, from memory."""
        return [worker.figures for worker in self._workers.values()]

    async def call_api(self, operation: str, body: object, raw: bytes, scope: str | None, trace: str | None) -> Answer:
        """Run an API handler; its effects and its answer are one commit. See ApiRunner.call."""
        return await self._api.call(operation, body, raw, scope, trace)

    async def redrive(self, mark: Mark) -> Mark:
        """Handle a dead letter again, as its next generation, with the same idempotency keys.

        LeasedElsewhere when another process has its partition.
        """
        try:
            return await self._worker(mark.flow).redrive(mark)
        except LeasedElsewhere as problem:
            raise self._who_has(mark.partition) from problem

    async def discard(self, mark: Mark, reason: str = "discarded") -> None:
        """Give a dead letter up for good; the record keeps the reason, a code."""
        try:
            await self._worker(mark.flow).discard(mark, reason)
        except LeasedElsewhere as problem:
            raise self._who_has(mark.partition) from problem

    async def give_up_expired(self, flow: str, partition: int, reason: str) -> GivenUp:
        """Give up what the log dropped before the flow had handled it; the record keeps the reason, a code.

        NotFound where the flow does not stand; LeasedElsewhere.
        """
        try:
            return await self._worker(flow).give_up_expired(partition, reason)
        except LeasedElsewhere as problem:
            raise self._who_has(partition) from problem

    def _who_has(self, partition: int) -> LeasedElsewhere:
        """Named, so that people know where to ask."""
        roster = self.crew.roster if self.crew else Roster((), {})
        owner = roster.leases.get(partition)
        names = [member.name for member in roster.members if member.epoch == owner]
        if not names:
            return LeasedElsewhere(f"Nobody has partition {partition} at the moment.", next_step="Try again soon.")
        return LeasedElsewhere(
            f"Partition {partition} belongs to {names[0]}.", next_step="Run the command on that machine."
        )

    def _worker(self, flow: str) -> Worker:
        try:
            return self._workers[flow]
        except KeyError:
            raise NotFound(f"The estate has no flow {flow}.") from None

    def _appended(self, stored: Sequence[Stored]) -> None:
        """Wake just the workers that take one of the types, for just the partitions concerned."""
        woken: dict[str, set[int]] = {}
        for _, event in stored:
            if event[3] in self._by_type:
                woken.setdefault(event[3], set()).add(event[0])
        for event_type, partitions in woken.items():
            for worker in self._by_type[event_type]:
                worker.woken(sorted(partitions))

    def _dropped(self, partition: int) -> None:
        """Something may be missing there for each flow: let each look."""
        for worker in self._workers.values():
            worker.woken([partition])

    def _calls(self, rows: Sequence[DeliveryRow]) -> None:
        self.on_calls(rows)

    def _fenced(self, problem: Problem) -> None:
        self.on_fenced(problem)

    async def _tend(self) -> None:
        """What is known here is tended whether the store answers or not; it is asked anew when it has answered."""
        asking: asyncio.Task[None] | None = None
        try:
            while True:
                await self._clock.sleep(self._limits.tend_seconds)
                for worker in self._workers.values():
                    worker.tend()
                self.letters.tend()
                self._watch()
                self._refusals.flush(self.epoch)
                if asking is None or asking.done():
                    asking = asyncio.get_running_loop().create_task(self._ask())
                    asking.add_done_callback(self._tended)
        finally:
            if asking is not None:
                asking.cancel()

    async def _ask(self) -> None:
        """The part of the upkeep that waits for the store: for as long as that is away, perhaps."""
        try:
            await self._store.expire(self._clock.now_us())
            self.tallies = await self._store.tallies()
            if self.crew is not None:
                self._shared_lag = await self._asked_lag()
        except Problem as problem:
            if not problem.retryable:
                self.on_fenced(problem)

    def _watch(self) -> None:
        self.watchdog.look({flow: worker.oldest() for flow, worker in self._workers.items()})
        if self.crew is not None:
            self.watchdog.look_at(self.crew.roster, self.epoch)

    async def _asked_lag(self) -> int:
        """Cursors as they were committed, so a moment old: for back-pressure, which bounds it by far more."""
        lag = 0
        heads = await self._log.heads()
        expired = {} if self._index is None else await self._index.floors()
        for flow in self._workers:
            cursors = await self._store.cursors(flow)
            for partition, head in enumerate(heads):
                cursor = cursors.get(partition, head)
                if cursor >= expired.get(partition, 0):  # else it stands: see Worker.lag
                    lag = max(lag, head - cursor)
        if self._index is not None:  # what was emitted and is not in the log yet is handled after all that
            lag += await cast(Outbox, self._store).size(MOST_COUNTED)
        return lag

    def _tended(self, task: asyncio.Task[None]) -> None:
        """Without upkeep nothing expires and no refusal is kept: that must not go on in silence."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self.on_fenced(problem_of(error, "The upkeep broke"))


def types_of(flow: Flow) -> list[str]:
    """The event types that the flow takes, internal ones included."""
    return sorted(reactions_of(flow))
