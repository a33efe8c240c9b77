"""PgQueuer: `python -m bench.rivals.pgqueuer_side install|load|work URL …`.

As its documentation says for throughput: asyncpg with a pool, jobs queued and fetched in batches, no concurrency limit.
Its tables are logged (durability `durable`, the default). Handler and job are two transactions: it offers no way to
end a job in the handler's own, so the row is written so that a second run changes nothing.
"""
# mypy: ignore-errors

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time

import asyncpg
import uvloop
from pgqueuer import PgQueuer
from pgqueuer.adapters.drivers.asyncpg import AsyncpgPoolDriver
from pgqueuer.queries import Queries

from bench import order
from bench.rivals.postgres_rows import AGAIN, CREATE, INSERT_NUMBERED, row
from bench.rivals.progress import Progress

BATCH = 100
POOL = 20


async def install(url: str) -> None:
    async with asyncpg.create_pool(url, min_size=1, max_size=1) as pool:
        await Queries(AsyncpgPoolDriver(pool)).install()
        await pool.execute(CREATE)


async def load(url: str, count: int) -> None:
    run = order.new_run()
    async with asyncpg.create_pool(url, min_size=4, max_size=4) as pool:
        queries = Queries(AsyncpgPoolDriver(pool))
        parts = iter(range(0, count, BATCH))
        begin = time.time_ns()

        async def lane() -> None:
            for first in parts:
                numbers = range(first, min(first + BATCH, count))
                bodies = [order.event(order.event_id(run, number)) for number in numbers]
                await queries.enqueue(["handle"] * len(bodies), bodies, [0] * len(bodies))

        await asyncio.gather(*(lane() for _ in range(4)))
    print(json.dumps({"acknowledged": count, "begin_ns": begin, "end_ns": time.time_ns()}))


async def work(url: str, progress_path: str) -> None:
    progress = Progress(progress_path)
    async with asyncpg.create_pool(url, min_size=POOL, max_size=POOL) as pool:
        queue = PgQueuer(AsyncpgPoolDriver(pool))
        statement = INSERT_NUMBERED + AGAIN

        @queue.entrypoint("handle")
        async def handle(job) -> None:
            progress.begun()
            await pool.execute(statement, *row(job.payload))
            progress.done()

        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, queue.shutdown.set)
        print("ready", flush=True)
        await queue.run(batch_size=BATCH)


if __name__ == "__main__":
    verb, url, *rest = sys.argv[1:]
    calls = {"install": install, "load": lambda url: load(url, int(rest[0])), "work": lambda url: work(url, rest[0])}
    uvloop.run(calls[verb](url))
