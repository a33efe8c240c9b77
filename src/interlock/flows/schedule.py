"""Schedules: each due run is an event in the log, committed with the memory of it, so that it happens only once."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from cronsim import CronSim

from interlock.model.clock import Clock, to_datetime, to_rfc3339
from interlock.model.event import UNPROTECTED, Event
from interlock.model.hashing import KeyHasher, partition_of
from interlock.model.ids import Ids
from interlock.model.pauses import spread
from interlock.model.problems import Problem, StaleRead, UnavailableProblem, problem_of
from interlock.model.step import Commit, Put, Read, Step, StepResult
from interlock.ports.event_log import EventLog
from interlock.ports.state_store import StateStore
from interlock.sdk.flow import Flow, HandlerSpec, schedule_type
from interlock.sdk.reply import Tick

RETRY_SECONDS = 1.0
LONGEST_SLEEP_SECONDS = 300
ONE_MINUTE = timedelta(minutes=1)
TABLE = "interlock.schedule"


class Entry(NamedTuple):
    flow: str
    spec: HandlerSpec

    @property
    def name(self) -> str:
        return f"{self.flow}.{self.spec.subject}"


class Scheduler:
    """Appends a tick for each due run. After a start, runs that were missed follow the schedule's policy."""

    def __init__(
        self,
        flows: Iterable[Flow],
        log: EventLog,
        store: StateStore,
        clock: Clock,
        ids: Ids,
        hasher: KeyHasher,
        failed: Callable[[Problem], None],
        handover_seconds: float = 0.0,
    ) -> None:
        """A run that was due no longer ago than `handover_seconds` was not missed: its partition was changing hands."""
        self._handover = timedelta(seconds=handover_seconds)
        self._entries: dict[int, list[Entry]] = defaultdict(list)  # by the partition of the schedule's key
        for entry in (Entry(flow.name, spec) for flow in flows for spec in flow.specs if spec.trigger == "schedule"):
            self._entries[partition_of(hasher.number(entry.name), log.partitions)].append(entry)
        self._log = log
        self._store = store
        self._clock = clock
        self._chance = ids.chance
        self._hasher = hasher
        self._failed = failed
        self._epoch = 0
        self._tasks: dict[int, list[asyncio.Task[None]]] = {}

    def start(self, epoch: int) -> None:
        """Tick for the partitions that `take` brings."""
        self._epoch = epoch

    async def take(self, partitions: Collection[int]) -> None:
        for partition in partitions:
            entries = self._entries.get(partition, ())
            self._tasks[partition] = [asyncio.get_running_loop().create_task(self._keep(entry)) for entry in entries]
            for task in self._tasks[partition]:
                task.add_done_callback(self._ended)

    async def give_back(self, partitions: Collection[int], seconds: float) -> None:
        """At once. A tick that is being committed is, or is not: whoever has the partition next reads which."""
        tasks = [task for partition in partitions for task in self._tasks.pop(partition, ())]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def stop(self) -> None:
        for tasks in self._tasks.values():
            for task in tasks:
                task.cancel()

    async def _keep(self, entry: Entry) -> None:
        now = to_datetime(self._clock.now_us())
        last = await self._last_tick(entry)
        if last is None:
            await self._advance(entry, now, ())
        for due in missed_runs(entry.spec, last or now, now, self._handover):
            await self._tick(entry, due)
        upcoming = CronSim(entry.spec.cron or "", now.astimezone(ZoneInfo(entry.spec.zone)))
        for local in upcoming:
            due = local.astimezone(UTC)
            await self._until(due)
            await self._tick(entry, due)

    async def _last_tick(self, entry: Entry) -> datetime | None:
        return (await self._memory(entry))[0]

    async def _memory(self, entry: Entry) -> tuple[datetime | None, int]:
        """The newest moment that was run, and the version of that value. An unavailable store is asked again."""
        while True:
            try:
                found = await self._store.get(TABLE, entry.name)
            except UnavailableProblem:
                await self._clock.sleep(spread(RETRY_SECONDS, self._chance))
                continue
            return (datetime.fromisoformat(msgspec.json.decode(found.value)), found.version) if found else (None, 0)

    async def _tick(self, entry: Entry, due: datetime) -> None:
        await self._advance(entry, due, (self._event(entry, due),))

    async def _advance(self, entry: Entry, due: datetime, emits: tuple[Event, ...]) -> None:
        """The tick and the memory of it are one commit: so it is run once, however long nobody was there after it."""
        put = Put(TABLE, entry.name, msgspec.json.encode(due.isoformat()))
        while True:
            last, version = await self._memory(entry)
            if last is not None and last >= due:
                return
            step = Step(result=StepResult(reads=(Read(TABLE, entry.name, version),), puts=(put,), emits=emits))
            problem = await self._commit(step)
            if problem is None:
                return
            if not isinstance(problem, UnavailableProblem | StaleRead):
                raise problem
            await self._clock.sleep(spread(RETRY_SECONDS, self._chance))

    async def _commit(self, step: Step) -> Problem | None:
        done: asyncio.Future[Problem | None] = asyncio.get_running_loop().create_future()

        def finished(outcomes: Sequence[Problem | None] | None, problem: Problem | None) -> None:
            if not done.done():  # stopped meanwhile
                done.set_result(outcomes[0] if outcomes else problem)

        self._store.submit(Commit(self._epoch, [step], [], []), finished)
        return await done

    async def _until(self, due: datetime) -> None:
        """In stretches, since the wall clock may be set while we sleep."""
        while (wait := (due - to_datetime(self._clock.now_us())).total_seconds()) > 0:
            await self._clock.sleep(min(wait, LONGEST_SLEEP_SECONDS))

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A schedule that breaks must not be silent for ever."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failed(problem_of(error, "A schedule broke"))

    def _event(self, entry: Entry, due: datetime) -> Event:
        key_hash = self._hasher.number(entry.name)
        moment = to_rfc3339(int(due.timestamp()) * 1_000_000)
        return Event(
            partition_of(key_hash, self._log.partitions),
            f"{entry.name}@{moment}",
            "schedule",
            schedule_type(entry.flow, entry.spec.subject),
            "1",
            key_hash,
            self._clock.now_us(),
            None,
            None,
            None,
            b"",
            None,
            UNPROTECTED,
            None,
            msgspec.json.encode(Tick(entry.spec.subject, moment)),
        )


def missed_runs(
    spec: HandlerSpec, last: datetime, now: datetime, handover: timedelta = timedelta()
) -> Iterator[datetime]:
    """Runs that were due after `last` and up to `now`, as the policy `missed` wants them.

    Whatever it is, those within `handover` before now are run.
    """
    zone, cron = ZoneInfo(spec.zone), spec.cron or ""
    if spec.missed == "latest":
        newest = next(CronSim(cron, (now + ONE_MINUTE).astimezone(zone), reverse=True)).astimezone(UTC)
        if newest > now:
            newest = next(CronSim(cron, newest.astimezone(zone), reverse=True)).astimezone(UTC)
        if newest > last:
            yield newest
    if spec.missed == "skip":
        last = max(last, now - handover)
    if spec.missed in ("all", "skip"):
        for local in CronSim(cron, last.astimezone(zone)):
            due = local.astimezone(UTC)
            if due > now:
                return
            yield due
