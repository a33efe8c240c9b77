"""Where people deal with runs: what they want of one is an event for it.

And no version that has open runs may be missing when an engine starts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import msgspec

from interlock.flows.saga.records import Run
from interlock.flows.saga.rows import event_of, news_event
from interlock.model.clock import Clock
from interlock.model.event import Appended, Event
from interlock.model.ids import Ids
from interlock.model.problems import BusinessConflict, NotFound, Problem, SettingInvalid, StaleRead, Unexpected
from interlock.model.saga import ENDED, OPEN_RUNS, RUNS, VERSIONS, RunState
from interlock.model.step import Commit, Put, Read, Step, StepResult
from interlock.ports.event_log import EventLog
from interlock.ports.state_store import StateStore
from interlock.sdk.flow import Flow
from interlock.sdk.news import News, NewsKind

Known = dict[str, list[tuple[str, int]]]
ALL = "all"
FITTING: dict[NewsKind, frozenset[RunState]] = {
    "pause": frozenset({RunState.RUNNING, RunState.WAITING}),
    "resume": frozenset({RunState.PAUSED, RunState.DIVERGED}),
    "cancel": frozenset({RunState.RUNNING, RunState.WAITING, RunState.PAUSED, RunState.DIVERGED}),
}


class Desk:
    def __init__(self, flows: Mapping[str, Flow], log: EventLog, store: StateStore, clock: Clock, ids: Ids) -> None:
        self._flows = flows
        self._log = log
        self._store = store
        self.clock = clock
        self.ids = ids

    async def tell(self, run_id: str, kind: NewsKind, reason: str = "") -> Run:
        """Have the run paused, resumed or cancelled. It hears of it in its turn, wherever it is at home.

        NotFound; BusinessConflict when it is over, or the wish makes no sense as it stands.
        """
        found = await self._store.get(RUNS, run_id)
        if found is None:
            if await self._store.get(ENDED, run_id) is not None:
                raise BusinessConflict(f"The run {run_id} is over.", next_step="See how it ended: interlock runs show")
            raise NotFound(f"There is no run {run_id}.", next_step="List them with: interlock runs list")
        run = msgspec.json.decode(found.value, type=Run)
        if run.state not in FITTING[kind]:
            raise BusinessConflict(f"The run {run_id} is {run.state.name.lower()}: there is nothing to {kind}.")
        news = News(run_id, kind, reason=reason)
        await self._append(news_event(run.partition, run.key_hash, event_of(run), run.flow, news, self))
        return run

    async def _append(self, event: Event) -> None:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def answered(appended: Sequence[Appended] | None, problem: Problem | None) -> None:
            if done.done():
                return
            if problem is None:
                done.set_result(None)
            else:
                done.set_exception(problem)

        self._log.append([event], answered)
        await done

    async def check(self, epoch: int) -> None:
        """Every version that has open runs is in the code, or SettingInvalid; then remember those that are.

        Before anything is handled: a run whose code is gone would stand for ever.
        """
        with_sagas = {name: flow.sagas for name, flow in self._flows.items() if flow.sagas}
        own: Known = {name: sorted((one.name, one.version) for one in sagas) for name, sagas in with_sagas.items()}
        while True:
            found = await self._store.get(VERSIONS, ALL)
            known = msgspec.json.decode(found.value, type=Known) if found else {}
            open_ones = await self._open(known, own)
            if open_ones:
                raise orphans(open_ones)
            if known == own:
                return
            read = Read(VERSIONS, ALL, found.version if found else 0)
            put = Put(VERSIONS, ALL, msgspec.json.encode(own))
            problem = await self._commit(Commit(epoch, [Step(result=StepResult((read,), (put,)))], [], []))
            if problem is None:
                return
            if not isinstance(problem, StaleRead):
                raise problem

    async def _open(self, known: Known, own: Known) -> dict[str, int]:
        """Of what is no longer in the code: how many runs are not over."""
        gone = [(flow, *one) for flow, sagas in known.items() for one in sagas if tuple(one) not in own.get(flow, [])]
        found = {}
        for flow, saga, version in gone:
            total = await self._store.counter(OPEN_RUNS, f"{flow}/{saga}/{version}")
            if total:
                found[f"{flow} {saga} version {version}"] = total
        return found

    async def _commit(self, commit: Commit) -> Problem | None:
        done: asyncio.Future[Problem | None] = asyncio.get_running_loop().create_future()

        def finished(outcomes: Sequence[Problem | None] | None, problem: Problem | None) -> None:
            if not done.done():
                done.set_result(outcomes[0] if outcomes else problem or Unexpected("No outcome."))

        self._store.submit(commit, finished)
        return await done


def orphans(found: Mapping[str, int]) -> SettingInvalid:
    said = ", ".join(f"{total} of {name}" for name, total in sorted(found.items()))
    return SettingInvalid(
        f"Runs are open whose code is gone: {said}.",
        next_step="Bring the version back beside the new one, until interlock flows drain says that no run has it.",
    )
