"""The writes of the registry, each within a transaction that the caller opened. They check first, then write."""

from __future__ import annotations

from collections.abc import Sequence

import apsw

from interlock.adapters.sqlite import schema_sql
from interlock.adapters.sqlite.file import fetch, scalar
from interlock.model.problems import BusinessConflict, StaleRead
from interlock.ports.schema_rows import content_row, references_text, version_row
from interlock.ports.schema_store import SchemaContent, SchemaVersion


def add(
    connection: apsw.Connection,
    context: str,
    subject: str,
    content: SchemaContent,
    seen: int,
    schema_id: int | None,
    version: int | None,
) -> SchemaVersion:
    """See `SchemaStore.add`."""
    checked(connection, seen)
    every = [version_row(row) for row in fetch(connection, schema_sql.VERSIONS, (subject,))]
    for one in reversed(every):
        same = one.content.fingerprint == content.fingerprint and not one.deleted
        if same and version in (None, one.version) and schema_id in (None, one.id):
            return one
    number = id_for(connection, context, content, schema_id)
    place = version or max((one.version for one in every), default=0) + 1
    taken = next((one for one in every if one.version == place), None)
    if taken is not None and not (taken.deleted and schema_id):
        raise BusinessConflict(f"{subject} has a version {place} already.")
    write(connection, context, number, content)
    connection.execute(schema_sql.VERSION_NEW, (subject, place, context, number))
    if taken is not None:
        forget(connection)
    connection.execute(schema_sql.REVISE)
    kept = content_row(fetch(connection, schema_sql.CONTENT, (context, number))[0])
    return SchemaVersion(subject, place, number, kept)


def write(connection: apsw.Connection, context: str, number: int, content: SchemaContent) -> None:
    references = references_text(content)
    row = (context, number, content.fingerprint, content.type, content.text, references, content.metadata)
    connection.execute(schema_sql.CONTENT_NEW, row)
    pairs = [(one.subject, one.version, context, number) for one in content.references]
    connection.executemany(schema_sql.REFERENCE_NEW, pairs)


def id_for(connection: apsw.Connection, context: str, content: SchemaContent, wanted: int | None) -> int:
    """The id that the content has, or the wanted one, or the next."""
    if wanted is None:
        known: int | None = scalar(connection, schema_sql.ID_OF, (context, content.fingerprint))
        return known if known is not None else (scalar(connection, schema_sql.HIGHEST_ID, (context,)) or 0) + 1
    stands = scalar(connection, schema_sql.FINGERPRINT, (context, wanted))
    if stands not in (None, content.fingerprint):
        raise BusinessConflict(f"The id {wanted} stands for another schema.")
    return wanted


def delete(connection: apsw.Connection, subject: str, versions: Sequence[int], seen: int) -> None:
    checked(connection, seen)
    connection.executemany(schema_sql.DELETE, [(subject, version) for version in versions])
    connection.execute(schema_sql.REVISE)


def erase(connection: apsw.Connection, subject: str, versions: Sequence[int], seen: int) -> None:
    checked(connection, seen)
    connection.executemany(schema_sql.ERASE, [(subject, version) for version in versions])
    forget(connection)
    connection.execute(schema_sql.REVISE)


def forget(connection: apsw.Connection) -> None:
    """The texts that no version uses any more."""
    connection.execute(schema_sql.FORGET_REFERENCES)
    connection.execute(schema_sql.FORGET)


def put_setting(connection: apsw.Connection, kind: str, scope: str, value: str | None, seen: int) -> None:
    checked(connection, seen)
    if value is None:
        connection.execute(schema_sql.SETTING_DROP, (kind, scope))
    else:
        connection.execute(schema_sql.SETTING_PUT, (kind, scope, value))
    connection.execute(schema_sql.REVISE)


def checked(connection: apsw.Connection, seen: int) -> None:
    if scalar(connection, schema_sql.REVISION) != seen:
        raise StaleRead("The registry has changed since it was read.")
