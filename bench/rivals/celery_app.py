"""Celery with Redis: a task that writes one row. Settings by environment: BENCH_REDIS, BENCH_DATABASE."""
# mypy: ignore-errors

from __future__ import annotations

import os
from pathlib import Path

from celery import Celery
from celery.signals import worker_ready

from bench.rivals.rows import Rows

app = Celery("bench", broker=os.environ["BENCH_REDIS"])
app.conf.update(task_ignore_result=True, worker_prefetch_multiplier=64, worker_hijack_root_logger=False)
_rows: list[Rows] = []


@worker_ready.connect
def opened(**_) -> None:
    _rows.append(Rows(os.environ["BENCH_DATABASE"]))
    Path(os.environ["BENCH_DATABASE"]).with_name("ready").touch()


@app.task(name="handle")
def handle(body: str) -> None:
    _rows[0].handle((body,))
