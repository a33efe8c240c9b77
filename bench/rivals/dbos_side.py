"""DBOS queues: `python -m bench.rivals.dbos_side install|load|work URL …`.

A workflow of one step, a transaction of a datasource: its row and the step's checkpoint are one commit. The queue has a
wide worker concurrency and is polled often, the executor has many threads; telemetry is off.
"""
# mypy: ignore-errors

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import sqlalchemy
from dbos import DBOS, DBOSClient, SQLAlchemyDatasource

from bench import order
from bench.rivals.postgres_rows import CREATE, row
from bench.rivals.progress import Progress

QUEUE = "orders"
VERSION = "bench"
CONCURRENCY = 100
POLL_SECONDS = 0.05
THREADS = 16
INSERT = sqlalchemy.text("INSERT INTO handled(order_id, total, at_us) VALUES (:order_id, :total, :at_us)")


def driver_url(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg://", 1)


def configuration(url: str) -> dict:
    return {
        "name": "bench",
        "system_database_url": driver_url(url),
        "application_version": VERSION,
        "executor_id": "bench",
        "sys_db_pool_size": THREADS + 4,
        "log_level": "ERROR",
        "run_admin_server": False,
        "max_executor_threads": THREADS,
    }


def launched(url: str) -> None:
    DBOS.launch()
    DBOS.register_queue(QUEUE, worker_concurrency=CONCURRENCY, polling_interval_sec=POLL_SECONDS)


def install(url: str) -> None:
    DBOS(config=configuration(url))
    DBOS.launch()
    DBOS.destroy()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(CREATE)


def load(url: str, count: int) -> None:
    run = order.new_run()
    client = DBOSClient(system_database_url=driver_url(url))
    options = {"queue_name": QUEUE, "workflow_name": "handle", "app_version": VERSION}

    def enqueue(number: int) -> None:
        client.enqueue(options, order.event(order.event_id(run, number)).decode())

    begin = time.time_ns()
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(enqueue, range(count)))
    print(json.dumps({"acknowledged": count, "begin_ns": begin, "end_ns": time.time_ns()}))


def work(url: str, progress_path: str) -> None:
    progress = Progress(progress_path)
    DBOS(config=configuration(url))
    source = SQLAlchemyDatasource.create(driver_url(url), engine_kwargs={"pool_size": THREADS, "max_overflow": 4})

    @source.transaction(isolation_level="READ COMMITTED")
    def write(order_id: str, total: str, at_us: int) -> None:
        source.sql_session().execute(INSERT, {"order_id": order_id, "total": total, "at_us": at_us})

    @DBOS.workflow(name="handle")
    def handle(body: str) -> None:
        progress.begun()
        write(*row(body))
        progress.done()

    launched(url)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    print("ready", flush=True)
    stop.wait()
    DBOS.destroy()


if __name__ == "__main__":
    verb, url, *rest = sys.argv[1:]
    calls = {"install": install, "load": lambda url: load(url, int(rest[0])), "work": lambda url: work(url, rest[0])}
    calls[verb](url)
