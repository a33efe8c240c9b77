"""The deliverer: takes pending deliveries from memory or the store, sends them, and commits what came of it.

An attempt is one request and one commit. The commit is repeated until the store takes it; the request never is, so
a store that hesitates costs no second call. A crash between the two costs one: that is what the idempotency key is
for. Deliveries start in order of (due, id) within an operation; nothing is promised across operations, nor about the
order in which calls end.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from interlock.delivery.breaker import NEVER_US, Breaker
from interlock.delivery.filling import Filling
from interlock.delivery.lane import Lane
from interlock.delivery.limits import DeliveryLimits
from interlock.delivery.lookout import look_out
from interlock.delivery.outcome import WORDS, Outcome
from interlock.delivery.request import Target, headers_of
from interlock.delivery.settlement import Tried, is_timer, settle
from interlock.delivery.submission import commit_step
from interlock.delivery.targets import NO_RETRY, UNKNOWN, subject_of, targets_of
from interlock.delivery.tracing import DeliveryTracing
from interlock.model.clock import Clock
from interlock.model.ids import Ids
from interlock.model.lasting_task import lasting
from interlock.model.problems import AlreadyHandled, Closed, Problem, TargetUnavailable, Unexpected, problem_of
from interlock.model.record import DeliveryRow, DeliveryState
from interlock.model.saga import TIMER_OPERATION, TIMER_SYSTEM
from interlock.ports.http_client import HttpAnswer, HttpClient
from interlock.ports.state_store import StateStore
from interlock.ports.trace_sink import TraceSink

if TYPE_CHECKING:
    from interlock.estate.system import System

log = logging.getLogger("interlock.delivery")
_STALE_US = 200_000  # until it is asked again whether we still have our partitions
_LONGEST_SLEEP_SECONDS = 300  # the wall clock may be stepped while we sleep
UNKNOWN_OPERATION = "unknown_operation"  # dead-lettered at once: redrive it when the estate has the operation again
RETRIED = "retry"
CROWDING = 3  # a system may have this many times as many calls out as there is room left: alone, three quarters
TIMERS = f"{TIMER_SYSTEM}.{TIMER_OPERATION}"
TIMERS_AT_ONCE = 64
DEFAULT_LIMITS = DeliveryLimits()


class Out(NamedTuple):
    """An attempt under way."""

    task: asyncio.Task[None]
    partition: int


class Deliverer:
    """Runs on one event loop. `failure` is set, and `on_failure` called, when it had to stop for good.

    It sends all there is; or, when it is `shared`, what belongs to the partitions that `take` brings. `stale` tells
    then whether others may have those by now: no call is begun meanwhile.
    """

    def __init__(
        self,
        store: StateStore,
        client: HttpClient,
        systems: Mapping[str, System],
        secrets: Mapping[str, str | bytes],
        clock: Clock,
        ids: Ids,
        epoch: int,
        reply_subjects: frozenset[str],
        limits: DeliveryLimits = DEFAULT_LIMITS,
        sink: TraceSink | None = None,
        shared: bool = False,
    ) -> None:
        self._partitions: frozenset[int] | None = frozenset() if shared else None
        self.stale: Callable[[], bool] = lambda: False
        self._store, self._client, self._clock, self._ids = store, client, clock, ids
        self._epoch = epoch
        self._reply_subjects = reply_subjects
        self._limits = limits
        self._tracing = DeliveryTracing(ids, sink)
        self.outcomes: Counter[tuple[str, str]] = Counter()  # attempts by operation and outcome
        self._targets = targets_of(systems, secrets)
        self._lanes = {name: self._lane(name, target.concurrency) for name, target in self._targets.items()}
        self._unknown = self._lanes[UNKNOWN] = self._lane(UNKNOWN, 1)
        self._lanes[TIMERS] = self._lane(TIMERS, TIMERS_AT_ONCE)
        self._breakers = {target.system: self._breaker() for target in self._targets.values()}
        self._filling = Filling(
            store, self._lanes, self._unknown, clock, ids, limits.page_rows, self._ours, self._pump, self._stop
        )
        self._looking: asyncio.Task[None] | None = None
        self._attempts: dict[str, Out] = {}
        self._out: Counter[str] = Counter()  # attempts by system
        self._sending: set[str] = set()  # those whose answer has not come
        self._alarm: asyncio.Task[None] | None = None
        self._alarm_us = NEVER_US
        self._turn = 0
        self._running = False
        self.failure: Problem | None = None
        self.on_failure: Callable[[Problem], None] | None = None
        self.on_dead_letter: Callable[[DeliveryRow], None] = lambda row: None

    async def start(self) -> None:
        """Begin: with the rows that the store has pending, page by page, and with those that come in."""
        self._running = True
        if self._partitions is not None:
            self._looking = asyncio.create_task(look_out(self._filling.look, self._pump, self._clock))
            self._looking.add_done_callback(self._looked)
        self._pump()

    async def take(self, partitions: Collection[int]) -> None:
        """Send what is pending in these too."""
        if self._partitions is not None:
            self._partitions |= frozenset(partitions)
            for lane in self._lanes.values():
                lane.forget()
            self._pump()

    async def give_back(self, partitions: Collection[int], seconds: float) -> None:
        """Begin nothing more of these. What is out may end within the time; afterwards nothing is to be committed."""
        if self._partitions is None:
            return
        self._partitions -= frozenset(partitions)
        for lane in self._lanes.values():
            lane.drop(partitions)
        out = {one: out.task for one, out in self._attempts.items() if out.partition in partitions}
        await self._ended_within(list(out.values()), seconds)
        for one, task in out.items():
            if one in self._sending:
                task.cancel()
        await asyncio.gather(*out.values(), return_exceptions=True)

    def _ours(self) -> frozenset[int] | None:
        return self._partitions

    def _has(self, row: DeliveryRow) -> bool:
        return self._partitions is None or row.partition in self._partitions

    def _looked(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None and not isinstance(error, Closed):
            self._stop(problem_of(error, "The deliverer's lookout broke"))

    def enqueue(self, rows: Sequence[DeliveryRow]) -> None:
        """Rows whose commit is durable. Before `start` and beyond the memory bound they are left to the store."""
        for row in rows:
            if row.state is DeliveryState.PENDING and self._has(row):
                self._lanes.get(subject_of(row), self._unknown).offer(row)
        self._pump()

    async def drain(self, seconds: float) -> None:
        """Start nothing more; give what is out `seconds` to end. The rest is broken off and tried after a restart."""
        self._running = False
        self._filling.stop()
        if self._looking is not None:
            self._looking.cancel()
        self._disarm()
        out = [out.task for out in self._attempts.values()]
        await self._ended_within(out, seconds)
        for task in out:
            task.cancel()
        await asyncio.gather(*out, return_exceptions=True)

    async def _ended_within(self, tasks: Sequence[asyncio.Task[None]], seconds: float) -> None:
        """Wait for them, and no longer than that."""
        if not tasks:
            return
        limit = asyncio.ensure_future(self._clock.sleep(seconds))
        ended = asyncio.ensure_future(asyncio.wait(tasks))
        waits: set[asyncio.Future[Any]] = {ended, limit}
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()

    @property
    def in_flight(self) -> int:
        return len(self._attempts)

    @property
    def in_memory(self) -> int:
        """Pending rows held in memory, without those that are out."""
        return sum(map(len, self._lanes.values()))

    def breakers(self) -> dict[str, str]:
        """The state of each system's breaker, in words."""
        return {system: breaker.state.value for system, breaker in self._breakers.items()}

    def _lane(self, name: str, slots: int) -> Lane:
        share = max(len(self._targets), 1)
        return Lane(name, slots, max(self._limits.rows // share, 1), max(self._limits.body_bytes // share, 1))

    def _breaker(self) -> Breaker:
        limits = self._limits
        return Breaker(
            limits.breaker_failures, limits.breaker_seconds, limits.breaker_ceiling_seconds, self._ids.chance
        )

    def _pump(self) -> None:
        """Start what may start now, set the alarm for what may start next, and ask for more rows where few are left.

        Lanes take turns, so that a long one leaves the others their part of the total.
        """
        if not self._running:
            return
        if self.stale():
            self._arm(_STALE_US)
            return
        lanes = list(self._lanes.values())
        idle = 0
        while idle < len(lanes) and len(self._attempts) < self._limits.concurrency:
            lane = lanes[self._turn % len(lanes)]
            self._turn += 1
            idle = 0 if self._start_one(lane) else idle + 1
        if len(self._attempts) < self._limits.concurrency:
            self._arm(min(map(self._ready_in_us, lanes), default=NEVER_US))
        self._filling.wake()

    def _ready_in_us(self, lane: Lane) -> int:
        """Microseconds until the lane may start a row; NEVER_US when something else has to happen first."""
        if lane.due_us is None or lane.active >= lane.slots:
            return NEVER_US
        wait_us = lane.due_us - self._clock.now_us()
        target = self._targets.get(lane.name)
        if target is not None:
            if self._crowds(target.system):
                return NEVER_US
            ready_us = self._breakers[target.system].ready_us
            if ready_us >= NEVER_US:
                return NEVER_US
            wait_us = max(wait_us, ready_us - self._clock.monotonic_us())
        return max(wait_us, 0)

    def _crowds(self, system: str) -> bool:
        """Whether it has so many calls out that the rest of the room is kept for others.

        So a system that answers late, or not at all, cannot have all the room, whatever its operations may: some is
        left for those that answer, and the less is left, the fewer are enough to be held back.
        """
        room = self._limits.concurrency - len(self._attempts)
        return self._out[system] >= CROWDING * room

    def _start_one(self, lane: Lane) -> bool:
        if self._ready_in_us(lane) > 0:
            return False
        row = lane.pop()
        target = self._targets.get(lane.name)
        probe = target is not None and self._breakers[target.system].begin()
        if target is not None:
            self._out[target.system] += 1
        task = asyncio.create_task(self._attempt(lane, row, target, probe), name=f"delivery {row.id}")
        self._attempts[row.id] = Out(task, row.partition)
        return True

    def _arm(self, wait_us: int) -> None:
        """Wake up in `wait_us`. An alarm that rings too early does no harm, so it is only ever moved forward."""
        if wait_us >= NEVER_US:
            return
        at_us = self._clock.monotonic_us() + wait_us
        if self._alarm is not None and self._alarm_us <= at_us:
            return
        self._disarm()
        self._alarm_us = at_us
        self._alarm = lasting(self._ring(min(wait_us / 1_000_000, _LONGEST_SLEEP_SECONDS)), "clock of calls")

    async def _ring(self, seconds: float) -> None:
        await self._clock.sleep(seconds)
        self._alarm, self._alarm_us = None, NEVER_US
        self._pump()

    def _disarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm, self._alarm_us = None, NEVER_US

    async def _attempt(self, lane: Lane, row: DeliveryRow, target: Target | None, probe: bool) -> None:
        onward: DeliveryRow | None = None
        try:
            self._sending.add(row.id)
            tried = await self._try(row, target)
            self._sending.discard(row.id)
            self._judge(target, tried, probe)
            probe = False
            onward = await self._commit(row, tried, target)
        except Closed:  # the store or the client: the engine is going down around us
            self._running = False
            log.debug("delivery.broken_off", extra={"delivery": row.id, "operation": subject_of(row)})
        except Problem as problem:
            self._stop(problem)
        except Exception as defect:  # the row would be forgotten until the next start, and nobody would know
            self._stop(Unexpected.of(defect, "The deliverer broke"))
        finally:
            if probe and target is not None:
                self._breakers[target.system].abandoned(self._clock.monotonic_us())
            lane.finish(row.id)
            self._sending.discard(row.id)
            del self._attempts[row.id]
            if target is not None:
                self._out[target.system] -= 1
            if onward is not None and onward.state is DeliveryState.PENDING and self._has(onward):
                lane.offer(onward)
            self._pump()

    async def _try(self, row: DeliveryRow, target: Target | None) -> Tried:
        at_us, begun_us = self._clock.now_us(), self._clock.monotonic_us()
        answer, error = None, None
        if is_timer(row):
            return Tried(at_us, 0, HttpAnswer(204, {}, b""), None, row.trace)
        if target is None:
            return Tried(at_us, 0, None, UNKNOWN_OPERATION, row.trace)
        trace = self._tracing.under(row.trace)
        try:
            body = row.body or b""
            headers = headers_of(row._replace(trace=trace), body, target.keys, at_us)
            answer = await self._client.send(target.method, target.url, headers, body, target.timeout_seconds)
        except TargetUnavailable as problem:
            error = problem.detail.partition(":")[0]
        except Problem:
            raise
        except Exception as defect:
            # One row that cannot be sent must not stop the others: it runs through its schedule and is dead-lettered.
            fields = {"delivery": row.id, "operation": subject_of(row), "kind": type(defect).__name__}
            log.error("delivery.defect", extra=fields)
            error = Unexpected.code
        return Tried(at_us, self._clock.monotonic_us() - begun_us, answer, error, trace)

    def _judge(self, target: Target | None, tried: Tried, probe: bool) -> None:
        """Tell the system's breaker how it went. A refusal is an answer: the system is well."""
        if target is None:
            return
        breaker = self._breakers[target.system]
        if tried.outcome is not Outcome.RETRY:
            if breaker.succeeded():
                log.info("delivery.breaker_closed", extra={"system": target.system})
        elif breaker.failed(self._clock.monotonic_us(), probe):
            log.warning("delivery.breaker_opened", extra={"system": target.system})

    async def _commit(self, row: DeliveryRow, tried: Tried, target: Target | None) -> DeliveryRow | None:
        """Make the outcome durable, however long that takes; the delivery as it stands from then on."""
        retry = target.retry if target else NO_RETRY
        with_reply = subject_of(row) in self._reply_subjects
        step = settle(row, tried, retry, self._ids.chance(), self._clock.now_us(), with_reply)
        try:
            await commit_step(self._store, self._clock, self._ids, self._epoch, step)
        except AlreadyHandled:
            if is_timer(row):
                return None  # called off
            log.warning("delivery.settled_elsewhere", extra={"delivery": row.id, "operation": subject_of(row)})
            return None
        if step.delivery is not None and not is_timer(row):
            self._count(row, target, tried, step.delivery.state)
            if step.delivery.state is DeliveryState.DEAD:
                self.on_dead_letter(step.delivery)
        return step.delivery

    def _count(self, row: DeliveryRow, target: Target | None, tried: Tried, state: DeliveryState) -> None:
        outcome = RETRIED if state is DeliveryState.PENDING else WORDS[state]
        self.outcomes[subject_of(row) if target else UNKNOWN_OPERATION, outcome] += 1
        self._tracing.attempted(row, target, tried, outcome)

    def _stop(self, problem: Problem) -> None:
        """A newer owner, or a store that contradicts itself: say so once, and do nothing more."""
        self._running = False
        self._disarm()
        if self.failure is None:
            self.failure = problem
            log.error("delivery.stopped", extra={"code": problem.code})
            if self.on_failure is not None:
                self.on_failure(problem)
