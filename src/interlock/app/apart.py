"""A deployment at rest whose log lies outside its database: the events of the log, and the rows of the state."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

from interlock.flows.relay import appended
from interlock.model.archive import ArchiveMeta, Kind, Row
from interlock.model.event import Stored
from interlock.model.problems import SettingInvalid, StorageCorrupt
from interlock.ports.event_log import EventLog

if TYPE_CHECKING:
    from interlock.adapters.postgres.archive import PostgresArchive, PostgresRestoration

MOST_EVENTS = 500  # in one call


class ApartArchive:
    """As Archive. All that was emitted is in the log, all of the log is indexed. Closed by whoever opened the two."""

    def __init__(self, state: PostgresArchive, log: EventLog) -> None:
        self._state = state
        self._log = log

    async def refuse_unfinished(self) -> None:
        """SettingInvalid while outbox or index have work left: it would be done nowhere after the move."""
        waiting, ends = await self._state.unpublished(), await self._state.ends()
        beyond = sum(head > end for head, end in zip(await self._log.heads(), ends, strict=True))
        if waiting or beyond:
            raise SettingInvalid(
                f"{waiting} events wait in the outbox, {beyond} partitions of the log are not indexed to their end.",
                next_step="Start the engine without letting requests in, wait until interlock status settles, stop it.",
            )

    async def meta(self) -> ArchiveMeta:
        return await self._state.meta()

    async def events(self, page: int) -> AsyncIterator[Sequence[Stored]]:
        """By the times of their acceptance across partitions. Without the duplicates: no row refers to them."""
        readers = [self._partition(one, end, page) for one, end in enumerate(await self._state.ends())]
        heads = [await anext(reader, None) for reader in readers]
        merged: list[Stored] = []
        while first := min((head for head in heads if head), key=time_of, default=None):
            merged.append(first)
            heads[first.event.partition] = await anext(readers[first.event.partition], None)
            if len(merged) == page:
                yield merged
                merged = []
        yield merged

    async def _partition(self, partition: int, end: int, page: int) -> AsyncIterator[Stored]:
        duplicates, after = await self._state.duplicates(partition), 0
        while after < end:
            part = await self._log.read(partition, after, page)
            if part.through <= after:
                raise StorageCorrupt(f"Partition {partition} of the log ends at {after}; it was read up to {end}.")
            after = part.through
            for stored in part.events:
                if stored.position not in duplicates:
                    yield stored

    async def rows(self, kind: Kind, page: int) -> AsyncIterator[Sequence[Row]]:
        async for rows in self._state.rows(kind, page):
            yield rows

    async def leaving(self) -> str:
        return await self._state.leaving()

    async def leave(self, place: str, *, whole: bool) -> None:
        await self._state.leave(place, whole=whole)


class ApartRestoration(ApartArchive):
    """As Restoration. The log has its events before the state is there: without it nobody reads them."""

    def __init__(self, state: PostgresRestoration, log: EventLog) -> None:
        super().__init__(state, log)
        self._filled = state
        self._recent: dict[tuple[str, str], float] = {}  # when an identity was appended, as long as the log knows it
        self._loop = asyncio.get_running_loop()

    async def refuse_used(self) -> None:
        """SettingInvalid when the log holds events: of another, or of a move that broke off."""
        if any(await self._log.heads()):
            raise SettingInvalid(
                "The log at the new place holds events already, perhaps of a move that broke off.",
                next_step="Delete it, or give it a new name: jetstream.stream.",
            )

    async def add_events(self, events: Sequence[Stored]) -> Sequence[int]:
        placed: list[Stored] = []
        call: list[Stored] = []
        for stored in events:
            if len(call) == MOST_EVENTS or identity(stored) in self._recent:
                placed += await self._append(call)
                call = []
            await self._outlast(identity(stored))
            call.append(stored)
        placed += await self._append(call)
        await self._filled.add_index(placed)
        return [position for position, _ in placed]

    async def _outlast(self, name: tuple[str, str]) -> None:
        """A resend that was an event of its own here, long after the first, is to be one there: wait until it is."""
        begun = self._recent.get(name)
        if begun is not None:
            window = self._log.log_capabilities.dedupe_seconds
            await asyncio.sleep(max(0.0, begun + 2 * window - self._loop.time()))
        self._recent[name] = self._loop.time()

    async def _append(self, call: Sequence[Stored]) -> list[Stored]:
        if not call:
            return []
        places = await appended(self._log, [event for _, event in call])
        if any(place.duplicate for place in places):
            raise StorageCorrupt("The log at the new place had one of the events already. Nothing was moved.")
        now, window = self._loop.time(), self._log.log_capabilities.dedupe_seconds
        self._recent |= dict.fromkeys(map(identity, call), now)
        self._recent = {name: at for name, at in self._recent.items() if at + 2 * window > now}
        return [Stored(place.position, event) for place, (_, event) in zip(places, call, strict=True)]

    async def add(self, kind: Kind, rows: Sequence[Row]) -> None:
        await self._filled.add(kind, rows)

    async def finish(self) -> None:
        await self._filled.finish()

    async def commit(self) -> None:
        await self._filled.commit()


def time_of(stored: Stored) -> int:
    return stored.event.time_us


def identity(stored: Stored) -> tuple[str, str]:
    return stored.event.source, stored.event.id
