"""Queues tasks: `BENCH_REDIS=… BENCH_DATABASE=… python -m bench.rivals.celery_load RUN COUNT`. Prints one JSON line."""
# mypy: ignore-errors

from __future__ import annotations

import json
import sys
import time

from bench import order
from bench.rivals.celery_app import handle

if __name__ == "__main__":
    run, count = sys.argv[1], int(sys.argv[2])
    handle.app.connection_for_write().ensure_connection()
    begin = time.time_ns()
    for number in range(count):
        handle.delay(order.event(order.event_id(run, number)).decode())
    print(json.dumps({"acknowledged": count, "begin_ns": begin, "end_ns": time.time_ns()}))
