"""One flow at work: reads its partitions, runs handlers in key order, several keys at once, and commits what they ask.

At most one commit of a flow is in flight; what finishes meanwhile forms the next one. So joins to a parked key keep
their order even when the store fails in between.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from interlock.flows.deadlines import Deadlines
from interlock.flows.effects import Effects
from interlock.flows.figures import FlowFigures
from interlock.flows.handler_run import HandlerRun
from interlock.flows.lane import Lane
from interlock.flows.limits import FlowLimits
from interlock.flows.parking import Parking
from interlock.flows.run import drive, frame_of
from interlock.flows.tracing import FlowTracing
from interlock.flows.triggers import reactions_of
from interlock.flows.verdict import Failure, failure_of
from interlock.model.clock import Clock
from interlock.model.event import Stored
from interlock.model.handling import HandlingState, Mark
from interlock.model.ids import Ids
from interlock.model.problems import (
    AlreadyHandled,
    CounterRefused,
    Fenced,
    Problem,
    StaleRead,
    UnavailableProblem,
    Unexpected,
)
from interlock.model.record import DeliveryRow, FailedAttempt, HandlingRow, Held
from interlock.model.step import EMPTY, Commit, CursorMove, Step, StepResult
from interlock.ports.event_log import EventLog
from interlock.ports.state_store import StateStore
from interlock.ports.trace_sink import TraceSink
from interlock.sdk.context import Context, StateReader
from interlock.sdk.flow import Flow

log = logging.getLogger("interlock.flows")
MAX_RERUNS = 50


class Pending(NamedTuple):
    """A step that waits for its commit, and whom to tell: the run that it came from, or somebody else."""

    step: Step
    run: HandlerRun | None
    settled: Callable[[Problem | None], None] | None


def behind(lane: Lane) -> int:
    return lane.through


class Worker:
    """Everything here runs on the event loop's thread; nothing is locked."""

    def __init__(
        self,
        flow: Flow,
        log: EventLog,
        store: StateStore,
        state: StateReader,
        effects: Effects,
        clock: Clock,
        ids: Ids,
        sink: TraceSink,
        limits: FlowLimits,
        on_calls: Callable[[Sequence[DeliveryRow]], None],
        on_fenced: Callable[[Problem], None],
    ) -> None:
        self.flow = flow
        self.reactions = reactions_of(flow)
        self._log = log
        self._store = store
        self._state = state
        self._effects = effects
        self._clock = clock
        self._ids = ids
        self._tracing = FlowTracing(clock, ids, sink)
        self._limits = limits
        self._deadlines = Deadlines(clock, limits.handler_seconds)
        self._on_calls = on_calls
        self._on_fenced = on_fenced
        self._epoch = 0
        self._lanes: list[Lane] = []
        self._busy: dict[int, deque[HandlerRun]] = {}
        self._taken = 0  # events read and not yet settled
        self._running: dict[asyncio.Task[None], None] = {}  # in order of their start: so they are abandoned
        self._pending: list[Pending] = []
        self._committing = False
        self._store_failing = False
        self._wake = asyncio.Event()
        self._stopped = False
        self._abandoned = False
        self._reading: asyncio.Task[None] | None = None
        self._parking = Parking(self)

    # Life

    async def start(self, epoch: int) -> None:
        """Resume where the committed cursor and the held envelopes say."""
        self._epoch = epoch
        name = self.flow.name
        for partition, cursor in sorted((await self._store.cursors(name)).items()):
            marked = await self._store.marks_after(name, partition, cursor)
            self._lanes.append(Lane(partition, cursor, marked))
        self._parking.load(await self._store.held(name))
        self._reading = asyncio.get_running_loop().create_task(self._read())
        self._reading.add_done_callback(self._ran)

    def stop_reading(self) -> None:
        self._stopped = True
        self._wake.set()
        self._parking.stop()

    @property
    def idle(self) -> bool:
        return not (self._taken or self._pending or self._committing)

    def abandon(self) -> None:
        """Cancel what still runs, and start nothing more; its events are handed out again by the next owner."""
        self._abandoned = True
        self._deadlines.stop()
        for task in (*self._running, *([self._reading] if self._reading else [])):
            task.cancel()

    @property
    def lag(self) -> int:
        """Positions between the slowest cursor and the head, over the partitions where something waits."""
        waiting = [lane for lane in self._lanes if lane.dirty or lane.outstanding]
        return max((self._log.head(lane.partition) - lane.cursor for lane in waiting), default=0)

    @property
    def figures(self) -> FlowFigures:
        return FlowFigures(self.flow.name, self.lag, self._taken, self._parking.keys)

    # Reading

    def woken(self, partitions: Sequence[int]) -> None:
        """New events for this flow are in these partitions."""
        for partition in partitions:
            self._lanes[partition].dirty = True
        self._wake.set()

    async def _read(self) -> None:
        while not self._stopped:
            await self._wake_up()
            # The lane that is furthest behind first, so that all stay within one stretch of the log.
            for lane in sorted((lane for lane in self._lanes if lane.dirty), key=behind):
                if self._room:
                    await self._read_lane(lane)
            self.commit()

    async def _wake_up(self) -> None:
        if self._room and any(lane.dirty for lane in self._lanes):
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
        except UnavailableProblem:  # the lane stays dirty: read it again in a while
            await self._clock.sleep(self._limits.store_retry_seconds)
            return
        for stored in part.events:
            self._take(lane, stored)
        lane.through = part.through
        lane.dirty = part.through < self._log.head(lane.partition)

    def _take(self, lane: Lane, stored: Stored) -> None:
        position, event = stored
        reaction = self.reactions.get(event.type)
        if reaction is None or not lane.take(position):
            return
        self._taken += 1
        if self._parking.takes(position, event):
            return
        queue = self._busy.get(event.key_hash)
        task = HandlerRun(position, event, reaction)
        if queue is not None:
            queue.append(task)
            return
        self._busy[event.key_hash] = deque()
        self.run(task)

    # Running

    def run(self, task: HandlerRun) -> None:
        """Start the handler; `_finished` is called in place or later."""
        task.started_us = self._clock.now_us()
        event = task.event if task.event.trace is None else self._tracing.enter(task.event)
        context = task.context = Context(self.flow.name, event, task.generation, self._state)
        try:
            argument = task.reaction.decode(task.event.body)
            run = task.reaction.handler(argument, context)
        except Exception as error:
            self._finished(task, error)
            return
        waiting = drive(run, lambda _, error: self._finished(task, error), self._deadlines)  # type: ignore[arg-type]
        if waiting is not None:
            self._running[waiting] = None
            waiting.add_done_callback(self._ran)

    def _ran(self, waited: asyncio.Task[None]) -> None:
        self._running.pop(waited, None)
        if self._abandoned:
            return
        if not waited.cancelled() and (error := waited.exception()) is not None:
            self._on_fenced(Unexpected(f"The flow {self.flow.name} broke: {type(error).__name__}: {error}."))
        self.commit()

    def _finished(self, task: HandlerRun, error: BaseException | None) -> None:
        if error is None and task.context is not None:
            try:
                result = self._effects.collect(task.context, task.position)
            except Exception as caught:
                error = caught
            else:
                self._stage(task, HandlingState.DONE, result, None)
                return
        assert error is not None
        if isinstance(error, UnavailableProblem):  # says nothing about the handler: no attempt is spent
            self.later(self._after_pause(lambda: self.run(task)))
            return
        self._failed(task, failure_of(error), frame_of(error))

    def _failed(self, task: HandlerRun, failure: Failure, frame: str) -> None:
        """Skip, retry later, or dead-letter."""
        if failure.skipped:
            self._stage(task, HandlingState.SKIPPED, EMPTY, failure.code)
            return
        attempt = task.attempts + 1
        delay_us = None if failure.final else self.flow.retry.delay_us(attempt, self._ids.chance())
        due_us = None if delay_us is None else self._clock.now_us() + delay_us
        state = HandlingState.DEAD if due_us is None else HandlingState.PARKED
        held = self._held(task, state, due_us, failure)
        failed = FailedAttempt(
            *task.mark(self.flow.name), attempt, task.started_us, self._since(task), failure.code, frame
        )
        self._stage(task, state, EMPTY, failure.code, held, failed)

    def _held(self, task: HandlerRun, state: HandlingState, due_us: int | None, failure: Failure) -> Held:
        return Held(
            *task.mark(self.flow.name),
            task.event.key_hash,
            state,
            task.attempts + 1,
            due_us,
            self._clock.now_us(),
            failure.code,
            failure.detail,
            state is HandlingState.DEAD and self.flow.after_dead_letter == "continue",
            task.event,
        )

    def _since(self, task: HandlerRun) -> int:
        return max(0, self._clock.now_us() - task.started_us)

    # Committing

    def _stage(
        self,
        task: HandlerRun,
        state: HandlingState,
        result: StepResult,
        error: str | None,
        held: Held | None = None,
        failed: FailedAttempt | None = None,
    ) -> None:
        duration_us = self._since(task)
        row = HandlingRow(
            self.flow.name,
            task.event.partition,
            task.position,
            task.generation,
            state,
            task.attempts + 1,
            task.started_us,
            duration_us,
            task.reaction.name,
            self.flow.version,
            error,
        )
        step = Step(row, result, failed, held)
        if task.held and held is None:
            step.release = task.mark(self.flow.name)
        self._pending.append(Pending(step, task, None))

    def submit(self, step: Step, settled: Callable[[Problem | None], None]) -> None:
        """Put a step into the flow's next commit. Call `commit` at the end of the turn."""
        self._pending.append(Pending(step, None, settled))

    def commit(self) -> None:
        """Commit what has finished, unless a commit is in flight: then its end does."""
        if self._committing or self._abandoned or not self._pending:
            return
        self._committing = True
        batch, self._pending = self._pending, []
        self._send(batch)

    def _send(self, batch: list[Pending]) -> None:
        commit = Commit(self._epoch, [entry.step for entry in batch], self._moves(), [])
        self._store.submit(commit, lambda outcomes, problem: self._committed(batch, outcomes, problem))

    def _moves(self) -> list[CursorMove]:
        moves = []
        for lane in self._lanes:
            cursor = lane.cursor
            if cursor > lane.saved:
                lane.saved = cursor
                moves.append(CursorMove(self.flow.name, lane.partition, cursor))
        return moves

    def _committed(
        self, batch: list[Pending], outcomes: Sequence[Problem | None] | None, problem: Problem | None
    ) -> None:
        if self._abandoned:
            return  # what was committed is; the next owner finds it so
        if outcomes is None:
            assert problem is not None
            self._not_committed(batch, problem)
            return
        self._committing = self._store_failing = False
        for (step, run, settled), outcome in zip(batch, outcomes, strict=True):
            if run is not None:
                self._settled(run, step, outcome)
            elif settled is not None:
                settled(outcome)
        if self._room > 0:
            self._wake.set()
        self.commit()

    def _not_committed(self, batch: list[Pending], problem: Problem) -> None:
        """The store is to blame, not the steps: the very same batch goes again, and no attempt is spent."""
        for lane in self._lanes:
            lane.saved = 0  # the moves of this batch were not made: say them again
        if isinstance(problem, Fenced) or not problem.retryable:
            self._on_fenced(problem)
            return
        if not self._store_failing:  # once, not at each of the tries that follow
            self._store_failing = True
            log.warning("flow.store_failed", extra={"flow": self.flow.name, "code": problem.code})
        self.later(self._after_pause(lambda: self._send(batch)))

    async def _after_pause(self, call: Callable[[], None]) -> None:
        await self._clock.sleep(self._limits.store_retry_seconds)
        call()

    def _settled(self, task: HandlerRun, step: Step, problem: Problem | None) -> None:
        """After the commit: hand out the key's next event, or run this one again."""
        if problem is not None and not isinstance(problem, AlreadyHandled):
            self._refused(task, step, problem)
            return
        self._trace(task, step, problem)
        if step.result.calls and problem is None:
            self._on_calls(step.result.calls)
        if task.held:
            self._parking.settled(task, step, problem)
        else:
            self._release(task, step if problem is None else None)

    def _refused(self, task: HandlerRun, step: Step, problem: Problem) -> None:
        """A stale read, or a counter that the handler had looked at, runs again and spends no attempt."""
        looked = task.context is not None and task.context.counters_read
        again = isinstance(problem, StaleRead) or (isinstance(problem, CounterRefused) and looked)
        if again and task.reruns < MAX_RERUNS:
            task.reruns += 1
            self._trace(task, step, problem)
            self.run(task)
            return
        self._failed(task, failure_of(problem), "commit")

    def _release(self, task: HandlerRun, step: Step | None) -> None:
        key_hash = task.event.key_hash
        self.forget(task.event.partition, task.position)
        queue = self._busy[key_hash]
        if step is not None and step.hold is not None and self._parking.parked(task, step.hold):
            del self._busy[key_hash]
            for follower in queue:
                self._parking.takes(follower.position, follower.event)
            return
        if queue:
            self.run(queue.popleft())
        else:
            del self._busy[key_hash]
            self._parking.freed(key_hash)

    def forget(self, partition: int, position: int) -> None:
        """The position is settled: the cursor may pass it."""
        self._taken -= 1
        self._lanes[partition].settle(position)

    # Parked keys: what Parking needs

    def at_work(self, key_hash: int) -> bool:
        """Whether events of the key that were never parked are being handled, or queue up for it."""
        return key_hash in self._busy

    async def held_event(self, mark: Mark) -> Held | None:
        return await self._store.held_one(mark)

    def now_us(self) -> int:
        return self._clock.now_us()

    @property
    def clock(self) -> Clock:
        return self._clock

    def later(self, coroutine: Any) -> None:
        """Run a short coroutine; the worker keeps it until it is done."""
        waiting = asyncio.get_running_loop().create_task(coroutine)
        self._running[waiting] = None
        waiting.add_done_callback(self._ran)

    async def redrive(self, mark: Mark) -> Mark:
        return await self._parking.redrive(mark)

    async def discard(self, mark: Mark, reason: str) -> None:
        await self._parking.discard(mark, reason)

    def tend(self) -> None:
        """Now and then: age limits, and cursors of lanes that see no events of this flow."""
        self._parking.expire()
        for lane in self._lanes:
            if not lane.dirty:  # told of no event of its types: it has read all there is
                lane.through = self._log.head(lane.partition)
        if self.idle and not self._stopped and any(lane.cursor > lane.saved for lane in self._lanes):
            self._committing = True
            self._send([])

    def _trace(self, task: HandlerRun, step: Step, problem: Problem | None) -> None:
        """The run's span, if it is sampled: then the handler's event is not the one that was read."""
        context, row = task.context, step.handling
        if context is not None and row is not None and context.event is not task.event:
            self._tracing.handled(task.event, context.event, row, problem)
