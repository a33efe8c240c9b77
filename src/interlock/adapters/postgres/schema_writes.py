"""The writes of the registry, each within a transaction that the caller opened. They check first, then write."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from interlock.adapters.postgres import schemas_sql
from interlock.adapters.postgres.connection import Connection, fetch, scalar
from interlock.model.problems import BusinessConflict, StaleRead
from interlock.ports.schema_rows import content_row, references_text, version_row
from interlock.ports.schema_store import SchemaContent, SchemaVersion


async def checked(connection: Connection, seen: int) -> None:
    """Raises StaleRead unless nothing was written since; nothing is, until this transaction ends."""
    if await scalar(connection, schemas_sql.REVISION_LOCKED) != seen:
        raise StaleRead("The registry has changed since it was read.")


async def add(
    connection: Connection,
    context: str,
    subject: str,
    content: SchemaContent,
    schema_id: int | None,
    version: int | None,
) -> SchemaVersion:
    """See `SchemaStore.add`."""
    every = [version_row(row) for row in await fetch(connection, schemas_sql.VERSIONS, (subject,))]
    for one in reversed(every):
        same = one.content.fingerprint == content.fingerprint and not one.deleted
        if same and version in (None, one.version) and schema_id in (None, one.id):
            return one
    number = await id_for(connection, context, content, schema_id)
    place = version or max((one.version for one in every), default=0) + 1
    taken = next((one for one in every if one.version == place), None)
    if taken is not None and not (taken.deleted and schema_id):
        raise BusinessConflict(f"{subject} has a version {place} already.")
    await write(connection, context, number, content)
    await run(connection, schemas_sql.VERSION_NEW, subject, place, context, number)
    if taken is not None:
        await forget(connection)
    await run(connection, schemas_sql.REVISE)
    kept = content_row((await fetch(connection, schemas_sql.CONTENT, (context, number)))[0])
    return SchemaVersion(subject, place, number, kept)


async def write(connection: Connection, context: str, number: int, content: SchemaContent) -> None:
    references = references_text(content)
    row = (context, number, content.fingerprint, content.type, content.text, references, content.metadata)
    await run(connection, schemas_sql.CONTENT_NEW, *row)
    for one in content.references:
        await run(connection, schemas_sql.REFERENCE_NEW, one.subject, one.version, context, number)


async def id_for(connection: Connection, context: str, content: SchemaContent, wanted: int | None) -> int:
    """The id that the content has, or the wanted one, or the next."""
    if wanted is None:
        known: int | None = await scalar(connection, schemas_sql.ID_OF, (context, content.fingerprint))
        highest = await scalar(connection, schemas_sql.HIGHEST_ID, (context,)) or 0
        return known if known is not None else int(highest) + 1
    stands = await scalar(connection, schemas_sql.FINGERPRINT, (context, wanted))
    if stands not in (None, content.fingerprint):
        raise BusinessConflict(f"The id {wanted} stands for another schema.")
    return wanted


async def delete(connection: Connection, subject: str, versions: Sequence[int]) -> None:
    for version in versions:
        await run(connection, schemas_sql.DELETE, subject, version)
    await run(connection, schemas_sql.REVISE)


async def erase(connection: Connection, subject: str, versions: Sequence[int]) -> None:
    for version in versions:
        await run(connection, schemas_sql.ERASE, subject, version)
    await forget(connection)
    await run(connection, schemas_sql.REVISE)


async def forget(connection: Connection) -> None:
    """The texts that no version uses any more."""
    await run(connection, schemas_sql.FORGET_REFERENCES)
    await run(connection, schemas_sql.FORGET)


async def put_setting(connection: Connection, kind: str, scope: str, value: str | None) -> None:
    if value is None:
        await run(connection, schemas_sql.SETTING_DROP, kind, scope)
    else:
        await run(connection, schemas_sql.SETTING_PUT, kind, scope, value)
    await run(connection, schemas_sql.REVISE)


async def run(connection: Connection, statement: str, *bindings: Any) -> None:
    await connection.execute(statement.encode(), bindings)
