"""A store carried to another kind of store: every row, counted and compared before anybody may use it."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from interlock.adapters.sqlite.archive import SqliteArchive, SqliteRestoration
from interlock.app.apart import ApartArchive, ApartRestoration
from interlock.app.outside_logs import open_outside
from interlock.app.stores import connection_string, postgres_driver, told
from interlock.estate.estate import Estate
from interlock.model.archive import EVENT, KINDS, ArchiveMeta, Digest, Kind, Places
from interlock.model.problems import AlreadyRunning, NotFound, SettingInvalid, StorageCorrupt
from interlock.ports.archive import Archive, MovedArchive, Restoration

if TYPE_CHECKING:
    from interlock.adapters.postgres.archive import PostgresArchive

PAGE = 2000
HERE = "state"  # of stores.log
DEDUPE_SECONDS = 1.0
Progress = Callable[[str, int], None]


class Carried(NamedTuple):
    """One kind of row as it was carried: how many, and the checksum on both sides."""

    kind: str
    rows: int
    checksum: str


class Digests:
    """Of each kind of row, with the ordinals of events in place of their positions."""

    def __init__(self) -> None:
        self._found: dict[str, Digest] = {}

    def of(self, kind: Kind) -> Digest:
        return self._found.setdefault(kind.name, Digest())

    def result(self) -> list[Carried]:
        return [Carried(name, digest.count, digest.checksum) for name, digest in self._found.items()]


async def move(estate: Estate, to: str, schema: str, progress: Progress) -> list[Carried]:
    """Carry the estate's data to `to`, at the place that the settings name for it; on PostgreSQL into `schema`. Empty
    when all had arrived before, and only the source did not know.

    The source refuses engines before the target admits them, so at no moment there are two stores to work on. What
    breaks off before that leaves the source as it was, and no target; after it, the same move is finished by the next
    call, and `stay` takes it back unless the target is there. At the end the source takes no engine.
    """
    refuse_same_place(estate, to, schema)
    async with AsyncExitStack() as opened:
        source = await open_source(estate, opened)
        meta, place = await source.meta(), place_of(estate, to, schema)
        begun = await source.leaving()
        if begun not in ("", place):
            raise SettingInvalid(
                f"A move to {begun} broke off at its very end; this one goes to {place}.",
                next_step="Finish that one first, or take it back: interlock migrate --stay",
            )
        if begun and await has_arrived(estate_at(estate, to, schema), meta):
            await source.leave(place, whole=True)
            return []
        target = await make_target(estate, to, meta, schema, opened)
        before, after = await carry(source, target, meta.partitions, progress)
        compare(before.result(), after.result())
        await source.leave(place, whole=False)
        await target.commit()
        await source.leave(place, whole=True)
        return before.result()


async def stay(estate: Estate, to: str, schema: str) -> bool:
    """Take back a move that broke off at its very end: engines may start on the source again. False when none did.

    `to` and `schema` are those of that move. SettingInvalid when the target is there: then only finishing is left.
    """
    async with AsyncExitStack() as opened:
        source = await open_source(estate, opened)
        begun = await source.leaving()
        if not begun:
            return False
        if begun != place_of(estate, to, schema):
            raise SettingInvalid(
                f"The move that broke off was to {begun}.", next_step="Name that place with --to and --schema."
            )
        if await has_arrived(estate_at(estate, to, schema), await source.meta()):
            raise SettingInvalid(
                f"Everything has arrived at {begun}, and an engine may work there.",
                next_step="Finish the move: interlock migrate, with the same --to and without --stay.",
            )
        await source.leave("", whole=False)
        return True


async def has_arrived(there: Estate, meta: ArchiveMeta) -> bool:
    """Whether the store of these settings is the one of `meta`, carried. SettingInvalid when it is another one."""
    async with AsyncExitStack() as opened:
        try:
            found = await (await open_state(there, opened)).meta()
        except NotFound:
            return False
        except AlreadyRunning:  # nobody can work on what is not whole
            return True
    if found.secret != meta.secret:
        raise SettingInvalid(
            f"There is another store at {told(there)}.",
            next_step="Move it away, then finish the move, or take it back: interlock migrate --stay",
        )
    return True


def refuse_same_place(estate: Estate, to: str, schema: str) -> None:
    """SettingInvalid when there is nothing to move."""
    here = deployment_of(estate)
    if here == to:
        raise SettingInvalid(
            f"The data is on {to} already.",
            next_step="Give --to the place to move to; stores.kind and stores.log say where the data is now.",
        )
    if here.startswith("postgres") and to.startswith("postgres") and schema == estate.settings.stores.schema:
        raise SettingInvalid(
            f"Old and new place are both the schema {schema}.", next_step="Name the new one: --schema NAME"
        )


async def carry(source: Archive, target: Restoration, partitions: int, progress: Progress) -> tuple[Digests, Digests]:
    """Copy, then read back what arrived. The digests of both sides."""
    before, ours, theirs = Digests(), Places(partitions), Places(partitions)
    async for events in source.events(PAGE):
        for (position, event), new in zip(events, await target.add_events(events), strict=True):
            ours.add(event.partition, position)
            theirs.add(event.partition, new)
        rows = [(position, *event) for position, event in events]
        before.of(EVENT).add(EVENT.moved(row, ours, None) for row in rows)
        progress(EVENT.name, before.of(EVENT).count)
    for kind in KINDS:
        async for page in source.rows(kind, PAGE):
            await target.add(kind, [kind.moved(row, ours, theirs) for row in page])
            before.of(kind).add(kind.moved(row, ours, None) for row in page)
            progress(kind.name, before.of(kind).count)
    await target.finish()
    return before, await digest(target, theirs)


async def digest(archive: Archive, places: Places) -> Digests:
    found = Digests()
    async for events in archive.events(PAGE):
        found.of(EVENT).add(EVENT.moved((position, *event), places, None) for position, event in events)
    for kind in KINDS:
        async for page in archive.rows(kind, PAGE):
            found.of(kind).add(kind.moved(row, places, None) for row in page)
    return found


def compare(before: list[Carried], after: list[Carried]) -> None:
    """StorageCorrupt with the first kind of row that did not arrive as it was."""
    arrived = {carried.kind: carried for carried in after}
    for carried in before:
        if arrived.get(carried.kind) != carried:
            there = arrived.get(carried.kind)
            raise StorageCorrupt(
                f"{carried.rows} rows of {carried.kind} were sent, {there.rows if there else 0} arrived, and their "
                "checksums differ. Nothing was moved."
            )


def deployment_of(estate: Estate) -> str:
    """Where the settings say that the data is, in the words of `--to`."""
    stores = estate.settings.stores
    return stores.kind if stores.log == HERE else f"{stores.kind}+{stores.log}"


async def open_source(estate: Estate, opened: AsyncExitStack) -> MovedArchive:
    state = await open_state(estate, opened)
    if isinstance(state, SqliteArchive) or estate.settings.stores.log == HERE:
        return state
    log = await open_outside(estate, state)
    opened.push_async_callback(log.close)
    apart = ApartArchive(state, log)
    await apart.refuse_unfinished()
    return apart


async def open_state(estate: Estate, opened: AsyncExitStack) -> SqliteArchive | PostgresArchive:
    """What the state is kept in, and the log too unless it lies elsewhere."""
    stores = estate.settings.stores
    if stores.kind == "memory":
        raise SettingInvalid("The memory store keeps nothing that could be moved.")
    if stores.kind == "sqlite":
        file = SqliteArchive(estate.store_path)
        opened.push_async_callback(file.close)
        return file
    with postgres_driver():
        from interlock.adapters.postgres.archive import PostgresArchive
    dsn = connection_string(stores.dsn, os.environ)
    state = await PostgresArchive.open(dsn, schema=stores.schema, log=stores.log)
    opened.push_async_callback(state.close)
    return state


async def make_target(estate: Estate, to: str, meta: ArchiveMeta, schema: str, opened: AsyncExitStack) -> Restoration:
    """Empty, and open for what is to come."""
    if to == "sqlite":
        file = SqliteRestoration(estate.store_path, meta.partitions)
        opened.push_async_callback(file.close)
        await file.begin(meta)
        return file
    with postgres_driver():
        from interlock.adapters.postgres.archive import PostgresRestoration
    _, _, log = to.partition("+")
    dsn = connection_string(estate.settings.stores.dsn, os.environ)
    state = await PostgresRestoration.make(dsn, schema, meta.partitions, log or HERE)
    opened.push_async_callback(state.close)
    await state.begin(meta)
    if not log:
        return state
    outside = await open_outside(with_log(estate, log), state)
    opened.push_async_callback(outside.close)
    apart = ApartRestoration(state, outside)
    await apart.refuse_used()
    return apart


def estate_at(estate: Estate, to: str, schema: str) -> Estate:
    """The estate with the settings of the place to move to."""
    kind, _, log = to.partition("+")
    stores = msgspec.structs.replace(estate.settings.stores, kind=kind, log=log or HERE, schema=schema)
    return replace(estate, settings=msgspec.structs.replace(estate.settings, stores=stores))


def with_log(estate: Estate, log: str) -> Estate:
    """The estate as it will be; a log with a short memory, since what is sent again here is to stay."""
    settings = estate.settings
    stores = msgspec.structs.replace(settings.stores, log=log)
    jetstream = msgspec.structs.replace(settings.jetstream, dedupe_seconds=DEDUPE_SECONDS)
    return replace(estate, settings=msgspec.structs.replace(settings, stores=stores, jetstream=jetstream))


def place_of(estate: Estate, to: str, schema: str) -> str:
    """For people; a connection string is named, never shown."""
    kind, _, log = to.partition("+")
    if kind == "sqlite":
        return str(estate.store_path)
    beside = f", with the log in {log}" if log else ""
    return f"schema {schema} of {estate.settings.stores.dsn}{beside}"
