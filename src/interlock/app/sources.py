"""The outboxes that an estate declares: which adapter reads each, and the relays that run in this process."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from interlock.adapters.user_tables.bounds import Bounds
from interlock.adapters.user_tables.outbox_sql import COLUMNS, Dialect, checked
from interlock.adapters.user_tables.outbox_sql import DEFAULT_TABLE as DEFAULT_TABLE
from interlock.adapters.user_tables.outbox_sql import DIALECTS as DIALECTS
from interlock.adapters.user_tables.outbox_sql import ddl as ddl
from interlock.edge.event_intake import EventIntake
from interlock.edge.refusals import Refusals
from interlock.edge.source_relay import RelayPlan, SourceRelay
from interlock.estate.estate import Estate
from interlock.estate.settings import Settings
from interlock.estate.source import Source
from interlock.model.clock import Clock
from interlock.model.diagnosis import Finding
from interlock.model.ids import Ids
from interlock.model.lasting_task import lasting
from interlock.model.problems import ConfigurationProblem, Problem, SettingInvalid, to_document
from interlock.operate import metrics, source_examination
from interlock.operate.metrics import Metric, Samples
from interlock.ports.event_log import EventLog
from interlock.ports.outbox_source import OutboxFigures, OutboxSource, RefusedRow
from interlock.ports.record_reader import RecordReader

CUT_OFF_SECONDS = 2.0
NO_FIGURES = OutboxFigures(0, 0, 0.0)
EXTRAS = {"postgres": "postgres", "mysql": "mysql"}


def connection_strings(sources: Iterable[Source], environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """By name of the source. SettingInvalid that names every missing variable at once; no value is ever shown."""
    found = {source.name: environ.get(source.dsn.removeprefix("env:"), "") for source in sources}
    missing = [
        f"{source.dsn.removeprefix('env:')} (source {source.name})" for source in sources if not found[source.name]
    ]
    if missing:
        raise SettingInvalid(
            f"Connection strings that the sources refer to are not set: {', '.join(missing)}.",
            next_step="Set these environment variables; docs/guides/outbox-in-your-database.md shows their form.",
        )
    return found


def open_outbox(source: Source, dsn: str, estate: Estate, bounds: Bounds | None = None) -> OutboxSource:
    """Nothing is connected yet. SettingInvalid when the driver of the dialect is not installed."""
    bounds = bounds or Bounds()
    if source.dialect == "sqlite":
        from interlock.adapters.user_tables.sqlite import SqliteOutbox

        return SqliteOutbox(estate.root / dsn, source.table, bounds, estate=estate.name)
    try:
        if source.dialect == "mysql":
            from interlock.adapters.user_tables.mysql import MysqlOutbox

            return MysqlOutbox(dsn, source.table, bounds, estate=estate.name)
        if source.mode == "logical":
            from interlock.adapters.user_tables.logical import LogicalOutbox

            return LogicalOutbox(dsn, source.table, bounds, slot=source.slot, estate=estate.name)
        from interlock.adapters.user_tables.postgres import PostgresOutbox
    except ImportError as error:
        raise SettingInvalid(
            f"The driver of the source {source.name} is not installed: {error}.",
            next_step=f"Install it: pip install 'interlock[{EXTRAS[source.dialect]}]'",
        ) from error
    return PostgresOutbox(dsn, source.table, bounds, estate=estate.name)


@dataclass(frozen=True, slots=True)
class SourceState:
    """How one source stands, asked of its database; `problem` when it could not be asked."""

    name: str
    figures: OutboxFigures = NO_FIGURES
    refused: Sequence[RefusedRow] = ()
    problem: Problem | None = None

    def as_data(self) -> dict[str, Any]:
        rows = [{**one.row.attributes, "refused": one.code, "reason": one.reason} for one in self.refused]
        problem = None if self.problem is None else to_document(self.problem)
        return {"source": self.name, **self.figures._asdict(), "rows": rows, "problem": problem}


async def source_states(estate: Estate, limit: int, environ: Mapping[str, str] = os.environ) -> list[SourceState]:
    """Of all sources, with at most `limit` refused rows each. Leads nothing, changes nothing."""
    return list(await asyncio.gather(*(_state(source, estate, limit, environ) for source in estate.sources.values())))


async def _state(source: Source, estate: Estate, limit: int, environ: Mapping[str, str]) -> SourceState:
    try:
        outbox = open_outbox(source, connection_strings([source], environ)[source.name], estate)
        try:
            return SourceState(source.name, await outbox.figures(), await outbox.refused(limit))
        finally:
            await outbox.close()
    except Problem as problem:
        return SourceState(source.name, problem=problem)


async def examine(estate: Estate, environ: Mapping[str, str] = os.environ) -> list[Finding]:
    """What `interlock doctor` says of the sources; nothing is led or changed."""
    tables: dict[str, str] = {}
    found: list[Finding] = []
    for source in estate.sources.values():
        try:
            outbox = open_outbox(source, connection_strings([source], environ)[source.name], estate)
            try:
                facts, figures = await outbox.inspect(), await outbox.figures()
            finally:
                await outbox.close()
        except Problem as problem:
            found.append(source_examination.unusable_finding(source.name, problem))
            continue
        tables[source.name] = facts.table
        remembered = dedupe_seconds(estate.settings)
        found += source_examination.source_findings(source.name, facts, figures, remembered)
    return [*found, *source_examination.alone_findings(tables)]


def written_by(dialect: Dialect, table: str) -> str:
    """The INSERT for any language, with the marks of the dialect's own drivers. ValueError for a wrong name."""
    marks = [f"${number}" if dialect == "postgres" else "?" for number in range(1, len(COLUMNS) + 1)]
    return f"INSERT INTO {checked(table)} ({', '.join(COLUMNS)})\nVALUES ({', '.join(marks)});"


def dedupe_seconds(settings: Settings) -> float:
    """How long the log recognises a resend by itself, at least."""
    if settings.stores.log == "kafka":
        return 0.0
    if settings.stores.log == "jetstream":
        return settings.jetstream.dedupe_seconds
    return settings.limits.dedupe_bucket_seconds


class Sources:
    """All relays of this process. Without sources it does nothing."""

    def __init__(
        self,
        estate: Estate,
        log: EventLog,
        record: RecordReader,
        refusals: Refusals,
        clock: Clock,
        ids: Ids,
        admission: Callable[[], Problem | None],
    ) -> None:
        settings = estate.settings
        sources = list(estate.sources.values())
        strings = connection_strings(sources)
        bounds = Bounds(row_bytes=settings.limits.body_bytes, limit_bytes=max(8_388_608, settings.limits.body_bytes))
        intake = EventIntake(estate, log)
        self._relays: list[SourceRelay] = []
        self._tasks: list[asyncio.Task[None]] = []
        for source in sources:
            plan = RelayPlan(
                name=source.name,
                source=source.uri,
                batch=min(source.batch, settings.limits.pending_appends),
                poll_seconds=source.poll_seconds,
                dedupe_seconds=dedupe_seconds(settings),
                json_depth=settings.limits.json_depth,
            )
            outbox = open_outbox(source, strings[source.name], estate, bounds)
            relay = SourceRelay(plan, outbox, intake, log, record, refusals, clock, ids, admission)
            self._relays.append(relay)

    async def check(self) -> None:
        """Raise for what no waiting mends, before anything is relayed: SettingInvalid that names the file. A database
        that is away is waited for, later."""
        tables: dict[str, str] = {}
        for relay in self._relays:
            try:
                tables[relay.plan.name] = (await relay.look()).table
            except ConfigurationProblem as problem:
                raise SettingInvalid(f"sources/{relay.plan.name}.toml: {problem.detail}", next_step=problem.step) from (
                    problem
                )
            except Problem:
                continue  # the relay tells it, and tries again
        for names in source_examination.sharing(tables):
            raise SettingInvalid(
                f"{' and '.join(f'sources/{name}.toml' for name in names)} read one table.",
                next_step="Give each source a table of its own, or remove one of them.",
            )

    def start(self) -> None:
        self._tasks = [lasting(relay.run(), f"relay of the source {relay.plan.name}") for relay in self._relays]

    async def drain(self, seconds: float) -> None:
        """Let the batches that are under way come to their end; what is cut off is found again by who leads next."""
        for relay in self._relays:
            relay.stop()
        if not self._tasks:
            return
        _, late = await asyncio.wait(self._tasks, timeout=seconds)
        for task in late:
            task.cancel()
        if late:  # a database that does not answer may keep its thread for longer
            await asyncio.wait(late, timeout=CUT_OFF_SECONDS)

    def samples(self) -> dict[Metric, Samples]:
        """For GET /metrics; from memory."""
        figures = [(relay.plan.name, relay.figures) for relay in self._relays]
        return {
            metrics.SOURCE_ROWS: [
                ((name, outcome), total)
                for name, one in figures
                for outcome, total in (
                    ("published", one.published - one.duplicates),
                    ("duplicate", one.duplicates),
                    ("refused", one.refused),
                )
            ],
            metrics.SOURCE_LEADS: [((name,), int(one.leads)) for name, one in figures],
            metrics.SOURCE_LAG: [((name,), one.lag_seconds) for name, one in figures],
            metrics.SOURCE_WAITING: [((name,), one.seen.waiting) for name, one in figures if one.seen],
            metrics.SOURCE_REFUSED: [((name,), one.seen.refused) for name, one in figures if one.seen],
            metrics.SOURCE_SLOT: [
                ((name,), one.seen.held_bytes) for name, one in figures if one.seen and one.seen.held_bytes is not None
            ],
        }
