"""What a state that was moved elsewhere still tells of the log that belonged to it."""

from __future__ import annotations

from typing import NamedTuple

import psycopg

from interlock.adapters.postgres import sql
from interlock.adapters.postgres.connection import Target, connect, fetch, translated
from interlock.adapters.postgres.reader import no_store
from interlock.adapters.postgres.schema import HERE, read_meta


class Leftover(NamedTuple):
    """`moved_to` is None when it was not moved; `log` the kind of its log; `end` the last position that it knows."""

    moved_to: str | None
    log: str
    identity: str
    end: int


async def leftover(dsn: str, schema: str) -> Leftover:
    """Changes nothing. NotFound when there is no store in the schema."""
    target = Target(dsn, schema)
    connection = await connect(target)
    try:
        with translated(target):
            meta = await read_meta(connection)
            ends = [row[0] for row in await fetch(connection, sql.HEADS)]
    except BaseException as error:
        if isinstance(error.__cause__, psycopg.errors.UndefinedTable | psycopg.errors.InvalidSchemaName):
            raise no_store(target) from error
        raise
    finally:
        await connection.close()
    return Leftover(meta.get("moved"), meta.get("log", HERE), meta.get("identity", ""), max(ends, default=0))
