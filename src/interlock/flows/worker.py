"""One flow at work: reads the partitions that it has, and runs handlers in key order, several keys at once."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Coroutine, Sequence
from typing import Any

from interlock.flows.dead_letter_log import DeadLetterLog
from interlock.flows.deadlines import Deadlines
from interlock.flows.effects import Effects
from interlock.flows.expiry import Expiry, GivenUp
from interlock.flows.figures import FlowFigures
from interlock.flows.flow_commits import FlowCommits, Pending
from interlock.flows.foreign_events import ForeignEvents
from interlock.flows.handler_run import HandlerRun
from interlock.flows.lane import Lane, behind, elsewhere
from interlock.flows.limits import FlowLimits
from interlock.flows.parking import Parking
from interlock.flows.run import drive, frame_of
from interlock.flows.run_step import failed_step, step_of
from interlock.flows.saga.driver import Sagas
from interlock.flows.saga.ledger import Tools
from interlock.flows.tracing import FlowTracing
from interlock.flows.triggers import reactions_of
from interlock.flows.verdict import Failure, failure_of, refusal_of
from interlock.model.clock import Clock
from interlock.model.event import UNCHECKED, Stored
from interlock.model.handling import HandlingState, Mark
from interlock.model.ids import Ids
from interlock.model.pauses import Pauses, spread
from interlock.model.problems import (
    AlreadyHandled,
    CallerProblem,
    CounterRefused,
    Draining,
    EventsExpired,
    Problem,
    StaleRead,
    UnavailableProblem,
    problem_of,
)
from interlock.model.record import DeliveryRow, Held
from interlock.model.step import EMPTY, Step
from interlock.ports.event_log import EventLog
from interlock.ports.log_index import LogIndex
from interlock.ports.state_store import StateStore
from interlock.ports.trace_sink import TraceSink
from interlock.sdk.context import Context, StateReader
from interlock.sdk.flow import Flow

MAX_RERUNS = 50
CLOSE_POLL_SECONDS = 0.01
CONTRACT = "contract"  # instead of a frame: no handler ran


class Worker:
    """Everything here runs on the event loop's thread; nothing is locked."""

    def __init__(
        self,
        flow: Flow,
        log: EventLog,
        store: StateStore,
        state: StateReader,
        effects: Effects,
        foreign: ForeignEvents,
        clock: Clock,
        ids: Ids,
        sink: TraceSink,
        limits: FlowLimits,
        letters: DeadLetterLog,
        on_calls: Callable[[Sequence[DeliveryRow]], None],
        on_fenced: Callable[[Problem], None],
        index: LogIndex | None = None,
    ) -> None:
        self.flow = flow
        self.reactions = reactions_of(flow)
        self.clock = clock
        self._log = log
        self._store = store
        self._state = state
        self._effects = effects
        self._foreign = foreign
        self._ids = ids
        self._tracing = FlowTracing(clock, ids, sink)
        self._limits = limits
        self._deadlines = Deadlines(clock, limits.handler_seconds)
        self._letters = letters
        self._on_calls = on_calls
        self._on_fenced = on_fenced
        self._expiry = Expiry(self, index)
        self._lanes: dict[int, Lane] = {}
        self._taken = 0  # events read and not yet settled
        self._running: dict[asyncio.Task[None], Lane | None] = {}  # in order of their start: so they are abandoned
        self._wake = asyncio.Event()
        self._stopped = False
        self._abandoned = False
        self._reading: asyncio.Task[None] | None = None
        pauses = Pauses(limits.store_retry_seconds, limits.store_longest_retry_seconds, ids.chance)
        self._commits = FlowCommits(
            flow.name, self._lanes, store, clock, pauses, self._settled, self._committed, on_fenced, self.later
        )
        tools = Tools(flow, state, effects, clock, ids, limits.handler_seconds, self.submit, self.commit, on_calls)
        self._sagas = Sagas(tools)

    # Life

    def start(self, epoch: int) -> None:
        """Handle what is in the partitions that `take` brings."""
        self._commits.epoch = epoch
        self._reading = asyncio.get_running_loop().create_task(self._read())
        self._reading.add_done_callback(self._ran)

    def stop_reading(self) -> None:
        self._stopped = True
        self._wake.set()
        for lane in self._lanes.values():
            lane.parking.stop()

    @property
    def idle(self) -> bool:
        return not self._taken and self._commits.idle

    def abandon(self) -> None:
        """Cancel what still runs, and start nothing more; its events are handed out again by the next owner."""
        self._abandoned = True
        self._deadlines.stop()
        self._commits.stop()
        for task in (*self._running, *([self._reading] if self._reading else [])):
            task.cancel()

    @property
    def lag(self) -> int:
        """Positions between the slowest cursor and the head, over the partitions where something waits. Not those that
        stand: waiting does not help them, so callers are not held back."""
        waiting = [lane for lane in self._lanes.values() if (lane.dirty or lane.outstanding) and not lane.expired]
        return max((self._log.head(lane.partition) - lane.cursor for lane in waiting), default=0)

    @property
    def figures(self) -> FlowFigures:
        parked = sum(lane.parking.keys for lane in self._lanes.values())
        expired = sum(lane.expired > 0 for lane in self._lanes.values())
        return FlowFigures(self.flow.name, self.lag, self._taken, parked, expired)

    def oldest(self) -> dict[int, int]:
        """Partition -> when the oldest event was accepted that was read, or parked, and is not settled."""
        found = ((lane.partition, lane.oldest_us) for lane in self._lanes.values())
        return {partition: at_us for partition, at_us in found if at_us is not None}

    # Partitions

    async def take(self, partitions: Collection[int]) -> None:
        """Resume each where its committed cursor and its held envelopes say. They must be ours by now."""
        name = self.flow.name
        cursors = await self._store.cursors(name)
        held = await self._store.held(name, partitions)
        lanes = []
        for partition in sorted(partitions):
            marked = await self._store.marks_after(name, partition, cursors[partition])
            lanes.append(Lane(partition, cursors[partition], marked))
        if self._stopped:
            return
        for lane in lanes:
            lane.parking = Parking(self, lane)
            lane.parking.load([row for row in held if row.partition == lane.partition])
            self._lanes[lane.partition] = lane
        self._wake.set()

    async def give_back(self, partitions: Collection[int], seconds: float) -> None:
        """Start nothing more of these, let what runs finish and commit; what takes longer is broken off.

        Afterwards nothing of them is on its way to the store, so they may be given to somebody else.
        """
        lanes = [self._lanes[partition] for partition in partitions if partition in self._lanes]
        for lane in lanes:
            lane.closing = True
            lane.parking.stop()
        deadline_us = self.clock.monotonic_us() + int(seconds * 1_000_000)
        while any(map(self._at_work, lanes)) and self.clock.monotonic_us() < deadline_us:
            self._commits.save_cursors()
            await self.clock.sleep(CLOSE_POLL_SECONDS)
        for lane in lanes:
            self._break_off(lane)
        while any(self._commits.carry(lane.partition) for lane in lanes) and not self._abandoned:
            await self.clock.sleep(CLOSE_POLL_SECONDS)

    def _at_work(self, lane: Lane) -> bool:
        under_way = lane.busy or lane in self._running.values() or self._commits.concern(lane)
        return bool(under_way) or lane.cursor > lane.saved

    def _break_off(self, lane: Lane) -> None:
        """Its events are handed out again by whoever has the partition next."""
        lane.gone = True
        del self._lanes[lane.partition]
        self._taken -= len(lane.outstanding)
        self._commits.drop([lane], elsewhere(lane.partition))
        for task in [task for task, of in self._running.items() if of is lane]:
            task.cancel()
        self._wake.set()

    # Reading

    def woken(self, partitions: Sequence[int]) -> None:
        """New events for this flow are in these partitions."""
        for partition in partitions:
            lane = self._lanes.get(partition)
            if lane is not None:
                lane.dirty = True
        self._wake.set()

    async def _read(self) -> None:
        while not self._stopped:
            await self._wake_up()
            # The lane that is furthest behind first, so that all stay within one stretch of the log.
            for lane in sorted((lane for lane in self._lanes.values() if lane.readable), key=behind):
                if self._room > 0:
                    await self._read_lane(lane)
                if 2 * self._commits.waiting >= self._limits.in_flight:
                    self._commits.commit()  # the store works on half of the window while handlers run for the rest
            self._commits.commit()

    async def _wake_up(self) -> None:
        if self._room > 0 and any(lane.readable for lane in self._lanes.values()):
            await asyncio.sleep(0)  # let requests in: reading on must not starve the edge
            return
        self._wake.clear()
        await self._wake.wait()

    @property
    def _room(self) -> int:
        return self._limits.in_flight - self._taken

    async def _read_lane(self, lane: Lane) -> None:
        try:
            part = await self._log.read(lane.partition, lane.through, min(self._room, self._limits.read_events))
        except EventsExpired as problem:
            await self._expiry.meet(lane, problem.first - 1)
            return
        except UnavailableProblem:  # the lane stays dirty: read it again in a while
            await self.pause()
            return
        if lane.closing:
            return
        for stored in part.events:
            self._take(lane, stored)
        lane.through = part.through
        lane.dirty = part.through < self._log.head(lane.partition)

    def _take(self, lane: Lane, stored: Stored) -> None:
        position, event = stored
        reaction = self.reactions.get(event.type)
        if reaction is None or not lane.take(position, event.time_us):
            return
        self._taken += 1
        if lane.parking.takes(position, event):
            return
        queue = lane.busy.get(event.key_hash)
        task = HandlerRun(lane, position, event, reaction)
        if queue is not None:
            queue.append(task)
            return
        lane.busy[event.key_hash] = deque()
        self.run(task)

    # Running

    def run(self, task: HandlerRun) -> None:
        """Start the handler; `_finished` is called in place or later."""
        task.started_us = self.clock.now_us()
        if task.event.version == UNCHECKED and not self._passes(task):
            return
        event = task.event if task.event.trace is None else self._tracing.enter(task.event)
        context = task.context = Context(self.flow.name, event, task.generation, self._state)
        try:
            argument = task.reaction.decode(task.event.body)
            run = self._sagas.react(task, argument) if task.reaction.saga else task.reaction.handler(argument, context)
        except Exception as error:
            self._finished(task, None, error)
            return
        waiting = drive(run, lambda value, error: self._finished(task, value, error), self._deadlines)  # type: ignore[arg-type]
        if waiting is not None:
            self._running[waiting] = task.lane
            waiting.add_done_callback(self._ran)

    def _passes(self, task: HandlerRun) -> bool:
        """Whether an event that nobody has checked keeps its contract. If not it is dead at once: no retry mends it."""
        try:
            task.event = self._foreign.checked(task.event)
        except CallerProblem as problem:
            self._failed(task, refusal_of(problem), CONTRACT)
            return False
        return True

    def _ran(self, waited: asyncio.Task[None]) -> None:
        self._running.pop(waited, None)
        if self._abandoned:
            return
        if not waited.cancelled() and (error := waited.exception()) is not None:
            self._on_fenced(problem_of(error, f"The flow {self.flow.name} broke"))
        self._commits.commit()

    def _finished(self, task: HandlerRun, value: Any, error: BaseException | None) -> None:
        if task.lane.gone:
            return
        if error is None and task.context is not None:
            try:
                result = value if task.reaction.saga else self._effects.collect(task.context, task.position)
            except Exception as caught:
                error = caught
            else:
                self._add(task, step_of(self.flow, task, HandlingState.DONE, self._since(task), result))
                return
        assert error is not None
        if isinstance(error, UnavailableProblem):  # says nothing about the handler: no attempt is spent
            self.later(self._again(task), task.lane)
            return
        self._failed(task, failure_of(error), frame_of(error))

    async def _again(self, task: HandlerRun) -> None:
        await self.pause()
        self.run(task)

    def _failed(self, task: HandlerRun, failure: Failure, frame: str) -> None:
        """Skip, retry later, or dead-letter."""
        since_us = self._since(task)
        if failure.skipped:
            self._add(task, step_of(self.flow, task, HandlingState.SKIPPED, since_us, EMPTY, failure.code))
            return
        chance, now_us = self._ids.chance(), self.clock.now_us()
        self._add(task, failed_step(self.flow, task, failure, frame, since_us, chance, now_us))

    def _since(self, task: HandlerRun) -> int:
        return max(0, self.clock.now_us() - task.started_us)

    # Committing

    def _add(self, task: HandlerRun, step: Step) -> None:
        self._commits.add(Pending(step, task.lane, task, None))

    def submit(self, lane: Lane, step: Step, settled: Callable[[Problem | None], None]) -> None:
        """Put a step into the flow's next commit. Call `commit` at the end of the turn."""
        self._commits.add(Pending(step, lane, None, settled))

    def hand_out(self, lane: Lane, position: int, time_us: int) -> None:
        """The position is under way: the cursor waits for it."""
        self._taken += 1
        lane.take(position, time_us)

    def commit(self) -> None:
        self._commits.commit()

    def _committed(self) -> None:
        if self._room > 0:
            self._wake.set()

    def _settled(self, entry: Pending, problem: Problem | None) -> None:
        """After the commit: hand out the key's next event, or run this one again."""
        step, lane, task, settled = entry
        if step.hold is not None and problem is None and step.hold.state is HandlingState.DEAD:
            self._letters.handling(step.hold)
        if settled is not None:
            settled(problem)
        if task is None or lane.gone:
            return
        if problem is not None and not isinstance(problem, AlreadyHandled):
            self._refused(task, step, problem)
            return
        self._tracing.settled(task, step, problem)
        if step.result.calls and problem is None:
            self._on_calls(step.result.calls)
        if task.held:
            lane.parking.settled(task, step, problem)
        else:
            self._release(task, step if problem is None else None)

    def _refused(self, task: HandlerRun, step: Step, problem: Problem) -> None:
        """A stale read, or a counter that the handler had looked at, runs again and spends no attempt."""
        looked = task.context is not None and task.context.counters_read
        again = isinstance(problem, StaleRead) or (isinstance(problem, CounterRefused) and looked)
        if again and task.reruns < MAX_RERUNS:
            task.reruns += 1
            self._tracing.settled(task, step, problem)
            self.run(task)
            return
        self._failed(task, failure_of(problem), "commit")

    def _release(self, task: HandlerRun, step: Step | None) -> None:
        key_hash, lane = task.event.key_hash, task.lane
        self.forget(lane, task.position)
        queue = lane.busy[key_hash]
        if step is not None and step.hold is not None and lane.parking.parked(task, step.hold):
            del lane.busy[key_hash]
            for follower in queue:
                lane.parking.takes(follower.position, follower.event)
            return
        if queue and not lane.closing:
            self.run(queue.popleft())
        else:
            del lane.busy[key_hash]
            lane.parking.freed(key_hash)

    def forget(self, lane: Lane, position: int) -> None:
        """The position is settled: the cursor may pass it."""
        self._taken -= 1
        lane.settle(position)

    # Parked keys: what Parking needs

    async def pause(self) -> None:
        """Until the store is asked again that was away."""
        await self.clock.sleep(spread(self._limits.store_retry_seconds, self._ids.chance))

    async def held_event(self, mark: Mark) -> Held | None:
        return await self._store.held_one(mark)

    def later(self, coroutine: Coroutine[Any, Any, None], lane: Lane | None = None) -> None:
        """Run a short coroutine; the worker keeps it until it is done, or until the lane is given back."""
        waiting = asyncio.get_running_loop().create_task(coroutine)
        self._running[waiting] = lane
        waiting.add_done_callback(self._ran)

    async def redrive(self, mark: Mark) -> Mark:
        """LeasedElsewhere when another process has the partition."""
        return await self._lane(mark.partition).parking.redrive(mark)

    async def discard(self, mark: Mark, reason: str) -> None:
        await self._lane(mark.partition).parking.discard(mark, reason)

    async def give_up_expired(self, partition: int, reason: str) -> GivenUp:
        return await self._expiry.give_up(self._lane(partition), reason)

    def _lane(self, partition: int) -> Lane:
        if self._stopped:
            raise Draining("The engine is stopping.", next_step="Ask again when it, or another one, runs.")
        lane = self._lanes.get(partition)
        if lane is None or lane.closing:
            raise elsewhere(partition)
        return lane

    def tend(self) -> None:
        """Now and then: age limits, and cursors of lanes that see no events of this flow."""
        for lane in self._lanes.values():
            lane.parking.expire()
            if not lane.dirty:  # told of no event of its types: it has read all there is
                lane.through = self._log.head(lane.partition)
        if self.idle and not self._stopped:
            self._commits.save_cursors()
