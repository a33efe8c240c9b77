"""SchemaStore in the store's own file: through the engine's committer, or by a connection of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

import apsw

from interlock.adapters.sqlite import schema_sql
from interlock.adapters.sqlite.file import connect, connect_reader, fetch, refuse_format, translated
from interlock.adapters.sqlite.schema_writes import add, delete, erase, put_setting
from interlock.adapters.sqlite.store import SqliteStore
from interlock.model.migration import Standing
from interlock.model.problems import Closed, FormatUnsupported, NotFound, StorageUnavailable
from interlock.ports.schema_rows import content_row, version_row
from interlock.ports.schema_store import SchemaContent, SchemaVersion, SettingKind

T = TypeVar("T")
STANDING_OF = "SELECT name, value FROM meta WHERE name IN ('format', 'oldest')"
PATIENCE_SECONDS = 10.0
PAUSE_SECONDS = 0.005


class Place(Protocol):
    """Where the statements run: a read sees what was committed, a write is one transaction."""

    async def read(self, statement: str, bindings: tuple[Any, ...]) -> list[tuple[Any, ...]]: ...

    async def write(self, call: Callable[[apsw.Connection], T]) -> T: ...

    async def close(self) -> None: ...


class BesideEngine:
    """The engine's own connections: a write rides with the next group commit, and its SQL costs microseconds."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store

    async def read(self, statement: str, bindings: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        return self._store.ask(statement, bindings)

    async def write(self, call: Callable[[apsw.Connection], T]) -> T:
        return await self._store.run_within(call)

    async def close(self) -> None:
        """The store is closed by who opened it."""


class OwnConnection:
    """For other processes: BEGIN IMMEDIATE keeps writers apart, and no wait for them holds the event loop."""

    def __init__(self, path: str | Path) -> None:
        if not Path(path).is_file():
            raise NotFound(f"There is no store {path}.", next_step="Start the estate once: `interlock up`.")
        with translated():
            self._connection = connect(str(path), None, "FULL")
            self._connection.set_busy_timeout(0)
            standing = Standing.of({"format": 0, **dict(fetch(self._connection, STANDING_OF))})
        try:
            refuse_format(path, standing)
        except FormatUnsupported:
            self._connection.close()
            raise

    async def read(self, statement: str, bindings: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        with translated():
            return fetch(self._connection, statement, bindings)

    async def write(self, call: Callable[[apsw.Connection], T]) -> T:
        await self._begin()
        try:
            with translated():
                result = call(self._connection)
                self._connection.execute("COMMIT")
        except BaseException:
            if not self._connection.get_autocommit():
                self._connection.execute("ROLLBACK")
            raise
        return result

    async def _begin(self) -> None:
        deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while True:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                return
            except apsw.BusyError as error:
                if asyncio.get_running_loop().time() > deadline:
                    raise StorageUnavailable("The store is locked by another writer.") from error
            await asyncio.sleep(PAUSE_SECONDS)

    async def close(self) -> None:
        self._connection.close()


class ReadOnly:
    """For commands that only look."""

    def __init__(self, path: str | Path) -> None:
        with translated():
            self._connection = connect_reader(str(path))

    async def read(self, statement: str, bindings: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        with translated():
            return fetch(self._connection, statement, bindings)

    async def write(self, call: Callable[[apsw.Connection], T]) -> T:
        raise Closed("The registry was opened to be read only.")

    async def close(self) -> None:
        self._connection.close()


class SqliteSchemas:
    """See `SchemaStore`. Durable: a write returns after its fsync."""

    def __init__(self, place: Place) -> None:
        self._place = place

    @classmethod
    def beside(cls, store: SqliteStore) -> SqliteSchemas:
        return cls(BesideEngine(store))

    @classmethod
    def open(cls, path: str | Path) -> SqliteSchemas:
        """NotFound without a store, FormatUnsupported for one that no engine of this release has opened yet."""
        return cls(OwnConnection(path))

    @classmethod
    def reading(cls, path: str | Path) -> SqliteSchemas:
        """Writes raise Closed. The store is there and of this format: a SqliteReader has said so."""
        return cls(ReadOnly(path))

    async def revision(self) -> int:
        return int((await self._place.read(schema_sql.REVISION, ()))[0][0])

    async def versions(self, subject: str) -> list[SchemaVersion]:
        return await self._versions(schema_sql.VERSIONS, (subject,))

    async def all_versions(self, prefix: str) -> list[SchemaVersion]:
        return await self._versions(schema_sql.ALL_VERSIONS, (prefix,))

    async def subjects(self, prefix: str) -> dict[str, bool]:
        return {name: bool(live) for name, live in await self._place.read(schema_sql.SUBJECTS, (prefix,))}

    async def content(self, context: str, schema_id: int) -> SchemaContent | None:
        found = await self._place.read(schema_sql.CONTENT, (context, schema_id))
        return content_row(found[0]) if found else None

    async def uses(self, context: str, schema_id: int) -> list[SchemaVersion]:
        return await self._versions(schema_sql.USES, (context, schema_id))

    async def referrers(self, subject: str, version: int) -> list[SchemaVersion]:
        return await self._versions(schema_sql.REFERRERS, (subject, version))

    async def highest_id(self, context: str) -> int:
        return int((await self._place.read(schema_sql.HIGHEST_ID, (context,)))[0][0] or 0)

    async def add(
        self,
        context: str,
        subject: str,
        content: SchemaContent,
        seen: int,
        *,
        schema_id: int | None = None,
        version: int | None = None,
    ) -> SchemaVersion:
        return await self._place.write(
            partial(
                add,
                context=context,
                subject=subject,
                content=content,
                seen=seen,
                schema_id=schema_id,
                version=version,
            )
        )

    async def delete(self, subject: str, versions: Sequence[int], seen: int) -> None:
        await self._place.write(partial(delete, subject=subject, versions=versions, seen=seen))

    async def erase(self, subject: str, versions: Sequence[int], seen: int) -> None:
        await self._place.write(partial(erase, subject=subject, versions=versions, seen=seen))

    async def setting(self, kind: SettingKind, scope: str) -> str | None:
        found = await self._place.read(schema_sql.SETTING, (kind, scope))
        return str(found[0][0]) if found else None

    async def settings(self, kind: SettingKind) -> dict[str, str]:
        return dict(await self._place.read(schema_sql.SETTINGS, (kind,)))

    async def set(self, kind: SettingKind, scope: str, value: str | None, seen: int) -> None:
        await self._place.write(partial(put_setting, kind=kind, scope=scope, value=value, seen=seen))

    async def close(self) -> None:
        await self._place.close()

    async def _versions(self, statement: str, bindings: tuple[Any, ...]) -> list[SchemaVersion]:
        return [version_row(row) for row in await self._place.read(statement, bindings)]
