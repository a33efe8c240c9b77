"""The writes of the registry, each within a transaction that the caller opened. They check first, then write."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import apsw

from interlock.adapters.sqlite import schema_sql
from interlock.adapters.sqlite.file import fetch, scalar
from interlock.adapters.sqlite.schema_rows import references_text, version_row
from interlock.model.problems import BusinessConflict, StaleRead
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
    for one in map(version_row, fetch(connection, schema_sql.VERSIONS, (subject,))):
        if one.content == content and not one.deleted and version in (None, one.version):
            return one
    number = id_for(connection, context, content, schema_id)
    newest = scalar(connection, schema_sql.NEWEST, (subject,)) or 0
    place = version or newest + 1
    if scalar(connection, schema_sql.VERSION_TAKEN, (subject, place)):
        raise BusinessConflict(f"{subject} has a version {place} already.")
    write(connection, context, number, content)
    connection.execute(schema_sql.SUBJECT_NEWEST, (subject, context, place))
    connection.execute(schema_sql.VERSION_NEW, (subject, place, context, number))
    connection.execute(schema_sql.REVISE)
    return SchemaVersion(subject, place, number, content)


def write(connection: apsw.Connection, context: str, number: int, content: SchemaContent) -> None:
    row = (context, number, digest(content), content.type, content.text, references_text(content), content.metadata)
    connection.execute(schema_sql.CONTENT_NEW, row)
    pairs = [(one.subject, one.version, context, number) for one in content.references]
    connection.executemany(schema_sql.REFERENCE_NEW, pairs)


def id_for(connection: apsw.Connection, context: str, content: SchemaContent, wanted: int | None) -> int:
    """The id that the content has, or the wanted one, or the next."""
    known: int | None = scalar(connection, schema_sql.ID_OF, (context, digest(content)))
    if wanted is None:
        return known if known is not None else (scalar(connection, schema_sql.HIGHEST_ID, (context,)) or 0) + 1
    taken = known is None and scalar(connection, schema_sql.ID_TAKEN, (context, wanted))
    if taken or known not in (None, wanted):
        raise BusinessConflict(f"The id {wanted} and this content are not free for each other.")
    return wanted


def delete(connection: apsw.Connection, subject: str, versions: Sequence[int], seen: int) -> None:
    checked(connection, seen)
    connection.executemany(schema_sql.DELETE, [(subject, version) for version in versions])
    connection.execute(schema_sql.REVISE)


def erase(connection: apsw.Connection, subject: str, versions: Sequence[int], seen: int) -> None:
    checked(connection, seen)
    connection.executemany(schema_sql.ERASE, [(subject, version) for version in versions])
    for statement in (schema_sql.FORGET_REFERENCES, schema_sql.FORGET, schema_sql.REVISE):
        connection.execute(statement)


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


def digest(content: SchemaContent) -> bytes:
    """Decides whether two contents are one; stands in the file, so it never changes."""
    parts = [content.type, content.text, references_text(content), content.metadata]
    return hashlib.sha256(json.dumps(parts).encode()).digest()
