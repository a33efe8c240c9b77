"""Diff of OpenAPI documents: 3 MB against 3 MB in seconds and memory, and how time grows with size.

Each comparison runs in a fresh process. The document is what matters: nothing changed, only its order, one component
that the rest reaches, or every schema. `graph` is one component graph in which everything reaches everything.
"""

from __future__ import annotations

import json
import sys
from math import log
from typing import Any

from bench import machine
from bench.comparison import Comparison, Figure, Findings
from bench.plan import Plan

MEGABYTE = 1_000_000
AIM_SECONDS, AIM_MEGABYTES = 2.0, 500.0
CASES = (
    ("forest", "nothing"), ("forest", "order"), ("forest", "one component"), ("forest", "everything"),
    ("graph", "one component"), ("graph", "everything"),
)  # fmt: skip
SMALL, LARGE = 3 * MEGABYTE, 30 * MEGABYTE
# Of growth as n log n: measured noise of a shared machine.
TOLERANCE = 1.25


def measure(plan: Plan) -> Findings:
    found = Findings()
    for shape, change in CASES:
        small = [_once(SMALL, shape, change) for _ in range(plan.rounds)]
        found.comparisons.extend(_rows(shape, change, small))
        large = [_once(LARGE, shape, change) for _ in range(1 if not plan.thorough else 2)]
        found.comparisons.append(_growth(shape, change, small, large))
    found.remarks.append("CPU seconds of the comparison alone; parsing is a row of its own; findings are in the JSON")
    return found


def _once(size: int, shape: str, change: str) -> dict[str, Any]:
    said = machine.call([sys.executable, "-m", "bench.api_diff_once", str(size), shape, change])
    return dict(json.loads(said))


def _rows(shape: str, change: str, runs: list[dict[str, Any]]) -> list[Comparison]:
    name = f"3 MB {shape}, {change} changed"

    def row(measure: str, unit: str, key: str, limit: float | None) -> Comparison:
        ours = Figure("measured", tuple(float(run[key]) for run in runs))
        theirs = None if limit is None else Figure(f"limit of {limit:g} {unit}", (limit,))
        aim = None if limit is None else 1.0
        return Comparison("api-diff", f"{name}: {measure}", unit, ours, theirs, "", aim, less_is_better=True)

    return [
        row("diff", "s", "diff_seconds", AIM_SECONDS),
        row("parse", "s", "parse_seconds", None),
        row("peak memory", "MB", "peak_megabytes", AIM_MEGABYTES),
        row("findings", "", "findings", None),
    ]


def _growth(shape: str, change: str, small: list[dict[str, Any]], large: list[dict[str, Any]]) -> Comparison:
    """Seconds per n log n of the large document beside those of the small one."""
    ours, theirs = (
        Figure(f"{runs[0]['bytes'] / MEGABYTE:.0f} MB", tuple(map(_per_size, runs))) for runs in (large, small)
    )
    note = "µs per n log n, n in kB; above 0.8 counts as no faster than n log n"
    measure = f"{shape}, {change} changed: growth from 3 to 30 MB"
    return Comparison("api-diff", measure, "µs", ours, theirs, note, 1 / TOLERANCE, less_is_better=True)


def _per_size(run: dict[str, Any]) -> float:
    size = float(run["bytes"]) / 1000
    return float(run["diff_seconds"]) * 1e6 / (size * log(size))
