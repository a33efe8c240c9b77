"""One event of one run: its code is played, and what that asks for is done and committed, as far as it gets."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec

from interlock.flows.handler_run import HandlerRun
from interlock.flows.saga.ledger import Ledger, Tools
from interlock.flows.saga.play import Ended, Play, UndoOperation, Wanted
from interlock.flows.saga.records import Entry, Run
from interlock.flows.saga.values import result_of, value_of
from interlock.flows.verdict import failure_of
from interlock.model.problems import (
    CallerProblem,
    ConflictProblem,
    CounterRefused,
    Diverged,
    HandlerFailed,
    LeasedElsewhere,
    StaleRead,
    UnavailableProblem,
)
from interlock.model.saga import EntryState, RunState, call_step
from interlock.model.step import EMPTY, StepResult
from interlock.sdk.context import CallRequest, Context, Skipped
from interlock.sdk.flow import SagaSpec
from interlock.sdk.saga import SagaContext, SleepOperation, StepFailed, StepOperation, WaitOperation

MAX_RERUNS = 50
MOST_STEPS = 256  # in one handling: then the run goes on with the next event, so that nobody else waits for long
SHARE_OF_TIME = 0.5


class Sitting:
    """Used once. The entries that it adds are numbered and committed one after the other; the steps' own code runs
    side by side where the saga has branches.
    """

    def __init__(self, tools: Tools, saga: SagaSpec, ledger: Ledger, task: HandlerRun) -> None:
        self._tools = tools
        self._saga = saga
        self._ledger = ledger
        self._task = task
        self._turn = asyncio.Lock()
        self._steps = 0
        self._begun_us = tools.clock.monotonic_us()
        self._under_way: dict[asyncio.Task[None], Wanted] = {}

    async def play(self) -> StepResult:
        """Bring the run as far as it gets; what is to be committed with the handling. Raises what a handler may."""
        ledger = self._ledger
        argument: object = msgspec.json.decode(ledger.run.start.body, type=self._saga.model or Any)
        code = self._saga.handler(argument, SagaContext(ledger.run.id, ledger.run.start.time_us))
        play = Play(code, ledger.journal, value_of)  # type: ignore[arg-type]
        try:
            return await self._play(play)
        except Diverged:
            await ledger.commit(StepResult(puts=ledger.row(ledger.stands(RunState.DIVERGED, reason=Diverged.code))))
            raise
        except (StaleRead, LeasedElsewhere, UnavailableProblem):
            raise
        except Exception:
            if ledger.journal.changed():  # what has ended must not be run again with the next attempt
                await ledger.commit(EMPTY)
            raise
        finally:
            for task in self._under_way:
                task.cancel()
            play.close()

    async def _play(self, play: Play) -> StepResult:
        while True:
            play.go()
            if play.over:
                await self._ledger.wind_up()
                return self._ledger.closing(self._ended(play))
            if self._tired:
                await self._finish_under_way(play)
                return self._ledger.closing(self._open(play, RunState.RUNNING), goes_on=True)
            steps = [one for one in play.wanted if one.kind in ("step", "undo")]
            fresh = [one for one in steps if one not in self._under_way.values()]
            if len(steps) == 1 and not self._under_way:
                await self._do(play, fresh[0])
            elif steps:
                await self._side_by_side(play, fresh)
            elif not await self._settle_in(play):
                waits_for = tuple(entry.name for entry in play.waiting())
                return self._ledger.closing(self._open(play, RunState.WAITING, waits_for))

    @property
    def _tired(self) -> bool:
        used_us = self._tools.clock.monotonic_us() - self._begun_us
        return self._steps >= MOST_STEPS or used_us > self._tools.handler_seconds * SHARE_OF_TIME * 1_000_000

    def _open(self, play: Play, state: RunState, waits_for: tuple[str, ...] = ()) -> Run:
        undoing = play.undoing is not None
        return self._ledger.stands(RunState.UNDOING if undoing else state, waits_for, code_of(play.undoing))

    def _ended(self, play: Play) -> Run:
        if play.undoing is None:
            return self._ledger.stands(RunState.COMPLETED)
        cancelled = isinstance(play.undoing, Ended) and play.undoing.code == "cancel"
        undone = RunState.CANCELLED if cancelled else RunState.UNDONE
        state = RunState.STRANDED if play.failed_undos else undone
        return self._ledger.stands(state, reason=code_of(play.undoing))

    # Steps

    async def _side_by_side(self, play: Play, fresh: Sequence[Wanted]) -> None:
        """Begin what is new, and wait until one of those under way has ended."""
        for wanted in fresh:
            self._under_way[asyncio.get_running_loop().create_task(self._do(play, wanted))] = wanted
        done, _ = await asyncio.wait(self._under_way, return_when=asyncio.FIRST_COMPLETED)
        ended = [task for task in self._under_way if task in done]  # in order of their beginning
        for task in ended:
            del self._under_way[task]
        for task in ended:
            task.result()

    async def _finish_under_way(self, play: Play) -> None:
        while self._under_way:
            await self._side_by_side(play, ())

    async def _do(self, play: Play, wanted: Wanted) -> None:
        for _ in range(MAX_RERUNS):
            try:
                entry = await self._run_step(wanted)
            except StaleRead:
                if self._ledger.post.changed:
                    raise  # a mailbox may have changed: the whole is looked at anew
                continue  # what it had looked at has changed: it decides anew, and spends no attempt
            play.begun(wanted, entry)
            self._steps += 1
            return
        raise HandlerFailed(f"The step {wanted.place[0]} read values that changed {MAX_RERUNS} times.")

    async def _run_step(self, wanted: Wanted) -> Entry:
        """Its entry: done, failed for good, or open until the answer comes. Raises what another attempt may mend."""
        run = self._ledger.run
        context = Context(run.flow, self._ledger.cause, run.start.generation, self._tools.state)
        try:
            value = await self._call(wanted, context)
        except UnavailableProblem:
            raise
        except Skipped:
            raise HandlerFailed("A step of a saga cannot skip.", next_step="Return a value instead.") from None
        except Exception as error:
            if self._has_attempts and not isinstance(error, CallerProblem | ConflictProblem):
                raise
            async with self._turn:
                return self._failed(wanted, error)
        async with self._turn:
            try:
                return await self._keep(wanted, context, value)
            except (CallerProblem, CounterRefused) as refused:
                return self._failed(wanted, refused)

    async def _call(self, wanted: Wanted, context: Context) -> Any:
        operation = wanted.operation
        if isinstance(operation, UndoOperation):
            return await operation.undo(result_of(operation.step, operation.entry), context)
        assert isinstance(operation, StepOperation)
        return await operation.function(*operation.arguments, context)

    @property
    def _has_attempts(self) -> bool:
        """Attempts are those of the event's handling, since the last step that came to its end in it."""
        self._task.forgiven = self._ledger.journal.tries_before(self._task.position)
        spent = self._task.attempts - self._task.forgiven
        return self._tools.flow.retry.delay_us(spent + 1, 0.5) is not None

    async def _keep(self, wanted: Wanted, context: Context, value: Any) -> Entry:
        """Commit what the step did together with its entry."""
        ledger, (name, key) = self._ledger, wanted.place
        entry = ledger.entry(wanted.kind, name, key, wanted.arguments)
        awaited = value if isinstance(value, CallRequest) else None
        for call in context.calls:
            ours = call is awaited
            call.step = call_step(ledger.run.id, entry.number, name) if ours else f"{name} {key} {call.step}"
        result = self._tools.effects.collect(context, ledger.run.start.position)
        if awaited is None:
            entry = ledger.settled(entry, EntryState.DONE, result=msgspec.Raw(msgspec.json.encode(value)))
        else:
            delivery = result.calls[context.calls.index(awaited)].id
            entry = msgspec.structs.replace(entry, delivery=delivery)
        await ledger.commit(result, entry)
        ledger.journal.add(entry)
        return entry

    def _failed(self, wanted: Wanted, error: Exception) -> Entry:
        """The saga hears of it; the entry goes with the next commit."""
        entry = self._ledger.entry(wanted.kind, *wanted.place, wanted.arguments)
        entry = self._ledger.settled(entry, EntryState.FAILED, error=failure_of(error).code)
        self._ledger.journal.change(entry)
        return entry

    # Waiting

    async def _settle_in(self, play: Play) -> bool:
        """Give what is waited for its entry; whether something had come already, so that the run can go on."""
        for wanted in list(play.wanted):
            entry = self._ledger.entry(wanted.kind, *wanted.place, wanted.arguments)
            operation = wanted.operation
            if isinstance(operation, WaitOperation):
                entry = await self._await_event(entry, operation)
            else:
                assert isinstance(operation, SleepOperation)
                entry = self._ledger.timed(entry, operation.seconds)
            self._ledger.journal.change(entry)
            play.begun(wanted, entry)
            if entry.state is EntryState.DONE:
                return True
        return False

    async def _await_event(self, entry: Entry, operation: WaitOperation[Any]) -> Entry:
        ledger, event_type = self._ledger, operation.event_type
        if event_type not in self._saga.waits_for:
            raise Diverged(
                f"The saga {self._saga.name} waits for {event_type}, which it does not declare.",
                next_step=f"Add it: @flow.saga(..., waits_for=[{event_type.rpartition('.')[2]}])",
            )
        key_hash = self._tools.effects.digest(operation.event_key).hex()
        entry = msgspec.structs.replace(entry, event_type=event_type, event_key=key_hash)
        letter = await ledger.post.take(event_type, key_hash, ledger.run)
        if letter is not None:
            return ledger.settled(entry, EntryState.DONE, result=letter.body)
        await ledger.post.wait(entry, ledger.run)
        return entry if operation.timeout_seconds is None else ledger.timed(entry, operation.timeout_seconds)


def code_of(error: Exception | None) -> str | None:
    """Why a run is undone, as a code."""
    if error is None:
        return None
    return error.code if isinstance(error, StepFailed | Ended) else failure_of(error).code
