"""Bugs that an engine could have, as patches of the parts that keep them out: what a simulation must be able to see.

Each is planted by a function that gets a MonkeyPatch. `budget` is how many schedules may pass before it is seen, twice
or more what it took when it was recorded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

from interlock.adapters.memory_dedupe import DedupeWindow
from interlock.adapters.memory_members import Members
from interlock.adapters.memory_tables import Tables
from interlock.delivery import deliverer, settlement, submission
from interlock.delivery.lane import END
from interlock.delivery.lane import Lane as CallLane
from interlock.delivery.submission import commit_step
from interlock.flows import flow_commits, schedule
from interlock.flows.api import ApiRunner
from interlock.flows.flow_commits import FlowCommits
from interlock.flows.indexing import Indexing
from interlock.flows.lane import Lane
from interlock.flows.parking import Parking, row_of
from interlock.flows.relay import Relay
from interlock.flows.schedule import Scheduler
from interlock.flows.worker import Worker
from interlock.model.event import Appended
from interlock.model.handling import HandlingState
from interlock.model.problems import Problem, UnavailableProblem
from interlock.model.step import EMPTY, Commit, Put, Step, StepResult
from interlock.simulation.line import LogEars
from interlock.simulation.ports import SimulatedLog, SimulatedStore

Plant = Callable[[Any], None]


class Bug(NamedTuple):
    plant: Plant
    estate: str
    budget: int


BUGS: dict[str, Bug] = {}


def bug(budget: int, estate: str = "probe") -> Callable[[Plant], Plant]:
    def note(plant: Plant) -> Plant:
        BUGS[plant.__name__] = Bug(plant, estate, budget)
        return plant

    return note


def nothing(*arguments: Any) -> None:
    return None


@bug(40)
def mark_outside_the_transaction(patch: Any) -> None:
    """The effects go first, the mark follows in a commit of its own."""
    original = FlowCommits._send

    def send(self: Any, batch: Any, again: bool = False) -> None:
        effects = [Step(result=entry.step.result) for entry in batch if entry.step.result != EMPTY]
        if effects and not again:
            self._store.submit(Commit(self.epoch, effects, [], []), nothing)
        bare = [entry._replace(step=replace(entry.step, result=EMPTY)) for entry in batch]
        original(self, bare, again)

    patch.setattr(FlowCommits, "_send", send)


@bug(40)
def acknowledged_before_the_commit(patch: Any) -> None:
    """Whoever appends is told so at once."""
    for port in (SimulatedStore, SimulatedLog):
        original = port.append

        def append(self: Any, events: Any, done: Any, original: Any = original) -> None:
            original(self, events, nothing)
            places = [Appended(event.partition, 1, False) for event in events]
            asyncio.get_running_loop().call_soon(done, places, None)

        patch.setattr(port, "append", append)


@bug(120)
def no_fencing(patch: Any) -> None:
    """The store takes commits of whoever sends them."""
    patch.setattr(Members, "check", nothing)
    patch.setattr(Tables, "check_cursors", nothing)


@bug(60)
def cursor_moved_before_the_commit(patch: Any) -> None:
    """It passes what was read, and not what was settled."""
    patch.setattr(Lane, "cursor", property(lambda self: self.through))


@bug(120)
def retry_that_skips_the_park(patch: Any) -> None:
    """A failed run is tried again later, and its key goes on meanwhile."""
    original = Worker._failed

    def failed(self: Any, task: Any, failure: Any, frame: str) -> None:
        last = self.flow.retry.delay_us(task.attempts + 1, 0.5) is None
        if failure.final or failure.skipped or task.held or last:
            original(self, task, failure, frame)
            return
        task.attempts += 1
        queue = task.lane.busy.get(task.event.key_hash)
        if queue:
            self.run(queue.popleft())
        self.later(self._again(task), task.lane)

    def release(self: Any, task: Any, step: Any, release: Any = Worker._release) -> None:
        if task.event.key_hash in task.lane.busy:
            release(self, task, step)
        else:
            self.forget(task.lane, task.position)

    patch.setattr(Worker, "_failed", failed)
    patch.setattr(Worker, "_release", release)


@bug(60)
def parked_key_overtaken_after_a_restart(patch: Any) -> None:
    """The lines of parked keys are read again, and new arrivals do not look at them."""
    original, takes = Parking.load, Parking.takes

    def load(self: Any, rows: Any) -> None:
        original(self, rows)
        self.loaded = set(self._lines)

    def look(self: Any, position: int, event: Any) -> bool:
        return event.key_hash not in getattr(self, "loaded", ()) and takes(self, position, event)

    patch.setattr(Parking, "load", load)
    patch.setattr(Parking, "takes", look)


@bug(60)
def retry_timer_lost_on_a_crash(patch: Any) -> None:
    """Only the process that parked a key would wake it."""
    patch.setattr(Parking, "_heads", lambda self, rows: [])


@bug(60)
def dead_letter_lets_its_key_go_on(patch: Any) -> None:
    original = Parking.parked

    def parked(self: Any, task: Any, held: Any) -> bool:
        return held.state is not HandlingState.DEAD and original(self, task, held)

    patch.setattr(Parking, "parked", parked)


@bug(40)
def redriven_letter_is_not_put_in_line(patch: Any) -> None:
    """It is in the store as parked, and nobody's turn."""

    async def redrive(self: Any, mark: Any) -> Any:
        held, fresh = await self._dead(mark), mark._replace(generation=mark.generation + 1)
        again = held._replace(
            generation=fresh.generation, state=HandlingState.PARKED, attempts=0, due_us=self._worker.now_us()
        )
        await self._commit(Step(handling=row_of(self._worker, again), hold=again, supersede=mark))
        self._unblock(held.key_hash, mark)
        return fresh

    patch.setattr(Parking, "redrive", redrive)


@bug(60)
def lost_answer_taken_for_a_no(patch: Any) -> None:
    """A batch that is sent again is told that it was handled already, and believes somebody else did it."""
    patch.setattr(flow_commits, "was_applied", lambda step, outcome: False)


@bug(400, "commerce")
def head_runs_ahead_of_the_listeners(patch: Any) -> None:
    """The log says how far it reaches before it tells anybody of what is there."""
    patch.setattr(LogEars, "head", lambda self, partition: self._image.log_tables.head(partition))


@bug(60)
def handover_begins_at_the_head(patch: Any) -> None:
    """Who takes a partition goes on from where the log ends."""
    original = Worker.take

    async def take(self: Any, partitions: Any) -> None:
        await original(self, partitions)
        for lane in self._lanes.values():
            if not lane.outstanding:
                lane.through = max(lane.through, self._log.head(lane.partition))

    patch.setattr(Worker, "take", take)


@bug(200)
def schedule_fires_twice(patch: Any) -> None:
    """The tick is committed without a look at what was run last."""

    async def advance(self: Any, entry: Any, due: Any, emits: Any) -> None:
        put = Put(schedule.TABLE, entry.name, schedule.msgspec.json.encode(due.isoformat()))
        while await self._commit(Step(result=StepResult(puts=(put,), emits=emits))) is not None:
            await self._clock.sleep(schedule.RETRY_SECONDS)

    patch.setattr(Scheduler, "_advance", advance)


@bug(400)
def schedule_missed_in_a_crash(patch: Any) -> None:
    """What was due while nobody was there is forgotten."""
    patch.setattr(schedule, "missed_runs", lambda *arguments: ())


@bug(60)
def outbox_row_dropped_before_it_is_published(patch: Any) -> None:
    async def publish(self: Any) -> bool:
        rows = await self._outbox.waiting(self._partitions, 1024)
        if not rows:
            return False
        await self._outbox.published(rows)
        await self._append([row.event for row in rows])
        return True

    patch.setattr(Relay, "publish", publish)


@bug(60)
def relay_reorders_a_key(patch: Any) -> None:
    original = Relay._append

    async def append(self: Any, events: Any) -> None:
        for event in reversed(events):
            await original(self, [event])

    patch.setattr(Relay, "_append", append)


@bug(60)
def index_hands_duplicates_out(patch: Any) -> None:
    """What was published twice is handled twice."""

    async def read(self: Any, partition: int, after: int, limit: int) -> Any:
        return await self._log.read(partition, after, limit)

    patch.setattr(Indexing, "read", read)


@bug(40)
def call_with_a_key_for_each_attempt(patch: Any) -> None:
    original = deliverer.headers_of

    def headers(row: Any, *more: Any) -> Any:
        return original(row._replace(idempotency_key=f"{row.idempotency_key}.{row.attempts}"), *more)

    patch.setattr(deliverer, "headers_of", headers)


@bug(60)
def reply_emitted_twice(patch: Any) -> None:
    """The reply is committed by itself, before the delivery is marked as done."""

    async def commit(store: Any, clock: Any, ids: Any, epoch: int, step: Step) -> None:
        if step.result != EMPTY:
            await commit_step(store, clock, ids, epoch, Step(result=step.result))
        await commit_step(store, clock, ids, epoch, replace(step, result=EMPTY))

    patch.setattr(deliverer, "commit_step", commit)


@bug(60)
def calls_forgotten_in_a_crash(patch: Any) -> None:
    """Only what is enqueued by a commit of this process is sent."""
    original = CallLane.__init__

    def begin(self: Any, *arguments: Any) -> None:
        original(self, *arguments)
        self.horizon = END

    patch.setattr(CallLane, "__init__", begin)
    patch.setattr(CallLane, "forget", nothing)
    patch.setattr(CallLane, "offer_seen", lambda self, row: False)


@bug(40)
def refusal_taken_for_a_success(patch: Any) -> None:
    """An answer that did not come counts as one: the call is never repeated."""
    original = settlement.outcome_of
    patch.setattr(settlement, "outcome_of", lambda status: original(200 if status is None else status))


@bug(40)
def counter_without_a_bound(patch: Any) -> None:
    patch.setattr(Tables, "check_adds", nothing)


@bug(40)
def stale_read_accepted(patch: Any) -> None:
    patch.setattr(Tables, "check_reads", nothing)


@bug(60)
def dedupe_forgotten_at_the_rotation(patch: Any) -> None:
    """Each upkeep begins a new bucket and keeps none."""

    def rotate(self: Any, now_us: int) -> None:
        if now_us // 1_000_000 != self._newest:
            self._newest, self._current, self._previous = now_us // 1_000_000, {}, {}

    patch.setattr(DedupeWindow, "rotate", rotate)


@bug(200, "commerce")
def answer_stored_outside_the_commit(patch: Any) -> None:
    """The effects of a request are committed, then its answer."""
    original = ApiRunner._commit

    async def commit(self: Any, step: Step) -> Problem | None:
        if step.answer is None:
            return await original(self, step)
        problem = await original(self, replace(step, answer=None))
        return problem if problem is not None else await original(self, Step(answer=step.answer))

    patch.setattr(ApiRunner, "_commit", commit)


@bug(400)
def redrive_whose_answer_was_lost_is_forgotten(patch: Any) -> None:
    """It is told that somebody else has done it, believes so, and leaves the letter parked for ever."""

    async def is_held(self: Any, wanted: Any) -> bool:
        return False

    patch.setattr(Parking, "_is_held", is_held)


@bug(60)
def call_whose_answer_was_lost_is_forgotten(patch: Any) -> None:
    """The attempt was recorded; told so when it is sent again, the deliverer leaves the call to somebody else."""

    async def commit(store: Any, clock: Any, ids: Any, epoch: int, step: Step) -> None:
        while (problem := await submission._submitted(store, Commit(epoch, [step], [], []))) is not None:
            if not isinstance(problem, UnavailableProblem):
                raise problem
            await clock.sleep(0.1)

    patch.setattr(deliverer, "commit_step", commit)
