"""The model of docs/explanation/capacity.md: its constants measured here, its predictions held against this machine.

`python -m bench.capacity [--count N] [--rounds N] [--json FILE]`, some twelve minutes. Three runs of each back end give
the constants; all other rows of the table are predicted from them before they are measured.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median

from bench import machine
from bench.parts.slow_sync import build_shim
from bench.subjects.database import Database
from bench.subjects.interlock import Interlock
from bench.subjects.interlock_postgres import InterlockOnJetStream, InterlockOnPostgres
from bench.turn import Samples, ours_waiting, start_seconds

WIDE, NARROW = 1024, 2
"""Events in flight: as by default, and so few that each commit is of one."""
SHORT, LONG = 5, 60
"""Lines of an order: 600 bytes, and some 3,500."""
CASES = (
    (0, WIDE, SHORT), (0, WIDE, LONG), (1, WIDE, SHORT), (5, WIDE, SHORT), (5, WIDE, LONG), (1, 128, SHORT),
    (5, 128, SHORT),
)  # fmt: skip
"""Milliseconds added to a flush, events in flight, lines."""


@dataclass(frozen=True, slots=True)
class Constants:
    """Of one back end, in microseconds.

    worker         CPU of the engine's process for an event of 600 bytes, its commits included
    worker_per_kb  and for each kilobyte beyond them
    server         CPU of the database for such an event; 0 where there is none
    server_per_kb  and for each kilobyte beyond
    commit         what a commit takes whatever is in it, without the flush: round trips, switches of threads
    flush          what the disk takes to sync
    index          of a log outside the database: what indexing takes for an event that waited in it, before the first
                   handler begins; not in the rates of the table
    """

    worker: float
    worker_per_kb: float
    server: float
    server_per_kb: float
    commit: float
    flush: float
    index: float = 0.0


@dataclass(frozen=True, slots=True)
class Row:
    back_end: str
    added_ms: int
    in_flight: int
    lines: int
    predicted: float
    measured: float

    def text(self) -> str:
        ratio = self.predicted / self.measured
        return (
            f"| {self.back_end} | {self.added_ms} | {self.in_flight} | {size_of(self.lines)} | {self.predicted:,.0f} | "
            f"{self.measured:,.0f} | {ratio:.2f} |"
        )


def batch_of(in_flight: int) -> float:
    """Events that share a commit: a flow commits half of what it may have in flight while the other half runs."""
    return max(1.0, in_flight / 2)


def size_of(lines: int) -> int:
    """Bytes of an order with so many lines."""
    return 600 + 52 * (lines - SHORT)


def predict(constants: Constants, share: float, added_ms: float, in_flight: int, lines: int) -> float:
    """Events/s of one worker that finds its events in the log: the slower of its core and of its chain of commits.

    One commit is under way at a time, and the next is prepared meanwhile. With one event in flight nothing overlaps.
    `share`: how much of a core a process gets here; what is CPU takes so much longer.
    """
    batch, beyond_kb = batch_of(in_flight), (size_of(lines) - 600) / 1000
    worker = (constants.worker + constants.worker_per_kb * beyond_kb) / share
    server = (constants.server + constants.server_per_kb * beyond_kb) / share
    chain = (constants.flush + added_ms * 1000 + constants.commit) / batch + server
    return 1e6 / (worker + chain if batch <= 1 else max(worker, chain))


def share_of_a_core(seconds: float = 0.3) -> float:
    """What a busy loop gets of the system's core now: 1 on a quiet machine."""
    script = "import time; b, c = time.perf_counter(), time.process_time()\n"
    script += f"while time.perf_counter() - b < {seconds}: pass\n"
    script += "print((time.process_time() - c) / (time.perf_counter() - b))"
    return float(machine.call([sys.executable, "-c", script], core=machine.SYSTEM_CORE))


class Bench:
    """One back end. `database` None: SQLite."""

    def __init__(self, place: Path, shim: Path, count: int, rounds: int) -> None:
        self._place = place
        self._shim = shim
        self._count = count
        self._rounds = rounds
        self.index_us = 0.0

    def embedded(self, added_ms: int, in_flight: int, lines: int) -> Samples:
        env = {"LD_PRELOAD": str(self._shim), "SLOW_SYNC_US": str(added_ms * 1000), **length(lines)}
        return self._runs(lambda: Interlock(self._place, rows_only=True, env=env, more=limits(in_flight)), in_flight)

    def postgres(self, added_ms: int, in_flight: int, lines: int) -> Samples:
        database = Database(core=machine.LOAD_CORE, shim=self._shim, added_ms=added_ms)
        database.start()
        try:
            more, env = limits(in_flight), length(lines)
            return self._runs(lambda: InterlockOnPostgres(self._place, database, more=more, env=env), in_flight)
        finally:
            database.stop()

    def jetstream(self, added_ms: int, in_flight: int, lines: int) -> Samples:
        """NATS acknowledges before it flushes, and is not slowed: a commit waits for the database's flush only."""
        database = Database(core=machine.LOAD_CORE, shim=self._shim, added_ms=added_ms)
        database.start()
        more, env, core = limits(in_flight), length(lines), machine.LOAD_CORE

        def make() -> Interlock:
            return InterlockOnJetStream(self._place, database, sync_always=False, server_core=core, more=more, env=env)

        try:
            if (added_ms, in_flight, lines) == (0, WIDE, SHORT):
                nothing, starts = start_seconds(make), list[float]()
                samples = self._runs(make, in_flight, starts)
                self.index_us = max(0.0, median(starts) - nothing) / self._count * 1e6
                return samples
            return self._runs(make, in_flight)
        finally:
            database.stop()

    def _runs(self, make: Callable[[], Interlock], in_flight: int, starts: list[float] | None = None) -> Samples:
        samples, took = Samples(), list[float]() if starts is None else starts
        count = self._count if in_flight > NARROW else max(200, self._count // 20)
        for _ in range(self._rounds):
            ours_waiting(make, count, samples, lambda ours: took.append(ours.started_seconds))
        return samples


def length(lines: int) -> dict[str, str]:
    return {"BENCH_ORDER_LINES": str(lines)}


def limits(in_flight: int) -> str:
    return f"\n[limits]\nin_flight_per_flow = {in_flight}\n"


Measure = Callable[[int, int, int], Samples]
Known = dict[tuple[int, int, int], float]


def measured(run: Measure, flush_us: float) -> tuple[Constants, Known]:
    """The constants, and the rates of the runs that they come from."""
    wide, long, narrow = run(0, WIDE, SHORT), run(0, WIDE, LONG), run(0, NARROW, SHORT)
    share = share_of_a_core()
    (worker, server), (long_worker, long_server) = costs(wide), costs(long)
    beyond_kb = (size_of(LONG) - 600) / 1000
    commit = max(0.0, 1e6 / median(narrow.rates) - (worker + server) / share - flush_us)
    found = Constants(
        worker,
        max(0.0, (long_worker - worker) / beyond_kb),
        server,
        max(0.0, (long_server - server) / beyond_kb),
        commit,
        flush_us,
    )
    return found, {(0, WIDE, SHORT): median(wide.rates), (0, WIDE, LONG): median(long.rates)}


def costs(samples: Samples) -> tuple[float, float]:
    """CPU of an event, the worker's and the server's."""
    server = median(samples.servers or [0.0])
    return median(samples.costs or [1e6 / median(samples.rates)]) - server, server


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=30_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args(argv)
    place = machine.WORKPLACE / "run"
    shim = build_shim(place)
    if shim is None:
        print("There is no C compiler for the shim around fsync (apt-get install gcc).", file=sys.stderr)
        return 2
    if len(machine.cores()) > 1:
        os.sched_setaffinity(0, {int(machine.LOAD_CORE)})
    bench = Bench(place / "capacity", shim, given.count, given.rounds)
    flush_us = machine.sync_microseconds(machine.WORKPLACE)
    rows: list[Row] = []
    constants: dict[str, Constants] = {}
    back_ends: dict[str, Measure] = {
        "SQLite": bench.embedded,
        "PostgreSQL": bench.postgres,
        "PostgreSQL + JetStream": bench.jetstream,
    }
    for name, run in back_ends.items():
        constants[name], known = measured(run, flush_us)
        if run == bench.jetstream:
            constants[name] = replace(constants[name], index=bench.index_us)
        for case in CASES:
            predicted = predict(constants[name], share_of_a_core(), *case)
            rate = known.get(case) or median(run(*case).rates)
            rows.append(Row(name, *case, predicted, rate))
    print(machine.describe())
    for name, found in constants.items():
        print(name, ", ".join(f"{key} {value:.0f} µs" for key, value in asdict(found).items()))
    print("| back end | ms added to a flush | events in flight | bytes | predicted | measured | ratio |")
    print("|---|---|---|---|---|---|---|")
    print("\n".join(row.text() for row in rows))
    if given.json:
        found_of = {name: asdict(found) for name, found in constants.items()}
        given.json.write_text(json.dumps({"constants": found_of, "rows": [asdict(row) for row in rows]}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
