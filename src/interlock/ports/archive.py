"""Ports: a store at rest that gives all its rows, and an empty one that takes them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from interlock.model.archive import ArchiveMeta, Kind, Row
from interlock.model.event import Stored


class Archive(Protocol):
    """Everything that a store holds. As long as it is open no engine can start on it."""

    async def meta(self) -> ArchiveMeta: ...

    def events(self, page: int) -> AsyncIterator[Sequence[Stored]]:
        """The log, at most `page` events at once, each partition in order. StorageCorrupt for an altered body."""
        ...

    def rows(self, kind: Kind, page: int) -> AsyncIterator[Sequence[Row]]:
        """All rows of the kind, in no order that is promised."""
        ...


class MovedArchive(Archive, Protocol):
    """The source of a move: afterwards no engine may start on it."""

    async def leaving(self) -> str:
        """The place of a move that broke off between its last steps; empty when none did."""
        ...

    async def leave(self, place: str, *, whole: bool) -> None:
        """Keep everything, and refuse each later start with the words where it went; until `whole`, a move may still
        begin from here. An empty place: no move is under way. Committed when it returns."""
        ...


class Restoration(Archive, Protocol):
    """An empty store that is filled. Nothing of it is there for anybody until `commit`, and nothing without it."""

    async def add_events(self, events: Sequence[Stored]) -> Sequence[int]:
        """Append; the positions that they have here."""
        ...

    async def add(self, kind: Kind, rows: Sequence[Row]) -> None:
        """Rows whose positions are those of this store."""
        ...

    async def finish(self) -> None:
        """Count again what is not carried. What was added can be read back from here on."""
        ...

    async def commit(self) -> None: ...
