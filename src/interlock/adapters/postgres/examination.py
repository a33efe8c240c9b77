"""Looks at a PostgreSQL server and our schema on it, for `interlock doctor`: which promises they keep. Only reads."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from ipaddress import ip_address
from typing import NamedTuple

import psycopg

from interlock.adapters.postgres import checks, sql
from interlock.adapters.postgres import examination_sql as ask
from interlock.adapters.postgres.connection import (
    NEEDED_CONNECTIONS,
    OLDEST_SERVER,
    Connection,
    Target,
    connect,
    fetch,
    scalar,
    translate,
)
from interlock.model.clock import Clock
from interlock.model.diagnosis import Finding, parked_finding, skew_finding
from interlock.model.handling import HandlingState
from interlock.model.migration import Standing
from interlock.model.problems import Problem

LONG_TRANSACTION_SECONDS = 300
LARGE_SLOT_BYTES = 1 << 30
OLD_TRANSACTION_NUMBERS = 1_000_000_000
SLOW_STANDBY_MS = 10_000


class Member(NamedTuple):
    """`late_seconds` is how long its lease is over; below zero, or 0 of an owner without end, while it lives."""

    epoch: int
    name: str
    runs_flows: bool
    late_seconds: float
    lease_seconds: float
    release: str
    estate: str
    settings: str


async def examine(dsn: str, schema: str, partitions: int, clock: Clock) -> list[Finding]:
    """All that can be found without starting an engine. Never raises for what is wrong with the server."""
    target = Target(dsn, schema)
    try:
        connection = await connect(target)
    except Problem as problem:
        return [checks.REACHED.unknown(problem.detail, problem.step)]
    found = [checks.REACHED.ok(f"The {target.place} takes our connection.")]
    try:
        async for one in _findings(connection, target, partitions, clock):
            found.append(one)
    except psycopg.Error as error:
        told = translate(error, target)
        found[0] = checks.REACHED.unknown(told.detail, told.step)
    finally:
        await connection.close()
    return found


async def _findings(connection: Connection, target: Target, partitions: int, clock: Clock) -> AsyncIterator[Finding]:
    settings: dict[str, str] = dict(await fetch(connection, ask.SETTINGS, (list(ask.NAMES),)))
    pid, standby, clients, sees_all = (await fetch(connection, ask.SESSION))[0]
    yield version_finding(connection.info.server_version, settings["server_version"])
    for one in durability_findings(settings):
        yield one
    yield standby_finding(settings, [tuple(row) for row in await fetch(connection, ask.STANDBYS)], sees_all)
    yield wal_finding(settings)
    yield _primary(settings, standby)
    yield _encoding(settings)
    yield connections_finding(settings, clients)
    yield await _pooler(target, pid)
    yield tls_finding(connection.info.host, connection.info.hostaddr, connection.pgconn.ssl_in_use)
    before = clock.now_us()
    theirs = await scalar(connection, ask.CLOCK)
    yield skew_finding(checks.CLOCK, "PostgreSQL", theirs, before, clock.now_us())
    async for one in _schema(connection, target, partitions, clock):
        yield one
    yield await _transactions(connection, sees_all)
    if not standby:
        yield slots_finding([tuple(row) for row in await fetch(connection, ask.SLOTS)])
    yield await _vacuum(connection, target, settings)


def version_finding(number: int, name: str) -> Finding:
    if number < OLDEST_SERVER:
        return checks.VERSION.broken(f"PostgreSQL {name} is too old; 15 or newer is needed, and the start is refused.")
    return checks.VERSION.ok(f"PostgreSQL {name}.")


def durability_findings(settings: Mapping[str, str]) -> list[Finding]:
    fsync = checks.FSYNC.ok("fsync is on: what is committed is flushed to the server's disk.")
    if settings["fsync"] == "off":
        fsync = checks.FSYNC.broken(
            "fsync is off: the server says committed before anything is on its disk. When its machine crashes, "
            "accepted events are lost, and perhaps the whole database."
        )
    pages = checks.FULL_PAGES.ok("full_page_writes is on: a page that was half written in a crash is made whole again.")
    if settings["full_page_writes"] == "off":
        pages = checks.FULL_PAGES.broken(
            "full_page_writes is off: a page that was half written in a crash stays torn, with events in it."
        )
    return [fsync, pages, _commit(settings["synchronous_commit"], settings["synchronous_standby_names"])]


def _commit(value: str, standbys: str) -> Finding:
    told = f"synchronous_commit is {value}"
    if value == "off":
        return checks.COMMIT.broken(
            f"{told}: a 2xx leaves up to some hundred milliseconds before the event is on disk. A crash of the server "
            "in between loses what was accepted."
        )
    if value == "local" and standbys:
        return checks.COMMIT.warn(
            f"{told}: commits wait for the server's own disk, and not for the standbys that synchronous_standby_names "
            "asks for. A failover may lose what was accepted."
        )
    return checks.COMMIT.ok(f"{told}: a 2xx leaves after the server has the event on its disk.")


def standby_finding(settings: Mapping[str, str], standbys: list[tuple[str, str, str, int]], sees_all: bool) -> Finding:
    """`standbys` are name, state, sync_state and replay lag in milliseconds."""
    wanted = settings["synchronous_standby_names"]
    told = ", ".join(f"{name} ({state}, {sync}, {lag:,} ms behind)" for name, state, sync, lag in standbys) or "none"
    if not wanted:
        return checks.STANDBYS.ok(
            "synchronous_standby_names is empty: accepted means flushed to one disk. A crash loses nothing, the loss "
            f"of that disk does, and so may a failover. Standbys connected: {told}."
        )
    if not sees_all and any(sync == "?" for _, _, sync, _ in standbys):
        return checks.STANDBYS.unknown(
            f"Commits wait for {wanted}; who of {told} that is, our user may not see.",
            "GRANT pg_monitor TO the user, or look at pg_stat_replication yourself.",
        )
    waiting = [row for row in standbys if row[2] in ("sync", "quorum")]
    if len(waiting) < _needed(wanted):
        return checks.STANDBYS.broken(
            f"Commits wait for {wanted}, and of these {len(waiting)} are connected: every commit waits for ever, so "
            "nothing is accepted.",
            "Start the standby, or take its name out of synchronous_standby_names.",
        )
    if any(lag > SLOW_STANDBY_MS for *_, lag in standbys):
        return checks.STANDBYS.warn(f"Commits wait for {wanted}. Standbys: {told}.", "See why the standby lags.")
    return checks.STANDBYS.ok(f"Commits wait for {wanted}: accepted means held by them too. Standbys: {told}.")


def _needed(names: str) -> int:
    """How many standbys a commit waits for: `FIRST 2 (a, b)`, `ANY 1 (a, b)`, `2 (a, b)`; of a plain list one."""
    match = re.match(r"\s*(?:FIRST|ANY)?\s*(\d+)\s*\(", names, re.IGNORECASE)
    return int(match[1]) if match else 1


def wal_finding(settings: Mapping[str, str]) -> Finding:
    level = settings["wal_level"]
    if level == "minimal":
        return checks.WAL_LEVEL.warn("wal_level is minimal: there can be no standby and no continuous backup.")
    return checks.WAL_LEVEL.ok(f"wal_level is {level}: standbys and continuous backups are possible.")


def _primary(settings: Mapping[str, str], standby: bool) -> Finding:
    if standby or settings["transaction_read_only"] == "on":
        return checks.PRIMARY.broken("The server is read-only, a standby perhaps: nothing can be accepted there.")
    return checks.PRIMARY.ok("The server may be written to.")


def _encoding(settings: Mapping[str, str]) -> Finding:
    encoding = settings["server_encoding"]
    if encoding != "UTF8":
        return checks.ENCODING.broken(f"The database has the encoding {encoding}: the start is refused.")
    return checks.ENCODING.ok("The database has the encoding UTF8.")


def connections_finding(settings: Mapping[str, str], clients: int) -> Finding:
    """An engine that is connected now is among the clients already."""
    most = int(settings["max_connections"]) - int(settings["superuser_reserved_connections"])
    told = f"{clients} of {most} connections are in use; a process of ours takes up to {NEEDED_CONNECTIONS}"
    if most - clients < NEEDED_CONNECTIONS:
        return checks.CONNECTIONS.warn(f"{told}: another one may be refused, and so may one that comes back.")
    return checks.CONNECTIONS.ok(f"{told}.")


async def _pooler(target: Target, pid: int) -> Finding:
    """Two sessions that are open at once have two server processes, unless somebody deals them out by transaction."""
    try:
        other = await connect(target)
    except Problem as problem:
        if isinstance(problem.__cause__, psycopg.errors.DuplicatePreparedStatement):
            return pooler_finding(pid, pid)
        return checks.POOLER.unknown(f"A second connection was refused: {problem.detail}", problem.step)
    try:
        return pooler_finding(pid, await scalar(other, ask.PID))
    except psycopg.errors.DuplicatePreparedStatement:  # the statement of the first session is there already
        return pooler_finding(pid, pid)
    finally:
        await other.close()


def pooler_finding(pid: int, other: int) -> Finding:
    if pid == other:
        return checks.POOLER.broken(
            "Two of our sessions share one server process: a pooler in transaction mode stands between. The lock by "
            "which one engine owns the schema, and notifications, belong to a session, so neither would hold."
        )
    return checks.POOLER.ok("Each session has a server process of its own.")


def tls_finding(host: str, address: str, encrypted: bool) -> Finding:
    if not host or host.startswith(("/", "@")):
        return checks.TLS.ok("The connection is a Unix socket: it does not leave the machine.")
    if encrypted:
        return checks.TLS.ok("The connection is encrypted.")
    try:
        near = ip_address(address or host).is_loopback
    except ValueError:
        near = host == "localhost"
    if near:
        return checks.TLS.ok("The connection does not leave the machine.")
    return checks.TLS.warn("The connection is not encrypted: payloads, and perhaps a password, can be read on the way.")


async def _schema(connection: Connection, target: Target, partitions: int, clock: Clock) -> AsyncIterator[Finding]:
    name = target.schema
    there, ours, may_create = (await fetch(connection, ask.SCHEMA, (name,)))[0]
    if not ours:
        if there or may_create:
            yield checks.SCHEMA.ok(f"The schema {name} has no tables yet; the first start makes them.")
        else:
            yield checks.SCHEMA.broken(
                f"There is no schema {name}, and our user may not create it: the start is refused.",
                f"GRANT CREATE ON DATABASE … TO the user, or: CREATE SCHEMA {name} AUTHORIZATION …",
            )
        return
    forbidden = [row[0] for row in await fetch(connection, ask.FORBIDDEN, (name,))]
    if forbidden or not await scalar(connection, ask.MAY_USE, (name,)):
        said = f"Our user may not read and write {', '.join(forbidden[:5]) or name}: the engine would fail."
        yield checks.SCHEMA.broken(said)
        return
    meta: dict[str, str] = dict(await fetch(connection, ask.META))
    yield format_finding(name, Standing.of(meta), await scalar(connection, ask.SIZE, (name,)))
    found = int(meta["partitions"])
    if found != partitions:
        yield checks.PARTITIONS.broken(
            f"The schema has {found} partitions, the settings say {partitions}: the start is refused, because keys "
            "would go to other partitions than before.",
            f"Set stores.partitions = {found}.",
        )
    else:
        yield checks.PARTITIONS.ok(f"{found} partitions, as the settings say.")
    keys, events, oldest_us = (await fetch(connection, ask.PARKED, (int(HandlingState.PARKED),)))[0]
    yield parked_finding((keys, events, oldest_us), clock.now_us())
    for one in await _members(connection, target):
        yield one
    unlogged = [row[0] for row in await fetch(connection, ask.UNLOGGED, (name,))]
    if unlogged:
        said = f"Unlogged, so emptied by a crash of the server: {', '.join(unlogged)}."
        yield checks.UNLOGGED.broken(said, f"ALTER TABLE {name}.{unlogged[0]} SET LOGGED")
    else:
        yield checks.UNLOGGED.ok("All tables of the schema are written ahead.")


async def _members(connection: Connection, target: Target) -> list[Finding]:
    if not await scalar(connection, ask.HAS_MEMBERS, (target.schema,)):
        return []
    members = [Member(*row) for row in await fetch(connection, ask.MEMBERS)]
    return member_findings(members, dict(await fetch(connection, ask.LEASES)))


def member_findings(members: Sequence[Member], leases: Mapping[int, int]) -> list[Finding]:
    """`leases` are epochs by partition, 0 for nobody's."""
    if not members:
        return [checks.MEMBERS.warn("No process is on the store: nothing is worked off.", checks.LEASES.fix)]
    return [_heard(members), _leased(members, leases), _alike(members)]


def _heard(members: Sequence[Member]) -> Finding:
    late = [f"{one.name} ({one.late_seconds:,.0f} s)" for one in members if one.late_seconds > 0]
    if late:
        return checks.MEMBERS.warn(
            f"Silent beyond their lease: {', '.join(late)}. What they write from now on may be refused, and their "
            "partitions go to others, if there are any."
        )
    return checks.MEMBERS.ok(f"Processes on the store: {', '.join(one.name for one in members)}; all were heard of.")


def _leased(members: Sequence[Member], leases: Mapping[int, int]) -> Finding:
    living = {one.epoch for one in members}
    free = [str(partition) for partition, epoch in leases.items() if epoch not in living]
    if free:
        shown = ", ".join(free[:8]) + (f" and {len(free) - 8} more" if len(free) > 8 else "")
        return checks.LEASES.warn(f"Nobody works off the partitions {shown}: their events wait.")
    return checks.LEASES.ok(f"Each of {len(leases)} partitions is leased.")


def _alike(members: Sequence[Member]) -> Finding:
    parts = {
        "releases": {one.release for one in members},
        "estates": {one.estate[:6] for one in members},
        "settings": {one.settings[:6] for one in members},
        "lease_seconds": {f"{one.lease_seconds:g}" for one in members},
    }
    mixed = [f"{name} {', '.join(sorted(values))}" for name, values in parts.items() if len(values) > 1]
    if mixed:
        return checks.ALIKE.warn(
            f"The processes differ: {'; '.join(mixed)}. During an upgrade that is so; afterwards one of them does "
            "other things with an event than the rest."
        )
    return checks.ALIKE.ok("All processes have one release, one estate and the same settings.")


def format_finding(name: str, found: Standing, size: int) -> Finding:
    known = sql.FORMAT
    if found.oldest > known:
        return checks.SCHEMA.broken(
            f"The schema {name} has format {found.format}; this release reads up to {known}, and will not start.",
            "Install a release that knows the format.",
        )
    if found.format < known:
        return checks.SCHEMA.warn(
            f"The schema {name} has format {found.format}; the next start makes it {known}.", "Take a backup first."
        )
    whose = "that of this release" if found.format == known else f"newer than {known}, and this release may work on it"
    return checks.SCHEMA.ok(
        f"The schema {name} has format {found.format}, {whose}, {size / 1_048_576:,.1f} MiB, and our user may "
        "use it. How much room the server's disk has left, only the server can tell."
    )


async def _transactions(connection: Connection, sees_all: bool) -> Finding:
    seconds, who = (await fetch(connection, ask.OLDEST_TRANSACTION))[0]
    prepared, prepared_seconds = (await fetch(connection, ask.PREPARED))[0]
    effect = "as long as it is open, dead rows of the hot tables stay, and every commit becomes slower"
    if seconds > LONG_TRANSACTION_SECONDS:
        return checks.TRANSACTIONS.warn(f"A transaction of {who} is open for {seconds:,} seconds: {effect}.")
    if prepared and prepared_seconds > LONG_TRANSACTION_SECONDS:
        said = f"A prepared transaction is open for {prepared_seconds:,} seconds: {effect}."
        return checks.TRANSACTIONS.warn(said, "COMMIT PREPARED or ROLLBACK PREPARED it: see pg_prepared_xacts.")
    if not sees_all:
        return checks.TRANSACTIONS.unknown(
            "None of our own user's transactions is old; those of others our user may not see.",
            "GRANT pg_monitor TO the user, to let this look at all.",
        )
    return checks.TRANSACTIONS.ok(f"No transaction is open for longer than {LONG_TRANSACTION_SECONDS} seconds.")


def slots_finding(slots: list[tuple[str, int]]) -> Finding:
    """Those that are not read, by name and the bytes that the server keeps for them."""
    large = [(name, size) for name, size in slots if size > LARGE_SLOT_BYTES]
    if large:
        told = ", ".join(f"{name} ({size / (1 << 30):,.1f} GiB)" for name, size in large)
        return checks.SLOTS.warn(f"The server keeps its write-ahead log for slots that nobody reads: {told}.")
    return checks.SLOTS.ok(f"{len(slots)} replication slots without a reader hold back little.")


async def _vacuum(connection: Connection, target: Target, settings: Mapping[str, str]) -> Finding:
    age = await scalar(connection, ask.AGE)
    if settings["autovacuum"] == "off":
        return checks.VACUUM.warn("autovacuum is off: the hot tables grow without end, and commits become slower.")
    if age > OLD_TRANSACTION_NUMBERS:
        return checks.VACUUM.warn(
            f"The oldest transaction number is {age:,} old; at two thousand million the server stops taking commits.",
            "Find what holds vacuum back (long transactions, slots), then: VACUUM FREEZE",
        )
    swollen = await fetch(connection, ask.DEAD_ROWS, (target.schema,))
    if swollen:
        told = ", ".join(f"{table} ({dead:,} dead rows beside {live:,})" for table, live, dead in swollen)
        return checks.VACUUM.warn(
            f"Vacuum does not keep up: {told}.", "See what holds it back: old transactions, slots."
        )
    return checks.VACUUM.ok("autovacuum is on, and keeps up.")
