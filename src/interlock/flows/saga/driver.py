"""A flow's sagas: what its worker does with an event that begins a run, tells one something, or is waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import cast

import msgspec

from interlock.flows.handler_run import HandlerRun
from interlock.flows.saga.hearing import hear
from interlock.flows.saga.journal import Journal
from interlock.flows.saga.ledger import Ledger, Tools
from interlock.flows.saga.post import Post
from interlock.flows.saga.records import Entry, Letter, Run
from interlock.flows.saga.rows import news_event, start_of
from interlock.flows.saga.sitting import MAX_RERUNS, Sitting
from interlock.model.problems import Diverged, HandlerFailed, StaleRead
from interlock.model.saga import ENDED, FINAL, JOURNAL, RUNS, RunState, entry_key, run_id
from interlock.model.step import EMPTY, StepResult
from interlock.sdk.context import Skipped
from interlock.sdk.flow import SagaSpec
from interlock.sdk.news import News

PAGE = 16
_entry = msgspec.json.Decoder(Entry).decode
_run = msgspec.json.Decoder(Run).decode
RUN_ENDED = "run_ended"


class Sagas:
    """Each method handles one event, and gives what its handling commits."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._versions: dict[tuple[str, int], SagaSpec] = {(one.name, one.version): one for one in tools.flow.sagas}
        self._newest: dict[str, SagaSpec] = {}
        for one in sorted(tools.flow.sagas, key=lambda saga: saga.version):
            self._newest[one.subject] = one

    async def react(self, task: HandlerRun, argument: object) -> StepResult:
        for _ in range(MAX_RERUNS):
            try:
                match task.reaction.saga:
                    case "begin":
                        return await self._begin(task)
                    case "news":
                        return await self._hear(task, cast(News, argument))
                    case _:
                        return await self._deliver(task)
            except StaleRead:
                continue  # a mailbox changed while we looked
        raise HandlerFailed(f"A mailbox changed {MAX_RERUNS} times while it was looked at.")

    async def _begin(self, task: HandlerRun) -> StepResult:
        event = task.event
        saga = self._newest[event.type]
        ident = run_id(event.source, event.id, self._tools.flow.name, saga.name)
        stored = await self._load(ident, again=task.generation > 0)
        if stored is None:
            run = self._new(ident, saga, task)
            ledger = Ledger(self._tools, run, Journal(), task, stored=False)
            if saga.deadline_seconds is not None:
                ledger.set_deadline(saga.deadline_seconds)
            if saga.start_paused:
                return ledger.closing(ledger.stands(RunState.PAUSED))
            return await Sitting(self._tools, saga, ledger, task).play()
        return await self._go_on(task, stored, News(ident, "go_on"))  # it was begun, and its handling was not ended

    async def _hear(self, task: HandlerRun, news: News) -> StepResult:
        run = await self._load(news.run, again=True)
        if run is None:
            raise Diverged(f"There is no run {news.run}.")
        return await self._go_on(task, run, news)

    async def _go_on(self, task: HandlerRun, run: Run, news: News) -> StepResult:
        if run.state in FINAL:
            raise Skipped(RUN_ENDED)
        saga = self._versions.get((run.saga, run.version))
        if saga is None:
            raise Diverged(f"The flow {run.flow} has no version {run.version} of {run.saga}, which the run began with.")
        ledger = Ledger(self._tools, run, Journal(await self._entries(run.id)), task, stored=True)
        await hear(ledger, news)
        ends = ledger.journal.end is not None
        stands = run.state is RunState.PAUSED and news.kind not in ("resume", "cancel") and not ends
        if news.kind == "pause" or stands:
            return ledger.closing(ledger.stands(RunState.PAUSED, run.waits_for))
        return await Sitting(self._tools, saga, ledger, task).play()

    async def _deliver(self, task: HandlerRun) -> StepResult:
        event = task.event
        post = Post(self._tools.flow.name, self._tools.state)
        letter = Letter(event.id, event.time_us, msgspec.Raw(event.body))
        key_hash = (event.key_hash % (1 << 64)).to_bytes(8, "big").hex()
        waiters = await post.bring(event.type, key_hash, letter)
        news = [
            news_event(
                waiter.partition,
                waiter.key_hash,
                event,
                self._tools.flow.name,
                News(waiter.run, "event", waiter.number, letter.body),
                self._tools,
            )
            for waiter in waiters
        ]
        return EMPTY._replace(reads=tuple(post.reads()), puts=tuple(post.puts()), emits=tuple(news))

    def _new(self, ident: str, saga: SagaSpec, task: HandlerRun) -> Run:
        event, now_us = task.event, self._tools.clock.now_us()
        return Run(
            ident,
            self._tools.flow.name,
            saga.name,
            saga.version,
            RunState.RUNNING,
            event.partition,
            event.key_hash,
            start_of(event, task.position, task.generation),
            now_us,
            now_us,
        )

    async def _load(self, ident: str, *, again: bool) -> Run | None:
        """`again`: the run may be over by now."""
        found = await self._tools.state.get(RUNS, ident)
        if found is None and again:
            found = await self._tools.state.get(ENDED, ident)
        return _run(found[0]) if found is not None else None

    async def _entries(self, ident: str) -> Sequence[Entry]:
        """All of them: pages of what is at hand one by one, until there is none."""
        entries: list[Entry] = []
        while True:
            first = len(entries)
            keys = (entry_key(ident, number) for number in range(first, first + PAGE))
            found = await asyncio.gather(*(self._tools.state.get(JOURNAL, key) for key in keys))
            entries += [_entry(row[0]) for row in found if row is not None]
            if len(entries) < first + PAGE:
                return entries
