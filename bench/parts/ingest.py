"""Ingest: an order answered 2xx after its durable commit, beside a no-op ASGI POST on uvicorn."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from statistics import median

from bench import machine
from bench.comparison import Comparison, Figure, Findings
from bench.plan import Plan
from bench.subjects.interlock import Interlock
from interlock.testing.server_process import free_port

CONNECTIONS = (1, 64, 256)
NOTE = "uvicorn (httptools, uvloop), raw ASGI: reads the body and answers; no parsing, contract, dedupe or disk"


def measure(plan: Plan) -> Findings:
    found = Findings()
    ours = Interlock(plan.place / "ingest", flows=False)
    ours.start()
    port = free_port()
    noop = machine.spawn(uvicorn(port), log=ours.place / "uvicorn.log")
    try:
        machine.wait_for_port(port)
        for connections in CONNECTIONS:
            found.comparisons.append(_compare(plan, ours, port, noop.pid, connections))
        found.comparisons.append(_compare(plan, ours, port, noop.pid, 64, traced=True))
    finally:
        noop.terminate()
        noop.wait()
        ours.kill()
    checked = ours.verify(handled=False)
    found.remarks.append(
        f"after SIGKILL: all of the last round's {checked['acknowledged']:,} acknowledged orders found"
    )
    ours.remove()
    return found


def uvicorn(port: int) -> list[str]:
    command = [sys.executable, "-m", "uvicorn", "bench.noop_asgi:app", "--port", str(port), "--lifespan", "off"]
    return [*command, "--log-level", "warning", "--no-access-log", "--loop", "uvloop", "--http", "httptools"]


def _compare(plan: Plan, ours: Interlock, port: int, pid: int, connections: int, *, traced: bool = False) -> Comparison:
    options: dict[str, object] = {"connections": connections, "seconds": plan.ingest_seconds, "traced": traced}
    count = plan.ingest_count if connections > 1 else plan.ingest_count // 4
    command = [sys.executable, "-m", "bench.load", str(port), "--count", str(count), "--connections", str(connections)]
    command += ["--seconds", str(plan.ingest_seconds), *["--traced"] * traced]
    sides: list[tuple[list[float], list[float]]] = [([], []), ([], [])]
    for _ in range(plan.rounds):
        for (rates, costs), pids, load in (
            (sides[0], ours.pids, lambda: ours.load(count, **options)),
            (sides[1], [pid], lambda: json.loads(machine.call(command))),
        ):
            rate, cost = _run(pids, load)
            rates.append(rate)
            costs.append(cost)
        ours.verify(handled=False)
    return Comparison(
        "ingest",
        f"{connections} connection{'s' if connections > 1 else ''}"
        + (", each request its own traceparent" if traced else ""),
        "requests/s",
        Figure("Interlock", tuple(sides[0][0]), median(sides[0][1])),
        Figure("no-op ASGI", tuple(sides[1][0]), median(sides[1][1])),
        NOTE,
        aim=0.5 if connections == 64 and not traced else None,
    )


def _run(pids: list[int], load: Callable[[], dict[str, float]]) -> tuple[float, float]:
    """Requests per second, and microseconds of CPU per request."""
    before = machine.cpu_seconds(pids)
    result = load()
    return result["rate"], (machine.cpu_seconds(pids) - before) / result["acknowledged"] * 1e6
