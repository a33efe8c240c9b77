"""Brings the events of one outbox in a user's database into the log: read, check, append, and only then settle."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from interlock.contracts.strict_json import parse
from interlock.edge.event_intake import EventIntake
from interlock.edge.refusals import Refusals
from interlock.model.clock import Clock
from interlock.model.event import Appended, Event
from interlock.model.ids import Ids
from interlock.model.problems import (
    AlreadyRunning,
    BodyTooLarge,
    CallerProblem,
    MalformedRequest,
    Problem,
    Unexpected,
)
from interlock.model.retry import RetrySchedule
from interlock.ports.event_log import EventLog
from interlock.ports.outbox_source import OutboxFacts, OutboxFigures, OutboxRow, OutboxSource, RefusedRow
from interlock.ports.record_reader import RecordReader

log = logging.getLogger("interlock.source")
AWAY = RetrySchedule((0.5, 1, 2, 4, 8, 15, 30), jitter=0.5)  # the last delay is repeated
US = 1_000_000
MOST_PLACES = 5
COUNT_SECONDS = 15
REASON_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class RelayPlan:
    """How one source is relayed.

    source          CloudEvents `source` of rows that name none
    dedupe_seconds  how long the log recognises a resend by itself, at least
    standby_seconds between two looks at whether the lead is free, about
    """

    name: str
    source: str
    batch: int = 500
    poll_seconds: float = 0.5
    dedupe_seconds: float = 43_200.0
    json_depth: int = 64
    standby_seconds: float = 5.0


@dataclass(slots=True)
class RelayFigures:
    """What became of rows since the start. `lag_seconds`: age of the oldest row of the last read; 0 when none waited.

    `code` is that of the problem that keeps it from its work, or None. `seen`: how the outbox stood when it was
    counted last; None while another process leads.
    """

    published: int = 0
    duplicates: int = 0
    refused: int = 0
    lag_seconds: float = 0.0
    leads: bool = False
    code: str | None = None
    seen: OutboxFigures | None = None


class SourceRelay:
    """One task. Of several relays of one outbox, in as many processes, one leads; the others stand by.

    A crash between append and settle appends the same rows again, under the same ids: the log recognises them, or, when
    they are older than its memory, the record is asked first.
    """

    def __init__(
        self,
        plan: RelayPlan,
        outbox: OutboxSource,
        intake: EventIntake,
        event_log: EventLog,
        record: RecordReader,
        refusals: Refusals,
        clock: Clock,
        ids: Ids,
        admission: Callable[[], Problem | None] = lambda: None,
    ) -> None:
        """`admission` says why the engine takes nothing in just now: its limits hold for rows as for requests."""
        self.plan = plan
        self.figures = RelayFigures()
        self._outbox = outbox
        self._intake = intake
        self._log = event_log
        self._record = record
        self._refusals = refusals
        self._clock = clock
        self._ids = ids
        self._admission = admission
        self._led_us = 0
        self._count_due_us = 0
        self._stopping = asyncio.Event()
        self._failures = 0

    def stop(self) -> None:
        """Finish the batch that is under way, then end."""
        self._stopping.set()

    async def run(self) -> None:
        """Until `stop`, or a cancellation; whatever fails is tried again."""
        try:
            while not self._stopping.is_set():
                try:
                    await self._outbox.lead()
                    self._begin()
                    await self._publish_all()
                except AlreadyRunning:
                    self._stand_by(None)
                    await self._pause(self.plan.standby_seconds * (0.5 + self._ids.chance()))
                except Problem as problem:
                    await self._away(problem)
                except Exception as error:
                    await self._away(Unexpected(f"The relay broke: {type(error).__name__}."))
        finally:
            self._stand_by(self.figures.code)
            await self._outbox.close()

    async def look(self) -> OutboxFacts:
        """Raises what would keep it from leading for good; leads for a moment, unless another relay does. For the time
        before `run`."""
        try:
            facts = await self._outbox.inspect()
            with suppress(AlreadyRunning):
                await self._outbox.lead()
            return facts
        finally:
            await self._outbox.close()

    async def publish_next(self) -> int:
        """One batch; how many rows it had. Raises what keeps it from its end; nothing is settled then."""
        refusal = self._admission()
        if refusal is not None:
            raise refusal
        rows = await self._outbox.read(self.plan.batch)
        self.figures.lag_seconds = max((row.age_seconds for row in rows), default=0.0)
        if not rows:
            return 0
        good, refused = self._checked(rows)
        fresh = await self._not_in_record(good)
        refused += await self._append(fresh)
        bad = {one.row.place for one in refused}
        published = [row for row, _ in good if row.place not in bad]
        await self._outbox.settle(published, refused)
        self._count(published, refused, len(good) - len(fresh))
        return len(rows)

    async def _publish_all(self) -> None:
        while not self._stopping.is_set():
            found = await self.publish_next()
            self._failures = 0
            self.figures.code = None
            await self._count_waiting()
            if not found:
                await self._idle()

    async def _count_waiting(self) -> None:
        """Now and then: it goes through the whole table."""
        now_us = self._clock.monotonic_us()
        if self.figures.seen is None or now_us >= self._count_due_us:
            self.figures.seen = await self._outbox.figures()
            self._count_due_us = now_us + COUNT_SECONDS * US

    async def _idle(self) -> None:
        """Until a row may be there, or `stop`."""
        waiting = asyncio.ensure_future(self._outbox.wait(self.plan.poll_seconds))
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait({waiting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if waiting.done():
                waiting.result()
        finally:
            for task in (waiting, stopping):
                task.cancel()
            await asyncio.gather(waiting, stopping, return_exceptions=True)

    def _begin(self) -> None:
        if not self.figures.leads:
            log.info("source.leads", extra={"source": self.plan.name})
        self.figures.leads = True
        self._led_us = self._clock.monotonic_us()

    def _stand_by(self, code: str | None) -> None:
        self.figures.leads = False
        self.figures.seen = None
        self.figures.code = code

    async def _away(self, problem: Problem) -> None:
        """Logged once for each outage, however long it lasts."""
        if self.figures.code != problem.code:
            log.warning("source.away", extra={"source": self.plan.name, "code": problem.code})
        self._stand_by(problem.code)
        self._failures += 1
        attempt = min(self._failures, len(AWAY.delays_seconds))
        delay_us = AWAY.delay_us(attempt, self._ids.chance()) or 0
        await self._pause(delay_us / US)

    async def _pause(self, seconds: float) -> None:
        sleeping = asyncio.ensure_future(self._clock.sleep(seconds))
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait({sleeping, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            stopping.cancel()

    def _checked(self, rows: Sequence[OutboxRow]) -> tuple[list[tuple[OutboxRow, Event]], list[RefusedRow]]:
        now_us = self._clock.now_us()
        good: list[tuple[OutboxRow, Event]] = []
        refused: list[RefusedRow] = []
        for row in rows:
            try:
                good.append((row, self._event(row, now_us)))
            except Problem as problem:
                refused.append(refusal_of(row, problem))
            except Exception as error:  # one row that we cannot read must not stop the others
                refused.append(refusal_of(row, Unexpected(f"It could not be read: {type(error).__name__}.")))
        return good, refused

    def _event(self, row: OutboxRow, now_us: int) -> Event:
        if row.data is None:
            raise BodyTooLarge(f"The data has {row.size} bytes, more than limits.body_bytes.")
        try:
            data = parse(row.data.encode(), self.plan.json_depth)
        except UnicodeEncodeError as error:
            raise MalformedRequest("The data is not UTF-8.") from error
        document = {"source": self.plan.source, **row.attributes, "specversion": "1.0", "data": data}
        return self._intake.event(document, None, now_us)

    async def _not_in_record(self, rows: Sequence[tuple[OutboxRow, Event]]) -> list[tuple[OutboxRow, Event]]:
        """Without those that whoever led before has appended, longer ago than the log can tell by itself."""
        led_seconds = (self._clock.monotonic_us() - self._led_us) / US
        known_seconds = max(led_seconds, self.plan.dedupe_seconds)
        old = [identity_of(event) for row, event in rows if row.age_seconds > known_seconds]
        if not old:
            return list(rows)
        recorded = await self._record.recorded(old)
        return [(row, event) for row, event in rows if identity_of(event) not in recorded]

    async def _append(self, rows: Sequence[tuple[OutboxRow, Event]]) -> list[RefusedRow]:
        """All in one call. What the log refuses because of its content is found by appending one by one."""
        if not rows:
            return []
        problem = await self._appended([event for _, event in rows])
        if problem is None:
            return []
        if not isinstance(problem, CallerProblem | Unexpected):
            raise problem
        if len(rows) == 1:
            return [refusal_of(rows[0][0], problem)]
        return [one for row in rows for one in await self._append([row])]

    async def _appended(self, events: Sequence[Event]) -> Problem | None:
        done: asyncio.Future[Problem | None] = asyncio.get_running_loop().create_future()

        def finished(appended: Sequence[Appended] | None, problem: Problem | None) -> None:
            if appended is not None:
                self.figures.duplicates += sum(one.duplicate for one in appended)
            if not done.done():  # cancelled meanwhile
                done.set_result(None if appended is not None else problem or Unexpected("The log gave no reason."))

        self._log.append(events, finished)
        return await done

    def _count(self, published: Sequence[OutboxRow], refused: Sequence[RefusedRow], recorded: int) -> None:
        self.figures.published += len(published)
        self.figures.duplicates += recorded
        self.figures.refused += len(refused)
        now_us = self._clock.now_us()
        for row, code, _ in refused:
            claimed, source = row.attributes.get("type", ""), row.attributes.get("source", self.plan.source)
            self._refusals.record(code, claimed, source, "", now_us)
        if refused:
            log.warning("source.refused", extra={"source": self.plan.name, "rows": len(refused)})


def identity_of(event: Event) -> tuple[str, str]:
    return event.source, event.id


def refusal_of(row: OutboxRow, problem: Problem) -> RefusedRow:
    """With the first places that are wrong: it stands beside the row, for whoever is to correct it."""
    places = [f"{entry.get('pointer', '')} {entry.get('detail', '')}".strip() for entry in problem.errors[:MOST_PLACES]]
    reason = " ".join([problem.detail, *([f"{'; '.join(places)}."] if places else [])])
    return RefusedRow(row, problem.code, reason[:REASON_CHARACTERS].encode("utf-8", "replace").decode())
