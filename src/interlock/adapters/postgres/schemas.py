"""SchemaStore in the schema of the log and the state. Any process may write it; writers take turns."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import psycopg

from interlock.adapters.postgres import schemas_sql, sql
from interlock.adapters.postgres.connection import Connection, Target, connect, fetch, translate, translated
from interlock.adapters.postgres.questions import Questions
from interlock.adapters.postgres.reader import no_store
from interlock.adapters.postgres.schema_writes import add, checked, delete, erase, put_setting
from interlock.model.migration import Standing
from interlock.model.problems import FormatUnsupported
from interlock.ports.schema_rows import content_row, version_row
from interlock.ports.schema_store import SchemaContent, SchemaVersion, SettingKind

T = TypeVar("T")
META = "SELECT name, value FROM meta"


class PostgresSchemas:
    """See `SchemaStore`. Durable: a write returns after its commit.

    When the connection is lost during a commit, the writer gets StorageUnavailable, and the write may stand: it reads
    the revision again, and registers the same content to the same id.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._questions = Questions(target)
        self._writing = asyncio.Lock()
        self._connection: Connection | None = None

    @classmethod
    async def open(cls, dsn: str, *, schema: str = "interlock") -> PostgresSchemas:
        """NotFound without a store, FormatUnsupported for one that no engine of this release has opened yet."""
        target = Target(dsn, schema)
        connection = await connect(target)
        try:
            standing = Standing.of(dict(await fetch(connection, META)))
        except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName) as error:
            raise no_store(target) from error
        except psycopg.Error as error:
            raise translate(error, target) from error
        finally:
            await connection.close()
        standing.admit(sql.FORMAT)
        if standing.format < sql.FORMAT:
            raise FormatUnsupported(
                f"The store has format {standing.format}, the registry needs {sql.FORMAT}.",
                next_step="Start the estate once with this release: it migrates the store.",
            )
        return cls(target)

    async def revision(self) -> int:
        return int((await self._questions.all(schemas_sql.REVISION))[0][0])

    async def versions(self, subject: str) -> list[SchemaVersion]:
        return await self._versions(schemas_sql.VERSIONS, subject)

    async def all_versions(self, prefix: str) -> list[SchemaVersion]:
        return await self._versions(schemas_sql.ALL_VERSIONS, prefix)

    async def subjects(self, prefix: str) -> dict[str, bool]:
        return dict(await self._questions.all(schemas_sql.SUBJECTS, (prefix,)))

    async def content(self, context: str, schema_id: int) -> SchemaContent | None:
        found = await self._questions.one(schemas_sql.CONTENT, (context, schema_id))
        return content_row(found) if found else None

    async def uses(self, context: str, schema_id: int) -> list[SchemaVersion]:
        return await self._versions(schemas_sql.USES, context, schema_id)

    async def referrers(self, subject: str, version: int) -> list[SchemaVersion]:
        return await self._versions(schemas_sql.REFERRERS, subject, version)

    async def highest_id(self, context: str) -> int:
        return int((await self._questions.all(schemas_sql.HIGHEST_ID, (context,)))[0][0] or 0)

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
        return await self._write(seen, lambda writer: add(writer, context, subject, content, schema_id, version))

    async def delete(self, subject: str, versions: Sequence[int], seen: int) -> None:
        await self._write(seen, lambda writer: delete(writer, subject, versions))

    async def erase(self, subject: str, versions: Sequence[int], seen: int) -> None:
        await self._write(seen, lambda writer: erase(writer, subject, versions))

    async def setting(self, kind: SettingKind, scope: str) -> str | None:
        found = await self._questions.one(schemas_sql.SETTING, (kind, scope))
        return str(found[0]) if found else None

    async def settings(self, kind: SettingKind) -> dict[str, str]:
        return dict(await self._questions.all(schemas_sql.SETTINGS, (kind,)))

    async def set(self, kind: SettingKind, scope: str, value: str | None, seen: int) -> None:
        await self._write(seen, lambda writer: put_setting(writer, kind, scope, value))

    async def close(self) -> None:
        await self._questions.close()
        if self._connection is not None:
            await self._connection.close()

    async def _versions(self, statement: str, *bindings: Any) -> list[SchemaVersion]:
        return [version_row(row) for row in await self._questions.all(statement, bindings)]

    async def _write(self, seen: int, call: Callable[[Connection], Awaitable[T]]) -> T:
        """One transaction; its first lock is the revision, so `seen` is compared with what is current until the end."""
        async with self._writing:
            if self._connection is None or self._connection.closed:
                self._connection = await connect(self._target)
            with translated(self._target):
                async with self._connection.transaction():
                    await checked(self._connection, seen)
                    return await call(self._connection)
