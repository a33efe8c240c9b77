"""The rivals' dedupe by hand: message id and row in one PostgreSQL transaction, so that a redelivery changes nothing.

One statement that commits by itself: the fewest round trips that the guarantee allows.
"""
# mypy: ignore-errors

from __future__ import annotations

import time
from collections.abc import Sequence

import asyncpg
import orjson

from bench.rivals.postgres_rows import CREATE, VALUES
from bench.rivals.progress import Progress

SEEN = "CREATE TABLE IF NOT EXISTS seen(id text PRIMARY KEY)"
ONE = (
    "WITH fresh AS (INSERT INTO seen VALUES ($1) ON CONFLICT DO NOTHING RETURNING id) "
    f"INSERT INTO handled{VALUES.removesuffix(' VALUES')} SELECT $2, $3, $4 FROM fresh"
)
MANY = (
    "WITH fresh AS (INSERT INTO seen SELECT unnest($1::text[]) ON CONFLICT DO NOTHING RETURNING id) "
    f"INSERT INTO handled{VALUES.removesuffix(' VALUES')} SELECT m.order_id, m.total, m.at_us "
    "FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) AS m(id, order_id, total, at_us) "
    "JOIN fresh USING (id)"
)
POOL = 20


def identified(body: bytes) -> tuple[str, str, str, int]:
    event = orjson.loads(body)
    return event["id"], event["data"]["order_id"], event["data"]["total"], time.time_ns() // 1000


class DedupedRows:
    """A commit for each call: one event, or one list of events."""

    def __init__(self, pool: asyncpg.Pool, progress: Progress) -> None:
        self._pool = pool
        self._progress = progress

    @classmethod
    async def open(cls, url: str, progress: str) -> DedupedRows:
        pool = await asyncpg.create_pool(url, min_size=POOL, max_size=POOL)
        await pool.execute(CREATE)
        await pool.execute(SEEN)
        return cls(pool, Progress(progress))

    async def handle(self, bodies: Sequence[bytes]) -> None:
        self._progress.begun()
        if len(bodies) == 1:
            await self._pool.execute(ONE, *identified(bodies[0]))
        else:
            rows = [identified(body) for body in bodies]
            await self._pool.execute(MANY, *map(list, zip(*rows, strict=True)))
        self._progress.done(len(bodies))
