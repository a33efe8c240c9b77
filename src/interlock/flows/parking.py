"""Parked keys of one flow in one partition: a failing event stops its key, never its partition.

Arrivals for a parked key join it in order, as held envelopes in the store; only their places are kept in memory. At
the bound, by count or by age, they are dead-lettered in order behind their head.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from interlock.flows.handler_run import HandlerRun
from interlock.flows.lane import elsewhere
from interlock.flows.line import Line, Waiter
from interlock.flows.timers import Timers
from interlock.model.event import Event
from interlock.model.handling import HandlingState, Mark
from interlock.model.problems import AlreadyHandled, LeasedElsewhere, NotFound, Problem, UnavailableProblem
from interlock.model.record import HandlingRow, Held
from interlock.model.step import Step

if TYPE_CHECKING:
    from interlock.flows.lane import Lane
    from interlock.flows.worker import Worker

PARK_LIMIT = "park_limit"
PARK_AGE = "park_age"


class Parking:
    def __init__(self, worker: Worker, lane: Lane) -> None:
        self._worker = worker
        self._lane = lane
        self._lines: dict[int, Line] = {}
        self._timers: Timers | None = None
        self._stopped = False

    @property
    def _flow(self) -> str:
        return self._worker.flow.name

    @property
    def keys(self) -> int:
        """How many keys stand behind a failed event."""
        return len(self._lines)

    @property
    def oldest_us(self) -> int | None:
        """When the oldest event was accepted that is retried; None when no key is."""
        return min((line.head.accepted_us for line in self._lines.values() if line.head is not None), default=None)

    def load(self, rows: list[Held]) -> None:
        """After a start: rebuild the lines from the held envelopes, and go on."""
        holds = self._worker.flow.after_dead_letter == "hold"
        for held in rows:
            line = self._lines.get(held.key_hash)
            if held.state is HandlingState.DEAD:
                if not holds or held.overtaken:
                    continue
                line = self._lines.setdefault(held.key_hash, Line())
                line.blocked.add(Mark(*held[:4]))
                continue
            line = line or self._lines.setdefault(held.key_hash, Line())
            line.join(waiter_of(held))
        for key_hash, due_us in self._heads(rows):
            self._arm(key_hash, due_us)

    def _heads(self, rows: list[Held]) -> list[tuple[int, int]]:
        due = {Mark(*held[:4]): held.due_us for held in rows}
        heads = []
        for key_hash, line in self._lines.items():
            head = line.advance()
            if head is not None:
                heads.append((key_hash, due.get(head.mark(self._flow)) or 0))
        return heads

    def stop(self) -> None:
        """Start no head any more: the next owner does."""
        self._stopped = True
        if self._timers is not None:
            self._timers.stop()

    def takes(self, position: int, event: Event) -> bool:
        """Whether the event's key is parked; then it joins the line, or dies behind it at the bound."""
        line = self._lines.get(event.key_hash)
        if line is None:
            return False
        full = len(line) >= self._worker.flow.park_limit
        held = self._arrival(position, event, PARK_LIMIT if full else None)
        if not full:
            line.joining += 1
        step = Step(handling=row_of(self._worker, held), hold=held)
        self._worker.submit(self._lane, step, lambda _: self._joined(event.key_hash, held))
        return True

    def _arrival(self, position: int, event: Event, refused: str | None) -> Held:
        state = HandlingState.DEAD if refused else HandlingState.PARKED
        mark = (self._flow, event.partition, position, 0)
        now_us = self._worker.clock.now_us()
        return Held(*mark, event.key_hash, state, 0, None, now_us, refused, None, bool(refused), event)

    def _joined(self, key_hash: int, held: Held) -> None:
        if self._lane.gone:
            return
        self._worker.forget(self._lane, held.position)
        if held.state is HandlingState.DEAD:
            return
        line = self._lines[key_hash]
        line.joining -= 1
        line.join(waiter_of(held))
        self._advance(key_hash, line)

    def parked(self, task: HandlerRun, held: Held) -> bool:
        """A first failure was committed: park the key. False when it was dead-lettered and its key goes on."""
        if held.state is HandlingState.DEAD and held.overtaken:
            return False
        line = self._lines.setdefault(held.key_hash, Line())
        if held.state is HandlingState.DEAD:
            line.blocked.add(Mark(*held[:4]))
        else:
            line.head = waiter_of(held)
            self._arm(held.key_hash, held.due_us or 0)
        return True

    def settled(self, task: HandlerRun, step: Step, problem: Problem | None) -> None:
        """The head's run was committed: again later, dead, or done."""
        key_hash = task.event.key_hash
        line = self._lines[key_hash]
        held = step.hold if problem is None else None
        if held is not None and held.state is HandlingState.PARKED:
            line.head = waiter_of(held)
            self._arm(key_hash, held.due_us or 0)
            return
        line.head = None
        if held is not None and not held.overtaken:
            line.blocked.add(Mark(*held[:4]))
        self._advance(key_hash, line)

    def freed(self, key_hash: int) -> None:
        """The key is at work no more: what a redrive put in line meanwhile has its turn, and what joined it."""
        line = self._lines.get(key_hash)
        if line is not None:
            self._advance(key_hash, line)

    def _advance(self, key_hash: int, line: Line) -> None:
        if key_hash in self._lane.busy:  # events of the key that were never parked
            return
        if line.advance() is not None:
            self._run_head(key_hash)
        elif line.empty:
            del self._lines[key_hash]

    def _arm(self, key_hash: int, due_us: int) -> None:
        if self._stopped:
            return
        if self._timers is None:
            self._timers = Timers(self._worker.clock, self._run_head)
        self._timers.add(due_us, key_hash)

    def _run_head(self, key_hash: int) -> None:
        line = self._lines.get(key_hash)
        if line is not None and line.head is not None and not self._stopped:
            self._worker.later(self._fetch_and_run(key_hash, line.head.mark(self._flow)), self._lane)

    async def _fetch_and_run(self, key_hash: int, mark: Mark) -> None:
        held = await self._envelope(mark)
        if self._stopped:
            return
        if held is None:  # others have handled it, so the partition is theirs: then this commit is fenced
            await self._commit(Step(release=mark))
            raise NotFound(f"The parked event {mark} has no envelope.")
        reaction = self._worker.reactions.get(held.event.type)
        if reaction is None:
            return  # the flow no longer takes this type: it stays parked, and status shows it
        run = HandlerRun(self._lane, mark.position, held.event, reaction, mark.generation, held.attempts, held=True)
        self._worker.run(run)

    async def _envelope(self, mark: Mark) -> Held | None:
        """As soon as the store answers: its fault spends no attempt. None also when the line was stopped meanwhile."""
        while not self._stopped:
            try:
                return await self._worker.held_event(mark)
            except UnavailableProblem:
                await self._worker.pause()
        return None

    async def redrive(self, mark: Mark) -> Mark:
        """Open the next generation of a dead letter; it heads its key's line. AlreadyHandled when it is none."""
        held = await self._dead(mark)
        fresh = mark._replace(generation=mark.generation + 1)
        again = held._replace(
            generation=fresh.generation,
            state=HandlingState.PARKED,
            attempts=0,
            due_us=self._worker.clock.now_us(),
            error=None,
        )
        try:
            await self._commit(Step(handling=row_of(self._worker, again), hold=again, supersede=mark))
        except AlreadyHandled:  # by somebody else; or by us, and the answer to it was lost
            if not await self._is_held(again):
                raise
        line = self._lines.setdefault(held.key_hash, Line())
        line.blocked.discard(mark)
        line.join(waiter_of(again))
        self._advance(held.key_hash, line)
        return fresh

    async def discard(self, mark: Mark, reason: str) -> None:
        """Give a dead letter up; its key goes on. `reason` is a code, since it goes into the record."""
        held = await self._dead(mark)
        gone = held._replace(generation=mark.generation + 1, state=HandlingState.DISCARDED, error=reason)
        try:
            await self._commit(Step(handling=row_of(self._worker, gone), supersede=mark))
        except AlreadyHandled:
            if await self._worker.held_event(mark) is None:  # whoever did it, its key goes on
                self._unblock(held.key_hash, mark)
            raise
        self._unblock(held.key_hash, mark)

    def _unblock(self, key_hash: int, mark: Mark) -> None:
        line = self._lines.get(key_hash)
        if line is not None and mark in line.blocked:
            line.blocked.discard(mark)
            self._advance(key_hash, line)

    async def _is_held(self, wanted: Held) -> bool:
        """This very envelope, made by this redrive and no other."""
        found = await self._worker.held_event(Mark(*wanted[:4]))
        return found is not None and found.state is HandlingState.PARKED and found.due_us == wanted.due_us

    async def _dead(self, mark: Mark) -> Held:
        held = await self._worker.held_event(mark)
        if held is None or held.state is not HandlingState.DEAD:
            raise NotFound(
                f"No dead letter {'/'.join(map(str, mark))}.", next_step="List them with: interlock dlq list"
            )
        return held

    async def _commit(self, step: Step) -> None:
        if self._lane.closing:
            raise elsewhere(self._lane.partition)
        done: asyncio.Future[Problem | None] = asyncio.get_running_loop().create_future()

        def settled(problem: Problem | None) -> None:
            if not done.done():  # who waited was broken off meanwhile
                done.set_result(problem)

        self._worker.submit(self._lane, step, settled)
        self._worker.commit()
        problem = await done
        if problem is not None:
            raise problem

    def expire(self) -> None:
        """Dead-letter what waits for longer than the flow allows, oldest first."""
        oldest_us = self._worker.clock.now_us() - int(self._worker.flow.park_age_seconds * 1_000_000)
        for key_hash, line in list(self._lines.items()):
            late = [waiter for waiter in line.waiting if waiter.held_us < oldest_us]
            if late:
                line.waiting = [waiter for waiter in line.waiting if waiter.held_us >= oldest_us]
                line.joining += 1  # keeps the line while they are being moved
                self._worker.later(self._bury(key_hash, line, late), self._lane)

    async def _bury(self, key_hash: int, line: Line, late: list[Waiter]) -> None:
        for waiter in late:
            held = await self._envelope(waiter.mark(self._flow))
            if held is not None:
                dead = held._replace(state=HandlingState.DEAD, error=PARK_AGE, overtaken=True)
                try:
                    await self._commit(Step(handling=row_of(self._worker, dead), hold=dead))
                except AlreadyHandled:
                    continue
                except LeasedElsewhere:
                    return
        line.joining -= 1
        self._advance(key_hash, line)


def waiter_of(held: Held) -> Waiter:
    return Waiter(held.position, held.generation, held.partition, held.attempts, held.held_us, held.event.time_us)


def row_of(worker: Worker, held: Held) -> HandlingRow:
    """The handling row that goes with a change of the envelope outside a run."""
    reaction = worker.reactions.get(held.event.type)
    handler = reaction.name if reaction else "-"
    flow = worker.flow
    return HandlingRow(
        *held[:4], held.state, held.attempts, worker.clock.now_us(), 0, handler, flow.version, held.error
    )
