"""Dedupe of (source, id) at the log's door, in time buckets.

Three tables take turns. The buckets of now and before are searched; the third is emptied before its turn comes. Writers
agree on the newest bucket through one row: a clock that is behind uses the newest all the same.
"""

from __future__ import annotations

from interlock.adapters.postgres import sql
from interlock.adapters.postgres.connection import Connection, fetch, scalar

Identity = tuple[str, str]
Place = tuple[int, int]


class Claims:
    """What this writer knows of the buckets: `newest` may have moved on meanwhile, so each look asks for it."""

    def __init__(self, bucket_seconds: int) -> None:
        self._bucket_us = bucket_seconds * 1_000_000
        self.newest = -1

    def bucket(self, moment_us: int) -> int:
        """In which bucket the moment lies."""
        return moment_us // self._bucket_us

    def end_us(self, moment_us: int) -> int:
        """When the bucket ends that takes the claims of this moment."""
        return (max(self.bucket(moment_us), self.newest) + 1) * self._bucket_us

    @property
    def tables(self) -> tuple[int, int]:
        """The tables to be searched: now's, where claims go, and the one before."""
        return self.newest % sql.BUCKETS, (self.newest - 1) % sql.BUCKETS

    async def turn_to(self, connection: Connection, bucket: int) -> None:
        """Make `bucket` the newest, unless somebody has gone further. Its table is emptied, by one writer."""
        await connection.execute(sql.BEGIN.encode())
        try:
            before = int(await scalar(connection, sql.CLAIM_NEWEST_LOCKED))
            if before < bucket:
                await connection.execute(sql.CLAIM_ROTATE.encode(), (bucket,))
                for stale in range(max(before + 1, bucket - 1), bucket + 1):
                    await connection.execute(sql.CLAIM_EMPTY[stale % sql.BUCKETS].encode())
            await connection.execute(sql.COMMIT.encode())
        except BaseException:
            if not connection.closed:
                await connection.execute(sql.ROLLBACK.encode())
            raise
        self.newest = max(before, bucket)

    async def reload(self, connection: Connection) -> None:
        self.newest = int((await fetch(connection, sql.CLAIM_NEWEST))[0][0])
