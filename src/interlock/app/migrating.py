"""A store carried to another kind of store: every row, counted and compared before anybody may use it."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import NamedTuple

from interlock.adapters.sqlite.archive import SqliteArchive, SqliteRestoration
from interlock.app.stores import connection_string, postgres_driver
from interlock.estate.estate import Estate
from interlock.model.archive import EVENT, KINDS, Digest, Kind, Places
from interlock.model.problems import SettingInvalid, StorageCorrupt
from interlock.ports.archive import Archive, MovedArchive, Restoration

PAGE = 2000
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


async def move(estate: Estate, to: str, progress: Progress) -> list[Carried]:
    """Carry the estate's store to the kind `to`, at the place that the settings name for it.

    All or nothing: what breaks off leaves the source as it was, and no target. Afterwards the source takes no engine.
    """
    stores = estate.settings.stores
    if stores.kind == to:
        raise SettingInvalid(
            f"The store is of kind {to} already.",
            next_step="Give --to the kind to move to; stores.kind says where the data is now.",
        )
    async with AsyncExitStack() as opened:
        source = await open_source(estate)
        opened.push_async_callback(source.close)
        meta = await source.meta()
        target = await make_target(estate, to, meta.partitions)
        opened.push_async_callback(target.close)
        await target.begin(meta)
        before, after = await carry(source, target, meta.partitions, progress)
        compare(before.result(), after.result())
        await target.commit()
        await source.leave_to(place_of(estate, to))
        return before.result()


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


async def open_source(estate: Estate) -> MovedArchive:
    stores = estate.settings.stores
    if stores.kind == "memory":
        raise SettingInvalid("The memory store keeps nothing that could be moved.")
    if stores.kind == "sqlite":
        return SqliteArchive(estate.store_path)
    with postgres_driver():
        from interlock.adapters.postgres.archive import PostgresArchive
    return await PostgresArchive.open(connection_string(stores.dsn, os.environ), schema=stores.schema)


async def make_target(estate: Estate, to: str, partitions: int) -> Restoration:
    stores = estate.settings.stores
    if to == "sqlite":
        return SqliteRestoration(estate.store_path, partitions)
    with postgres_driver():
        from interlock.adapters.postgres.archive import PostgresRestoration
    return await PostgresRestoration.make(connection_string(stores.dsn, os.environ), stores.schema, partitions)


def place_of(estate: Estate, kind: str) -> str:
    """For people; a connection string is named, never shown."""
    stores = estate.settings.stores
    return str(estate.store_path) if kind == "sqlite" else f"schema {stores.schema} of {stores.dsn}"
