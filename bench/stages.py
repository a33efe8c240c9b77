"""The budget of one event, in microseconds per stage: edge, log, flow and store in one process, without sockets.

`python -m bench.stages [COUNT]` prints one JSON line. The real classes run; the functions where one stage hands over to
the next are timed, each without what it calls of other stages, and the cost of the timing itself is taken off. The
commit runs on its own thread: its figure is waiting for the disk, not CPU of the loop.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import uvloop

from bench import machine, order
from bench.comparison import Comparison, Figure, Findings
from bench.load import HEAD
from bench.plan import Plan
from bench.subjects.interlock import ESTATE
from interlock.adapters.null_sink import NullSink
from interlock.adapters.sqlite import SqliteStore
from interlock.adapters.sqlite import batch as batch_module
from interlock.adapters.sqlite import claims as claims_module
from interlock.adapters.sqlite import committer as committer_module
from interlock.adapters.sqlite import store as store_module
from interlock.adapters.sqlite import work as work_module
from interlock.adapters.system import SystemClock, SystemIds
from interlock.app.serving import GC_YOUNG_OBJECTS, SWITCH_INTERVAL_SECONDS
from interlock.contracts.event_contract import EventContract
from interlock.edge import events_api
from interlock.edge.edge import Edge
from interlock.edge.http_protocol import HttpProtocol
from interlock.estate.loader import load
from interlock.flows import effects, worker
from interlock.flows.engine import Engine
from interlock.model import lookup_segment as segment_module

IN_FLIGHT = 64
STAGES: tuple[tuple[str, Any, tuple[str, ...]], ...] = (
    ("1 HTTP: parse and answer", HttpProtocol, ("data_received", "answered")),
    ("2 JSON: strict parse", events_api, ("parse",)),
    ("3 contract: check and route", EventContract, ("check", "route")),
    ("4 event: envelope, hashes, body", events_api.EventsApi, ("post",)),
    ("5 append: dedupe lookup and claim", claims_module.Claims, ("find", "add")),
    ("6 transaction: begin, stage, tell", committer_module.Committer, ("_pump", "_committed", "submit")),
    ("6 transaction: begin, stage, tell", work_module.AppendWork, ("stage",)),
    ("7 rows: SQL of log, handling, state", batch_module.Batch, ("flush",)),
    ("8 lookup hashes of the open segment", segment_module.Segment, ("add", "extend", "add_all")),
    ("9 publish and dispatch", store_module.SqliteStore, ("_publish",)),
    ("9 publish and dispatch", worker.Worker, ("_read_lane", "run")),
    ("10 handler: decode and user code", worker, ("drive",)),
    ("11 effects: check and encode the emitted event", effects.Effects, ("collect",)),
    ("12 handling: row, step, settle", worker.Worker, ("_stage", "_committed", "_send")),
    ("12 handling: row, step, settle", work_module.CommitWork, ("stage",)),
)


class Stopwatch:
    """Exclusive time by stage, on the loop's thread."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}
        self.calls: dict[str, int] = {}
        self._inner: list[float] = []
        self.overhead = 0.0

    def wrap(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        self.spent.setdefault(stage, 0.0)
        self.calls.setdefault(stage, 0)
        clock, inner, spent, calls = time.perf_counter, self._inner, self.spent, self.calls

        def timed(*arguments: Any, **named: Any) -> Any:
            inner.append(0.0)
            begun = clock()
            try:
                return function(*arguments, **named)
            finally:
                whole = clock() - begun
                spent[stage] += whole - inner.pop()
                calls[stage] += 1
                if inner:
                    inner[-1] += whole

        return timed

    def calibrate(self) -> None:
        """What an empty timed call costs, which the caller's stage pays."""
        timed = self.wrap("calibration", lambda: None)
        begun = time.perf_counter()
        for _ in range(100_000):
            timed()
        self.overhead = (time.perf_counter() - begun) / 100_000
        del self.spent["calibration"], self.calls["calibration"]

    def per_event(self, events: int) -> dict[str, float]:
        """Microseconds. The timing's own cost is taken off, half of it from the stage and half from its caller's."""
        return {
            stage: max(0.0, spent - self.calls[stage] * self.overhead) / events * 1e6
            for stage, spent in self.spent.items()
        }


class Wire:
    """A transport that counts the answers, and sends the next request once one came."""

    def __init__(self, bench: StageBench) -> None:
        self._bench = bench
        self.protocol: HttpProtocol

    def write(self, data: bytes) -> None:
        assert data.startswith(b"HTTP/1.1 202"), data
        self._bench.answered(self)

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments, **named: None


class StageBench:
    """Feeds requests into protocols, as the loop would."""

    def __init__(self, edge: Edge, requests: list[bytes]) -> None:
        self._edge = edge
        self._requests = requests
        self._next = 0
        self._left = len(requests)
        self._loop = asyncio.get_running_loop()
        self.end: asyncio.Future[None] = self._loop.create_future()

    def start(self) -> None:
        for _ in range(IN_FLIGHT):
            wire = Wire(self)
            wire.protocol = HttpProtocol(self._edge._server)
            wire.protocol.connection_made(cast(asyncio.Transport, wire))
            self._loop.call_soon(self._feed, wire)

    def answered(self, wire: Wire) -> None:
        self._left -= 1
        if not self._left:
            self.end.set_result(None)
        self._loop.call_soon(self._feed, wire)

    def _feed(self, wire: Wire) -> None:
        if self._next < len(self._requests):
            payload = self._requests[self._next]
            self._next += 1
            wire.protocol.data_received(payload)


def install(watch: Stopwatch) -> None:
    """Time the functions of STAGES. A stage without any function left is an error: the code has moved on."""
    for stage, owner, names in STAGES:
        found = [name for name in names if name in vars(owner)]
        for name in found:
            function = vars(owner)[name]
            if asyncio.iscoroutinefunction(function):
                setattr(owner, name, timed_coroutine(watch, stage, function))
            else:
                setattr(owner, name, watch.wrap(stage, function))
    lost = sorted({stage for stage, _, _ in STAGES} - set(watch.spent))
    if lost:
        raise LookupError(f"No function is left of the stages {lost}: correct bench/stages.py.")


def timed_coroutine(watch: Stopwatch, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """These coroutines never wait on the measured path: what they do is done in their first step."""

    async def timed(*arguments: Any) -> Any:
        coroutine = function(*arguments)
        result: list[Any] = []

        def step() -> None:
            try:
                coroutine.send(None)
            except StopIteration as stop:
                result.append(stop.value)

        watch.wrap(stage, step)()
        if not result:
            raise RuntimeError(f"{function.__name__} waited; its stage cannot be timed.")
        return result[0]

    return timed


async def run(count: int, folder: Path, watch: Stopwatch) -> dict[str, Any]:
    estate = load(ESTATE)
    store = await SqliteStore.open(folder / "stages.db", partitions=estate.settings.stores.partitions)
    clock, ids = SystemClock(), SystemIds()
    engine = Engine(estate, store, store, clock, ids, NullSink())
    await engine.acquire()
    await engine.start()
    edge = Edge(estate, store, store, engine, clock, ids, lag=lambda: engine.lag)
    prefix = order.new_run()
    bodies = [order.event(order.event_id(prefix, number)) for number in range(count)]
    bench = StageBench(edge, [HEAD % (b"", len(body), body) for body in bodies])
    cpu, wall = time.process_time(), time.perf_counter()
    bench.start()
    await bench.end
    while engine.lag or not engine.idle:  # noqa: ASYNC110 - the engine has no event for it
        await asyncio.sleep(0.002)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    done = {(tally.flow, int(tally.state)): tally.total for tally in await store.tallies()}
    await engine.drain(5)
    await store.close()
    assert done == {("notes", 2): count}, done
    return {"wall_us": wall / count * 1e6, "cpu_us": cpu / count * 1e6}


def stages(count: int) -> dict[str, Any]:
    """Once without stopwatch for the sum, once with it for the parts."""
    sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)
    gc.freeze()
    gc.set_threshold(GC_YOUNG_OBJECTS, 20, 100)
    with tempfile.TemporaryDirectory(dir=machine.WORKPLACE) as folder:
        (Path(folder) / "plain").mkdir()
        plain = uvloop.run(run(count, Path(folder) / "plain", Stopwatch()))
        watch = Stopwatch()
        watch.calibrate()
        install(watch)
        uvloop.run(run(count, Path(folder), watch))
    return {**plain, "stages_us": watch.per_event(count), "count": count}


def measure(plan: Plan) -> Findings:
    """Medians of several processes."""
    found = Findings()
    runs = [
        json.loads(
            machine.call([sys.executable, "-m", "bench.stages", str(plan.stage_count)], core=machine.SYSTEM_CORE)
        )
        for _ in range(plan.rounds)
    ]
    names = runs[0]["stages_us"]
    rows = {name: [run["stages_us"][name] for run in runs] for name in names}
    rows["CPU of all, without the timing"] = [run["cpu_us"] for run in runs]
    rows["wall clock of all, without the timing"] = [run["wall_us"] for run in runs]
    for name, samples in rows.items():
        found.comparisons.append(Comparison("stages", name, "µs per event", Figure("Interlock", tuple(samples))))
    found.remarks.append("in one process without sockets: the kernel's share of HTTP, about 10 µs, is not in it")
    return found


if __name__ == "__main__":
    print(json.dumps(stages(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)))
