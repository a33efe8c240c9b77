"""`python -m bench.run [--quick] [--only PART] [--events N] [--json FILE]`: everything that is claimed about speed.

The system under test runs on core 0, whatever loads it on core 1. Subjects take turns, medians count.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from bench import machine, report, stages
from bench.comparison import Findings
from bench.parts import (
    api_diff,
    before,
    empty,
    growth,
    ingest,
    jetstream,
    latency,
    lint,
    postgres,
    slow_sync,
    whole,
    wire,
    workers,
)
from bench.plan import Plan, quick
from bench.subjects import rivals_venv

PARTS: dict[str, Callable[[Plan], Findings]] = {
    "ingest": ingest.measure,
    "whole": whole.measure,
    "latency": latency.measure,
    "growth": growth.measure,
    "slow-sync": slow_sync.measure,
    "postgres": postgres.measure,
    "jetstream": jetstream.measure,
    "empty-path": empty.measure,
    "wire": wire.measure,
    "workers": workers.measure,
    "before": before.measure,
    "stages": stages.measure,
    "api-diff": api_diff.measure,
    "lint": lint.measure,
}
# What needs servers, in some ten minutes with --quick.
GROUPS = {"servers": ("postgres", "jetstream", "empty-path", "workers", "wire")}


def plan_of(given: argparse.Namespace, parts: list[str]) -> Plan:
    place = machine.WORKPLACE / "run"
    place.mkdir(parents=True, exist_ok=True)
    plan = quick(place) if given.quick else Plan(place)
    changes: dict[str, object] = {"redis": rivals_venv.redis_server() is not None}
    if given.events:
        changes["stored_events"] = given.events
    if given.rounds:
        changes["rounds"] = given.rounds
    if {"whole", "latency", "slow-sync", "postgres", "jetstream", "wire"} & set(parts):
        changes["rivals"] = rivals_venv.prepare()
    return dataclasses.replace(plan, **changes)  # type: ignore[arg-type]


def header(plan: Plan) -> list[str]:
    syncs = machine.sync_microseconds(machine.WORKPLACE)
    return [
        f"Interlock bench, {time.strftime('%Y-%m-%d %H:%M')} UTC, {machine.describe()}",
        f"fdatasync of 4 KiB here {syncs:.0f} µs (median); load average {machine.load_average():.2f} at the start",
        f"{plan.rounds} rounds each, interleaved; median [smallest–largest]; above 1 × Interlock is better,",
        "below 1.3 × it is a tie. Orders are CloudEvents of 600 bytes. Figures of two runs are not comparable.",
    ]


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.run", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="three short rounds, some minutes in all")
    parser.add_argument(
        "--only", choices=[*PARTS, *GROUPS], action="append", help="only this part or group; may be repeated"
    )
    parser.add_argument("--events", type=int, help="stored events of the growth part (default 1,000,000)")
    parser.add_argument("--rounds", type=int, help="instead of 5, or 3 with --quick")
    parser.add_argument("--json", type=Path, help="write all samples here too")
    given = parser.parse_args(argv)
    wanted = {part for name in given.only or PARTS for part in GROUPS.get(name, (name,))}
    names = [name for name in PARTS if name in wanted]
    plan = plan_of(given, names)
    if len(os.sched_getaffinity(0)) > 1:
        os.sched_setaffinity(0, {int(machine.LOAD_CORE)})
    head = header(plan)
    found: dict[str, Findings] = {}
    for name in names:
        begun = time.monotonic()
        print(f"{name} …", end=" ", flush=True, file=sys.stderr)
        found[name] = PARTS[name](plan)
        print(f"{time.monotonic() - begun:.0f} s", file=sys.stderr)
    print(report.text(head, found))
    if given.json:
        given.json.write_text(json.dumps(report.as_data(head, found), indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
