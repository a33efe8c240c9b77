"""The schema: created and migrated under a lock, by whichever process comes first."""

from __future__ import annotations

import secrets
from typing import NamedTuple

import psycopg

from interlock.adapters.postgres import sql
from interlock.adapters.postgres.connection import Connection, Target, check_server, connect, fetch, scalar, translate
from interlock.model.archive import moved
from interlock.model.problems import FormatUnsupported, SettingInvalid

HASH_NAME = "blake2b-64-keyed,mod"
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('interlock'), hashtext($1::text))"
_EXISTS = "SELECT to_regclass($1::text) IS NOT NULL"
_MADE = "SELECT to_regnamespace($1::text) IS NOT NULL"
_TAKEN = "SELECT count(*) FROM pg_class WHERE relnamespace = to_regnamespace($1::text)"


class Meta(NamedTuple):
    """`identity`: what the log of this state is known by, where it lies elsewhere; empty until it was opened."""

    partitions: int
    secret: bytes
    identity: str


HERE = "state"


async def prepare(target: Target, partitions: int, log: str = HERE) -> Meta:
    """Create or migrate, in one transaction. Refuses a server on which the promises would not hold.

    `log` names where events are, as in the setting; that is fixed with the schema.
    """
    connection = await connect(target)
    try:
        await check_server(connection, target)
        await connection.execute(sql.BEGIN.encode())
        await connection.execute(_LOCK.encode(), (target.schema,))
        if not await scalar(connection, _EXISTS, (f"{target.schema}.meta",)):
            await create(connection, target, partitions, log)
        meta = await migrated(connection, log)
        await connection.execute(sql.WRITERS_FORGET.encode())
        await connection.execute(sql.COMMIT.encode())
        return meta
    except psycopg.errors.InsufficientPrivilege as error:
        raise SettingInvalid(
            f"The user may not create the schema {target.schema} in the {target.place}: {error.diag.message_primary}.",
            next_step=f"GRANT CREATE ON DATABASE … TO the user, or: CREATE SCHEMA {target.schema} AUTHORIZATION …",
        ) from error
    except psycopg.Error as error:
        raise translate(error, target) from error
    finally:
        await connection.close()


async def read_meta(connection: Connection) -> dict[str, str]:
    return dict(await fetch(connection, "SELECT name, value FROM meta"))


async def create(connection: Connection, target: Target, partitions: int, log: str = HERE) -> None:
    """A schema of format 1: the migrations make it ours."""
    if await scalar(connection, _TAKEN, (target.schema,)):
        raise SettingInvalid(
            f"The schema {target.schema} in the {target.place} holds tables that are not Interlock's.",
            next_step="Set stores.schema to a name that is free.",
        )
    if not await scalar(connection, _MADE, (target.schema,)):  # whoever may use it need not be allowed to make it
        await connection.execute(f"CREATE SCHEMA {target.schema}".encode())
    await connection.execute(sql.CREATE.encode(), prepare=False)
    rows = {"format": "1", "partitions": str(partitions), "hash": HASH_NAME, "secret": secrets.token_hex(32)}
    if log != HERE:
        rows["log"] = log
    for row in rows.items():
        await connection.execute(b"INSERT INTO meta(name, value) VALUES ($1::text, $2::text)", row)
    await connection.execute(
        b"INSERT INTO head(partition, position) SELECT g, 0 FROM generate_series(0, $1::bigint - 1) AS g",
        (partitions,),
    )


async def migrated(connection: Connection, log: str = HERE) -> Meta:
    """Run the forward migrations from the format found to ours."""
    meta = await read_meta(connection)
    if "moved" in meta:
        raise moved(meta["moved"])
    found = int(meta["format"])
    if found > sql.FORMAT:
        raise FormatUnsupported(f"The store has format {found}; this release reads up to {sql.FORMAT}.")
    if meta["hash"] != HASH_NAME:
        raise FormatUnsupported(f"The log was written with hash {meta['hash']}, this release knows {HASH_NAME}.")
    made_with = meta.get("log", HERE)
    if made_with != log:
        raise SettingInvalid(
            f'The schema was made with stores.log = "{made_with}", the settings say "{log}".',
            next_step=f'Set stores.log = "{made_with}", or give stores.schema a new name to begin anew.',
        )
    for step in range(found, sql.FORMAT):
        await connection.execute(sql.MIGRATIONS[step].encode(), prepare=False)
        await connection.execute(b"UPDATE meta SET value = $1::text WHERE name = 'format'", (str(step + 1),))
    return Meta(int(meta["partitions"]), bytes.fromhex(meta["secret"]), meta.get("identity", ""))
