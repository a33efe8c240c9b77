"""Schedules: each due run is an event in the log, whose id names the moment, so that it can happen only once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from cronsim import CronSim

from interlock.model.clock import Clock, to_datetime, to_rfc3339
from interlock.model.event import UNPROTECTED, Appended, Event
from interlock.model.hashing import KeyHasher, partition_of
from interlock.model.problems import Problem
from interlock.model.step import Commit, Put, Step, StepResult
from interlock.ports.event_log import EventLog
from interlock.ports.state_store import StateStore
from interlock.sdk.flow import Flow, HandlerSpec, schedule_type
from interlock.sdk.reply import Tick

RETRY_SECONDS = 1.0
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
        self, flows: Iterable[Flow], log: EventLog, store: StateStore, clock: Clock, hasher: KeyHasher
    ) -> None:
        self._entries = [Entry(flow.name, spec) for flow in flows for spec in flow.specs if spec.trigger == "schedule"]
        self._log = log
        self._store = store
        self._clock = clock
        self._hasher = hasher
        self._epoch = 0
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self, epoch: int) -> None:
        self._epoch = epoch
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._keep(entry)) for entry in self._entries]

    def stop(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def _keep(self, entry: Entry) -> None:
        now = to_datetime(self._clock.now_us())
        last = await self._last_tick(entry)
        if last is None:
            await self._remember(entry, now)
        for due in missed_runs(entry.spec, last or now, now):
            await self._tick(entry, due)
        upcoming = CronSim(entry.spec.cron or "", now.astimezone(ZoneInfo(entry.spec.zone)))
        for local in upcoming:
            due = local.astimezone(UTC)
            await self._clock.sleep((due - to_datetime(self._clock.now_us())).total_seconds())
            await self._tick(entry, due)

    async def _last_tick(self, entry: Entry) -> datetime | None:
        found = await self._store.get(TABLE, entry.name)
        return datetime.fromisoformat(msgspec.json.decode(found.value)) if found else None

    async def _remember(self, entry: Entry, due: datetime) -> None:
        """Where to look for missed runs from. Losing it costs nothing: the log knows the ticks by their ids."""
        put = Put(TABLE, entry.name, msgspec.json.encode(due.isoformat()))
        done = asyncio.get_running_loop().create_future()
        commit = Commit(self._epoch, [Step(result=StepResult(puts=(put,)))], [], [])
        self._store.submit(commit, lambda outcomes, problem: done.set_result(None))
        await done

    async def _tick(self, entry: Entry, due: datetime) -> None:
        """Append until it is durable; the log knows the id should it have been there before."""
        event = self._event(entry, due)
        while await self._append(event) is None:
            await self._clock.sleep(RETRY_SECONDS)
        await self._remember(entry, due)

    async def _append(self, event: Event) -> Appended | None:
        done: asyncio.Future[Appended | None] = asyncio.get_running_loop().create_future()

        def finished(appended: object, problem: Problem | None) -> None:
            if not done.done():
                done.set_result(appended[0] if isinstance(appended, list) else None)

        self._log.append([event], finished)
        return await done

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


def missed_runs(spec: HandlerSpec, last: datetime, now: datetime) -> Iterator[datetime]:
    """Runs that were due after `last` and up to `now`, as the policy `missed` wants them."""
    zone, cron = ZoneInfo(spec.zone), spec.cron or ""
    if spec.missed == "latest":
        newest = next(CronSim(cron, (now + ONE_MINUTE).astimezone(zone), reverse=True)).astimezone(UTC)
        if newest > now:
            newest = next(CronSim(cron, newest.astimezone(zone), reverse=True)).astimezone(UTC)
        if newest > last:
            yield newest
    if spec.missed == "all":
        for local in CronSim(cron, last.astimezone(zone)):
            due = local.astimezone(UTC)
            if due > now:
                return
            yield due
