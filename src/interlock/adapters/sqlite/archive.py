"""A SQLite store at rest: all its rows out, or into a new file that takes its name when it is whole."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any
from zlib import crc32

from interlock.adapters.sqlite import sql
from interlock.adapters.sqlite.file import FileLock, connect, fetch, placing, prepare, scalar, translated
from interlock.adapters.sqlite.names import Names
from interlock.model.archive import LEAVING, MOVED, ArchiveMeta, Kind, Row
from interlock.model.event import Stored
from interlock.model.lookup_segment import SEAL_EVENTS, Segment
from interlock.model.migration import Standing
from interlock.model.problems import NotFound, SettingInvalid
from interlock.model.storage_rows import stored_row

WORD = "(SELECT text FROM name WHERE name.id = t.{name})"
CLAIMS = (
    "SELECT {bucket}, c.source, c.id, log.partition, c.position FROM claim_{bucket} AS c "
    "JOIN log ON log.position = c.position"
)
COUNT_AGAIN = (
    "INSERT INTO contract_tally SELECT type, version, count(*) FROM log GROUP BY 1, 2",
    "INSERT INTO tally SELECT flow, state, count(*) FROM handling WHERE superseded = 0 GROUP BY 1, 2",
    "INSERT INTO delivery_tally SELECT state, count(*) FROM delivery GROUP BY 1",
)
PART = ".part"


class SqliteArchive:
    """The file, locked against engines."""

    def __init__(self, path: Path, *, new: bool = False, partitions: int = 1) -> None:
        """NotFound when there is no file to read; AlreadyRunning when an engine has it."""
        if not new and not path.exists():
            raise NotFound(f"There is no store at {path}.", next_step="Check stores.path.")
        self.path = path
        with placing(str(path)):
            self._lock = FileLock(path)
        try:
            with translated(), placing(str(path)):
                self._connection = connect(f"{path}{PART}" if new else str(path), None, "FULL")
                self._found: dict[str, Any] = prepare(self._connection, partitions, leaving=True)
            Standing.of(self._found).admit_whole(sql.FORMAT)
        except BaseException:
            self._lock.release()
            raise

    async def meta(self) -> ArchiveMeta:
        revision = scalar(self._connection, "SELECT revision FROM schema_revision")
        meta = dict(fetch(self._connection, "SELECT name, value FROM meta"))
        return ArchiveMeta(meta["partitions"], meta["hash"], meta["secret"], meta["epoch"], revision)

    async def events(self, page: int) -> AsyncIterator[Sequence[Stored]]:
        async for rows in self._pages(sql.ALL_EVENTS, page):
            yield [stored_row(row) for row in rows]

    async def rows(self, kind: Kind, page: int) -> AsyncIterator[Sequence[Row]]:
        for statement in self._selections(kind):
            async for rows in self._pages(statement, page):
                yield rows

    def _selections(self, kind: Kind) -> list[str]:
        if kind.name != "claim":
            columns = ", ".join(WORD.format(name=name) if name in kind.words else f"t.{name}" for name in kind.columns)
            return [f"SELECT {columns} FROM {kind.name} AS t"]  # noqa: S608 - names of our own tables and columns
        return [CLAIMS.format(bucket=int(name[6:])) for (name,) in fetch(self._connection, sql.CLAIM_TABLES)]

    async def _pages(self, statement: str, page: int) -> AsyncIterator[list[Row]]:
        with translated():
            cursor = self._connection.execute(statement)
            while rows := list(islice(cursor, page)):
                yield rows

    async def leaving(self) -> str:
        found: str = self._found.get(LEAVING, "")
        return found

    async def leave(self, place: str, *, whole: bool) -> None:
        with translated(), self._connection:
            self._connection.execute("DELETE FROM meta WHERE name = ?", (LEAVING,))
            if place:
                row = (MOVED if whole else LEAVING, place)
                self._connection.execute("INSERT INTO meta(name, value) VALUES (?, ?)", row)

    async def close(self) -> None:
        self._connection.close()
        self._lock.release()


class SqliteRestoration(SqliteArchive):
    """A file beside the one that it will be. What was left by a move that broke off is begun anew."""

    def __init__(self, path: Path, partitions: int) -> None:
        """SettingInvalid when there is a store already."""
        if path.exists():
            raise SettingInvalid(
                f"There is a store at {path} already.",
                next_step="Move that file away, with its -wal and -shm, or set stores.path to a new name.",
            )
        stale = [one for one in files(path) if one.exists()]
        if stale:  # SQLite would take what it holds for a part of the new file
            raise SettingInvalid(
                f"There is no store at {path}, but {' and '.join(one.name for one in stale)} of one that was there.",
                next_step="Put it beside the file that it belongs to: it may hold that store's last commits.",
            )
        with placing(str(path)):
            path.parent.mkdir(parents=True, exist_ok=True)
            for left in files(Path(f"{path}{PART}")):
                left.unlink(missing_ok=True)
        super().__init__(path, new=True, partitions=partitions)
        self._names = Names(self._connection)
        self._position = 0

    async def begin(self, meta: ArchiveMeta) -> None:
        self._epoch = meta.epoch
        with translated(), self._connection:
            self._connection.executemany(
                "UPDATE meta SET value = ? WHERE name = ?", [(meta.secret, "secret"), (meta.epoch, "epoch")]
            )
            self._connection.execute("UPDATE schema_revision SET revision = ?", (meta.schema_revision,))

    async def add_events(self, events: Sequence[Stored]) -> Sequence[int]:
        first, self._position = self._position + 1, self._position + len(events)
        rows = [(first + nth, *event, crc32(event.body)) for nth, (_, event) in enumerate(events)]
        self._write(sql.APPEND, rows)
        return range(first, self._position + 1)

    async def add(self, kind: Kind, rows: Sequence[Row]) -> None:
        if kind.name == "claim":
            self._claim(rows)
            return
        columns, rows = kind.columns, [kind.numbered(row, self._names.id) for row in rows]
        self._write(sql.NAME_NEW, self._names.fresh)
        self._names.stored()
        if kind.name == "cursor":
            columns, rows = (*columns, "epoch"), [(*row, self._epoch) for row in rows]
        self._write(f"INSERT INTO {kind.name}({', '.join(columns)}) VALUES ({sql.marks(len(columns))})", rows)  # noqa: S608

    def _claim(self, rows: Sequence[Row]) -> None:
        for bucket in sorted({row[0] for row in rows}):
            with translated():
                self._connection.execute(sql.CLAIM_TABLE.format(bucket=bucket))
            mine = [(row[2], row[1], row[4]) for row in rows if row[0] == bucket]
            self._write(sql.CLAIM_INSERT.format(bucket=bucket), mine)

    def _write(self, statement: str, rows: Iterable[Row]) -> None:
        with translated(), self._connection:
            self._connection.executemany(statement, rows)

    async def finish(self) -> None:
        with translated(), self._connection:
            for statement in COUNT_AGAIN:
                self._connection.execute(statement)
            for first in range(1, self._position + 1 - SEAL_EVENTS, SEAL_EVENTS):
                segment = Segment(first)
                segment.add(islice(self._connection.execute(sql.TAIL, (first - 1,)), SEAL_EVENTS))
                self._connection.execute(sql.SEAL, segment.row())

    async def commit(self) -> None:
        """The name is given last: whoever crashes before leaves no store, only its part."""
        with translated():
            self._connection.pragma("wal_checkpoint", "TRUNCATE")
            self._connection.close()
        os.replace(f"{self.path}{PART}", self.path)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def files(path: Path) -> list[Path]:
    """A database with what SQLite keeps beside it."""
    return [path, Path(f"{path}-wal"), Path(f"{path}-shm")]
