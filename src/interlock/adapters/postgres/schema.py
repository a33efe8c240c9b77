"""The schema: created and migrated under a lock, by whichever process comes first."""

from __future__ import annotations

import asyncio
import random
import secrets
from typing import NamedTuple

import psycopg

from interlock.adapters.postgres import members_sql, sql
from interlock.adapters.postgres.acquisition import end_late
from interlock.adapters.postgres.connection import Connection, Target, check_server, connect, fetch, scalar, translate
from interlock.model.archive import refuse_moved
from interlock.model.migration import TOLD_SINCE, Migration, Standing
from interlock.model.pauses import spread
from interlock.model.problems import AlreadyRunning, FormatUnsupported, SettingInvalid, StorageUnavailable

HASH_NAME = "blake2b-64-keyed,mod"
LOCK_SECONDS = 2  # as long as this, writers may wait behind a migration that waits for a reader
TRIES = 10
PAUSE_SECONDS = 1.0
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('interlock'), hashtext($1::text))"
META_PUT = (
    "INSERT INTO meta(name, value) VALUES ($1::text, $2::text) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)
_NOBODY_ALONE = "SELECT pg_try_advisory_xact_lock_shared(hashtext('interlock owner'), hashtext(current_schema()::text))"
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

    `log` names where events are, as in the setting; that is fixed with the schema. Engines may be at work: their
    writing waits for a migration, and a migration that does not get its locks soon lets them through and comes again.
    """
    connection = await connect(target)
    try:
        await check_server(connection, target)
        for _ in range(TRIES):
            try:
                return await _prepared(connection, target, partitions, log)
            except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
                await connection.execute(sql.ROLLBACK.encode())
                await asyncio.sleep(spread(PAUSE_SECONDS, random.random))
        raise StorageUnavailable(
            f"The schema {target.schema} in the {target.place} cannot be migrated: its tables are held by others.",
            next_step="End long transactions (interlock doctor names the oldest), then start again.",
        )
    except psycopg.errors.InsufficientPrivilege as error:
        raise SettingInvalid(
            f"The user may not create the schema {target.schema} in the {target.place}: {error.diag.message_primary}.",
            next_step=f"GRANT CREATE ON DATABASE … TO the user, or: CREATE SCHEMA {target.schema} AUTHORIZATION …",
        ) from error
    except psycopg.Error as error:
        raise translate(error, target) from error
    finally:
        await connection.close()


async def _prepared(connection: Connection, target: Target, partitions: int, log: str) -> Meta:
    await connection.execute(sql.BEGIN.encode())
    await connection.execute(_LOCK.encode(), (target.schema,))
    if not await scalar(connection, _EXISTS, (f"{target.schema}.meta",)):
        await create(connection, target, partitions, log)
    meta = await migrated(connection, log)
    await connection.execute(sql.WRITERS_FORGET.encode())
    await connection.execute(sql.COMMIT.encode())
    return meta


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


async def migrated(connection: Connection, log: str = HERE, *, leaving: bool = False) -> Meta:
    """Run the forward migrations from the format found to ours. For `leaving` see `refuse_moved`."""
    meta = await read_meta(connection)
    refuse_moved(meta, leaving=leaving)
    standing = Standing.of(meta)
    standing.admit(sql.FORMAT)
    if meta["hash"] != HASH_NAME:
        raise FormatUnsupported(f"The log was written with hash {meta['hash']}, this release knows {HASH_NAME}.")
    made_with = meta.get("log", HERE)
    if made_with != log:
        raise SettingInvalid(
            f'The schema was made with stores.log = "{made_with}", the settings say "{log}".',
            next_step=f'Set stores.log = "{made_with}". To carry the data to another log: interlock migrate',
        )
    if standing.format < sql.FORMAT:
        await connection.execute(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'".encode())
        for step in range(standing.format, sql.FORMAT):
            standing = await _step(connection, standing, sql.MIGRATIONS[step])
    return Meta(int(meta["partitions"]), bytes.fromhex(meta["secret"]), meta.get("identity", ""))


async def _step(connection: Connection, before: Standing, migration: Migration) -> Standing:
    after = before.after(migration)
    if after.oldest > before.oldest:
        await _refuse_older(connection, before, after)
    await connection.execute(migration.script.encode(), prepare=False)
    for row in (("format", str(after.format)), ("oldest", str(after.oldest))):
        await connection.execute(META_PUT.encode(), row)
    return after


async def _refuse_older(connection: Connection, before: Standing, after: Standing) -> None:
    """AlreadyRunning while somebody works on the schema who could not on the outcome; nobody such comes meanwhile."""
    await connection.execute(sql.EPOCH_LOCKED.encode())  # who becomes a member now looks at the outcome
    older: list[str] = []
    if not await scalar(connection, _NOBODY_ALONE):
        older.append("an engine that owns the store alone")
    if before.format >= TOLD_SINCE:
        await end_late(connection)
        found = await fetch(connection, members_sql.MEMBERS_BEFORE, (after.oldest,))
        older += [f"{name} (release {release})" for name, release in found]
    if older:
        raise AlreadyRunning(
            f"Format {after.format} of the store is for releases of format {after.oldest} and newer, and there still "
            f"work: {', '.join(older)}.",
            next_step="Give them the new release or stop them, then start this again. Nothing was changed.",
        )
