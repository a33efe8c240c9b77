"""A run while one event of it is handled: what it has, what has changed, and the commits that keep it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec

from interlock.flows.effects import Effects
from interlock.flows.handler_run import HandlerRun
from interlock.flows.lane import Lane
from interlock.flows.saga.journal import Journal
from interlock.flows.saga.post import Post
from interlock.flows.saga.records import Entry, EntryKind, Run
from interlock.flows.saga.rows import event_of, news_event, timer_row
from interlock.model.clock import Clock
from interlock.model.ids import Ids
from interlock.model.problems import Problem
from interlock.model.record import DeliveryRow, DeliveryState
from interlock.model.saga import ENDED, FINAL, JOURNAL, OPEN_RUNS, RUNS, EntryState, RunState, entry_key, moved
from interlock.model.step import Add, Put, Read, Step, StepResult
from interlock.sdk.context import StateReader
from interlock.sdk.flow import Flow
from interlock.sdk.news import News

DEADLINE: EntryKind = "deadline"
Submit = Callable[[Lane, Step, Callable[[Problem | None], None]], None]


class Tools(NamedTuple):
    """What a flow's runs work with. `calls` hears of deliveries that were committed.

    `submit` puts a step into the flow's next commit, which `commit` makes.
    """

    flow: Flow
    state: StateReader
    effects: Effects
    clock: Clock
    ids: Ids
    handler_seconds: float
    submit: Submit
    commit: Callable[[], None]
    calls: Callable[[Sequence[DeliveryRow]], None]


class Ledger:
    """`stored` says whether the run has its row yet. One commit at a time."""

    def __init__(self, tools: Tools, run: Run, journal: Journal, task: HandlerRun, *, stored: bool) -> None:
        self.run = run
        self.journal = journal
        self.cause = event_of(run)
        self._tools = tools
        self._task = task
        self._stored = stored
        self._timers: list[DeliveryRow] = []
        self.post = Post(tools.flow.name, tools.state)

    # Entries

    def entry(self, kind: EntryKind, name: str, key: str, arguments: str) -> Entry:
        """A new one, open, with the next number."""
        return Entry(
            len(self.journal),
            kind,
            name,
            key,
            arguments,
            EntryState.OPEN,
            self._tools.clock.now_us(),
            tries=self._task.attempts + 1,
            position=self._task.position,
        )

    def settled(self, entry: Entry, state: EntryState, **changes: Any) -> Entry:
        return msgspec.structs.replace(entry, state=state, settled=self.journal.next_settled(), **changes)

    def timed(self, entry: Entry, seconds: float) -> Entry:
        """With a timer, which goes with the next commit."""
        timer = self._timer(entry.number, entry.name, seconds)
        return msgspec.structs.replace(entry, delivery=timer.id, due_us=timer.due_us)

    def set_deadline(self, seconds: float) -> None:
        """Of the whole run, when it begins."""
        timer = self._timer(-1, DEADLINE, seconds)
        self.run = msgspec.structs.replace(self.run, deadline_us=timer.due_us, deadline_timer=timer.id)

    def _timer(self, number: int, name: str, seconds: float) -> DeliveryRow:
        now_us = self._tools.clock.now_us()
        due_us = now_us + int(seconds * 1_000_000)
        timer = timer_row(self.run, number, name, now_us, due_us, self._tools.ids.new_id())
        self._timers.append(timer)
        return timer

    def call_off(self, timer_id: str, name: str, due_us: int) -> None:
        """A timer that nobody waits for any more. Were that lost, it would go off and be passed over."""
        if any(timer.id == timer_id for timer in self._timers):
            self._timers = [timer for timer in self._timers if timer.id != timer_id]
            return
        row = timer_row(self.run, -1, name, due_us, due_us, timer_id)._replace(state=DeliveryState.SUCCEEDED, body=None)
        step = Step(delivery=row, partition=self.run.partition)
        self._tools.submit(self._task.lane, step, lambda _: None)  # with the handling's own commit

    async def wind_up(self) -> None:
        """The run is over: nothing of it is due any more, and it waits in no mailbox."""
        for entry in self.journal.open():
            if entry.kind == "wait":
                await self.post.leave(entry, self.run)
            if entry.delivery is not None and entry.due_us is not None:
                self.call_off(entry.delivery, entry.name, entry.due_us)
        if self.run.deadline_timer is not None and (self.journal.end is None or self.journal.end.kind != DEADLINE):
            self.call_off(self.run.deadline_timer, DEADLINE, self.run.deadline_us or 0)

    # Commits

    async def commit(self, result: StepResult, entry: Entry | None = None) -> None:
        """A step's effects with its entry, and all that changed before it. Raises why it was not made.

        The entry's number must be free still: a process that only thinks that it has the run adds none.
        """
        changed = self.journal.changed()
        rows = changed if entry is None else [*changed, entry]
        free = () if entry is None else (Read(JOURNAL, entry_key(self.run.id, entry.number), 0),)
        begun = () if self._stored else self.row(self.run)
        whole = result._replace(
            reads=(*result.reads, *free, *self.post.reads()),
            puts=(*begun, *result.puts, *map(self._entry_put, rows), *self.post.puts()),
            adds=(*result.adds, *(self._open_runs(self.run) if begun else ())),
            calls=(*result.calls, *self._timers),
        )
        await self._submit(Step(result=whole, partition=self.run.partition))
        if whole.calls:
            self._tools.calls(whole.calls)
        self._stored = True
        self._timers.clear()
        self.journal.carried(changed)
        self.post = Post(self._tools.flow.name, self._tools.state)

    async def _submit(self, step: Step) -> None:
        """Commit it, in the middle of the handling."""
        done: asyncio.Future[Problem | None] = asyncio.get_running_loop().create_future()

        def settled(problem: Problem | None) -> None:
            if not done.done():  # who waited was broken off meanwhile
                done.set_result(problem)

        self._tools.submit(self._task.lane, step, settled)
        self._tools.commit()
        problem = await done
        if problem is not None:
            raise problem

    def closing(self, run: Run, *, goes_on: bool = False) -> StepResult:
        """What goes with the handling when the run stands as `run` says; `goes_on` by an event of its own."""
        news = News(run.id, "go_on")
        again = (news_event(run.partition, run.key_hash, self.cause, run.flow, news, self._tools),) if goes_on else ()
        return StepResult(
            reads=tuple(self.post.reads()),
            puts=(*self.row(run), *map(self._entry_put, self.journal.changed()), *self.post.puts()),
            adds=tuple(self._open_runs(run)),
            emits=again,
            calls=tuple(self._timers),
        )

    def stands(self, state: RunState, waits_for: tuple[str, ...] = (), reason: str | None = None) -> Run:
        """The run in another state."""
        return msgspec.structs.replace(
            self.run,
            state=moved(self.run.state, state),
            updated_us=self._tools.clock.now_us(),
            waits_for=waits_for,
            reason=reason,
        )

    def row(self, run: Run) -> tuple[Put, ...]:
        value = msgspec.json.encode(run)
        if run.state not in FINAL:
            return (Put(RUNS, run.id, value),)
        return Put(ENDED, run.id, value), *((Put(RUNS, run.id, None),) if self._stored else ())

    def _entry_put(self, entry: Entry) -> Put:
        return Put(JOURNAL, entry_key(self.run.id, entry.number), msgspec.json.encode(entry))

    def _open_runs(self, run: Run) -> list[Add]:
        """How many runs of the version are not over."""
        delta = (not self._stored) - (run.state in FINAL)
        return [Add(OPEN_RUNS, f"{run.flow}/{run.saga}/{run.version}", delta, None, None)] if delta else []
