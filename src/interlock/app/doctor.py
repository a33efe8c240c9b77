"""`interlock doctor` composed: which parts a deployment has, and who looks at each of them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from interlock import __version__
from interlock.adapters.sqlite import examination as sqlite_examination
from interlock.adapters.system import SystemClock
from interlock.app import host_examination, sources
from interlock.app.references import REFERENCE
from interlock.app.stores import PostgresPlace, SqlitePlace, StorePlace, place_of_store, postgres_driver, told
from interlock.estate.estate import Estate
from interlock.estate.loader import load
from interlock.flows.engine import types_of
from interlock.model.archive import moved
from interlock.model.diagnosis import CLEAR_ERROR, DURABLE, PARKED, Check, Finding
from interlock.model.problems import EstateInvalid, NotFound, Problem, SettingInvalid
from interlock.model.record import StartRow
from interlock.operate import record_examination, source_examination
from interlock.ports.record_reader import KnowsItsPlace

STORE = Check("STORE_KIND", "`stores.kind` and `stores.log`", DURABLE, "Set stores.kind to sqlite or postgres.")
LOG = Check(
    "LOG_ADDRESS", "with a log elsewhere: whether its servers are named here, and its driver is installed", CLEAR_ERROR,
    "Set the variable that the setting names, for the service too.",
)  # fmt: skip
RECORD = Check("RECORD_READ", "whether the record can be read", CLEAR_ERROR, "See what the store's checks say.")
OWN_CHECKS = (STORE, LOG, RECORD)
# Where these say unknown, something could not be looked at at all.
LOOKS = frozenset({
    "ESTATE_LOADS", "STORE_KIND", "SQLITE_OPENS", "PG_REACHED", "LOG_ADDRESS", "NATS_REACHED", "KAFKA_REACHED",
    "RECORD_READ", "SOURCE_USABLE",
})  # fmt: skip
_WORST_FIRST = ("broken", "warn", "unknown", "ok")


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """`subject` is what was looked at, for people. Findings: the worst first, then in the order of the tables."""

    subject: str
    findings: tuple[Finding, ...]

    def count(self, verdict: str) -> int:
        return sum(one.verdict == verdict for one in self.findings)

    @property
    def blind(self) -> bool:
        """Whether something could not be looked at at all."""
        return any(one.check in LOOKS and one.verdict == "unknown" for one in self.findings)


@dataclass(frozen=True, slots=True)
class Outside:
    """What is needed to look at a log elsewhere. `cursors` are the lowest of all flows by partition."""

    environ: Mapping[str, str]
    monitor: str
    cursors: Mapping[int, int]

    def address(self, setting: str, reference: str) -> str:
        """SettingInvalid when the variable is not set."""
        name = reference.removeprefix(REFERENCE)
        if not self.environ.get(name):
            raise SettingInvalid(
                f"{setting} refers to the environment variable {name}, which is not set.",
                next_step=f"Set it for the service and for this shell: export {name}=…",
            )
        return self.environ[name]


def all_checks() -> tuple[Check, ...]:
    """Every row that a finding may belong to; all extras have to be installed."""
    from interlock.adapters.jetstream import checks as jetstream
    from interlock.adapters.kafka import checks as kafka
    from interlock.adapters.postgres import checks as postgres

    return (
        *host_examination.CHECKS,
        *OWN_CHECKS,
        *sqlite_examination.CHECKS,
        *postgres.CHECKS,
        *jetstream.CHECKS,
        *kafka.CHECKS,
        *record_examination.CHECKS,
        *source_examination.CHECKS,
        PARKED,
    )


async def diagnose(
    root: Path, environment: str, monitor: str = "", environ: Mapping[str, str] = os.environ
) -> Diagnosis:
    """Never raises for what is wrong with a deployment: that is what it tells. `monitor` is the URL of the monitoring
    port of a NATS server."""
    try:
        estate = load(root, environment)
    except EstateInvalid as problem:
        return Diagnosis(str(root), (host_examination.ESTATE.unknown(problem.detail, problem.step),))
    clock = SystemClock()
    found = await host_examination.examine(estate, _files(estate), clock, environ)
    try:
        place = place_of_store(estate, environ)
    except Problem as problem:
        found.append(_storeless(estate, problem))
    else:
        found += await _store(estate, place, clock)
        cursors: dict[int, int] = {}
        found += await _record(estate, place, clock, cursors)
        if estate.settings.stores.log != "state":
            found += await _log(estate, Outside(environ, monitor, cursors), clock)
    found += await sources.examine(estate, environ)
    ordered = sorted(found, key=lambda one: _WORST_FIRST.index(one.verdict))
    return Diagnosis(f"estate {estate.name} {estate.hash[:6]}, {environment}: {told(estate)}", tuple(ordered))


def _files(estate: Estate) -> list[Path]:
    path = estate.store_path
    beside = [Path(f"{path}{suffix}") for suffix in ("", "-wal", "-shm", ".lock", ".control")]
    return [*beside, *([estate.root / estate.settings.trace.file] if estate.settings.trace.file else [])]


def _storeless(estate: Estate, problem: Problem) -> Finding:
    if estate.settings.stores.kind == "memory":
        return STORE.broken("stores.kind is memory: everything that was accepted is gone when the process ends.")
    return STORE.unknown(problem.detail, problem.step)


async def _store(estate: Estate, place: StorePlace, clock: SystemClock) -> list[Finding]:
    partitions = estate.settings.stores.partitions
    if isinstance(place, SqlitePlace):
        kept = STORE.ok("Log and state are one SQLite file: accepted means flushed to this machine's disk.")
        return [kept, *sqlite_examination.examine(place.path, partitions, clock.now_us())]
    try:
        return [
            _kind(estate),
            *await _postgres(place, partitions, clock),
        ]
    except Problem as problem:
        return [STORE.unknown(problem.detail, problem.step)]


async def _postgres(place: PostgresPlace, partitions: int, clock: SystemClock) -> list[Finding]:
    with postgres_driver():
        from interlock.adapters.postgres.examination import examine
    return await examine(place.dsn, place.schema, partitions, clock)


def _kind(estate: Estate) -> Finding:
    if estate.settings.stores.log == "state":
        return STORE.ok("Log and state are one PostgreSQL schema: accepted means committed as its settings say.")
    return STORE.ok(
        f"The log is in {estate.settings.stores.log}, the state in PostgreSQL: what callers send is accepted as the "
        "log's servers acknowledge it, what flows emit as PostgreSQL commits it."
    )


async def _log(estate: Estate, outside: Outside, clock: SystemClock) -> list[Finding]:
    """What keeps the events, where that is not the store of the state."""
    look = _jetstream if estate.settings.stores.log == "jetstream" else _kafka
    try:
        return await look(estate, outside, clock)
    except ImportError as error:
        name = estate.settings.stores.log
        step = f"Install it: pip install 'interlock[{name}]'"
        return [LOG.unknown(f"stores.log is {name}, and its driver is not installed: {error}.", step)]
    except Problem as problem:
        return [LOG.unknown(problem.detail, problem.step)]


async def _jetstream(estate: Estate, outside: Outside, clock: SystemClock) -> list[Finding]:
    from interlock.adapters.jetstream.examination import Wanted, examine

    wanted, partitions = estate.settings.jetstream, estate.settings.stores.partitions
    servers = outside.address("jetstream.servers", wanted.servers)
    asked = Wanted(
        wanted.stream,
        partitions,
        wanted.replicas,
        wanted.dedupe_seconds,
        outside.cursors,
        outside.monitor,
        wanted.sync_always,
    )
    return await examine(servers, asked, clock)


async def _kafka(estate: Estate, outside: Outside, clock: SystemClock) -> list[Finding]:
    from interlock.adapters.kafka.address import parse
    from interlock.adapters.kafka.examination import Wanted, examine

    wanted, partitions = estate.settings.kafka, estate.settings.stores.partitions
    address = parse(outside.address("kafka.brokers", wanted.brokers))
    asked = Wanted(wanted.topic, partitions, wanted.replicas, outside.cursors)
    return await examine(address.servers, address.settings, asked, clock)


async def _record(estate: Estate, place: StorePlace, clock: SystemClock, cursors: dict[int, int]) -> list[Finding]:
    """Fills in `cursors`: by partition, the lowest of all flows."""
    try:
        reader = await place.reader()
    except NotFound:
        return [RECORD.ok("There is no record yet: no engine was started on this store.")]
    except Problem as problem:
        return [RECORD.unknown(problem.detail, problem.step)]
    if isinstance(reader, KnowsItsPlace) and reader.moved_to is not None:
        await reader.close()
        gone = moved(reader.moved_to)
        return [RECORD.broken(gone.detail, gone.step)]
    here = StartRow(0, clock.now_us(), __version__, estate.name, estate.hash, estate.settings.hash)
    flows: dict[str, Sequence[str]] = {name: types_of(flow) for name, flow in estate.flows.items()}
    try:
        read = await record_examination.examine(reader, flows, here, estate.settings.limits.max_lag_events)
        for flow in flows:
            for partition in range(estate.settings.stores.partitions):
                cursor = await reader.cursor(flow, partition)
                if cursor is not None:
                    cursors[partition] = min(cursor, cursors.get(partition, cursor))
        return [RECORD.ok("The record can be read."), *read]
    except Problem as problem:
        return [RECORD.unknown(problem.detail, problem.step)]
    finally:
        await reader.close()
