"""Procrastinate: `python -m bench.rivals.procrastinate_side install|load|work URL …`.

As its documentation says for throughput: asynchronous tasks with a high concurrency on a pool, jobs deferred in
batches, finished jobs deleted. Task and job are two transactions, so a row is written so that a second run changes
nothing.
"""
# mypy: ignore-errors

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time

import psycopg
import uvloop
from procrastinate import App, PsycopgConnector
from psycopg_pool import AsyncConnectionPool

from bench import order
from bench.rivals.postgres_rows import AGAIN, CREATE, INSERT, row
from bench.rivals.progress import Progress

BATCH = 100
CONCURRENCY = 50
POOL = 20


def application(url: str) -> App:
    logging.getLogger("procrastinate").setLevel(logging.ERROR)
    return App(connector=PsycopgConnector(conninfo=url, min_size=4, max_size=POOL))


async def install(url: str) -> None:
    app = application(url)
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(CREATE)


async def load(url: str, count: int) -> None:
    app = application(url)
    handle = app.configure_task(name="handle")
    run = order.new_run()
    async with app.open_async():
        begin = time.time_ns()
        for first in range(0, count, BATCH):
            numbers = range(first, min(first + BATCH, count))
            bodies = ({"body": order.event(order.event_id(run, number)).decode()} for number in numbers)
            await handle.batch_defer_async(*bodies)
    print(json.dumps({"acknowledged": count, "begin_ns": begin, "end_ns": time.time_ns()}))


async def work(url: str, progress_path: str) -> None:
    progress = Progress(progress_path)
    app = application(url)
    pool = AsyncConnectionPool(url, min_size=4, max_size=POOL, open=False, kwargs={"autocommit": True})
    statement = INSERT + AGAIN

    @app.task(name="handle")
    async def handle(body: str) -> None:
        progress.begun()
        async with pool.connection() as connection:
            await connection.execute(statement, row(body))
        progress.done()

    async with pool, app.open_async():
        print("ready", flush=True)
        await app.run_worker_async(concurrency=CONCURRENCY, delete_jobs="successful")


if __name__ == "__main__":
    verb, url, *rest = sys.argv[1:]
    calls = {"install": install, "load": lambda url: load(url, int(rest[0])), "work": lambda url: work(url, rest[0])}
    uvloop.run(calls[verb](url)) if verb == "work" else asyncio.run(calls[verb](url))
