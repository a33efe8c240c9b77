"""Latency at a steady rate: from the acknowledged send to the handler's committed row, the same span on both sides."""

from __future__ import annotations

from pathlib import Path

from bench.comparison import Comparison, Figure, Findings
from bench.parts.whole import LIST_SIZE
from bench.plan import Plan
from bench.subjects.faststream import FastStream
from bench.subjects.interlock import Interlock
from bench.turn import wait_until_done

RATES = (50, 1000)
WARM = 200
"""Orders before the clock runs: the first ones pay for imports and caches."""
NOTE = (
    "one fsync on the way (its row), ours two (order and handling): JetStream accepts before fsync; "
    "no contract, dedupe, emitted event or record"
)
LISTS = f"lists of up to {LIST_SIZE} that wait 20 ms to fill"
Spans = dict[str, list[float]]


def measure(plan: Plan) -> Findings:
    found = Findings()
    subjects: list[FastStream] = []
    if plan.rivals is None:
        subjects.append(FastStream(plan.place / "rival"))
        if plan.thorough:
            subjects.append(FastStream(plan.place / "rival", size=LIST_SIZE))
    ours: dict[int, Spans] = {rate: {} for rate in RATES}
    theirs: list[dict[int, Spans]] = [{rate: {} for rate in RATES} for _ in subjects]
    for _ in range(plan.rounds):
        keep(ours, ours_once(plan))
        for subject, spans in zip(subjects, theirs, strict=True):
            keep(spans, rival_once(plan, subject))
    for rate in RATES:
        found.comparisons.extend(_compare(rate, ours[rate], subjects, [spans[rate] for spans in theirs]))
    return found


def _compare(rate: int, ours: Spans, subjects: list[FastStream], theirs: list[Spans]) -> list[Comparison]:
    rows = []
    for name in ours:
        label = f"{rate:,}/s, {name}"
        mine = Figure("Interlock", tuple(ours[name]))
        if not subjects:
            rows.append(Comparison("latency", label, "ms", mine, less_is_better=True))
        for subject, spans in zip(subjects, theirs, strict=True):
            lists = "lists" in subject.name
            aim = 1.0 if name == "accepted → handled p99" and not lists else None
            figure = Figure(subject.name, tuple(spans[name]))
            rows.append(Comparison("latency", label, "ms", mine, figure, LISTS if lists else NOTE, aim, True))
    return rows


def keep(spans: dict[int, Spans], found: dict[int, dict[str, float]]) -> None:
    for rate, values in found.items():
        for name, value in values.items():
            spans[rate].setdefault(name, []).append(value)


def ours_once(plan: Plan) -> dict[int, dict[str, float]]:
    ours = Interlock(plan.place / "latency")
    stamps = ours.place / "stamps"
    sent = {}
    try:
        ours.start(stamps)
        ours.load(WARM)
        done = WARM
        wait_until_done(ours, done)
        for rate in RATES:
            count = int(rate * plan.paced_seconds)
            ours.load(count, rate=rate, connections=16)
            sent[rate] = moments(ours.acknowledged)
            done += count
            wait_until_done(ours, done)
    finally:
        ours.stop()
    ours.verify(handled=True)
    committed = {f"O-{one}": moment for one, moment in read_stamps(stamps).items()}
    ours.remove()
    return {rate: percentiles(orders, committed) for rate, orders in sent.items()}


def rival_once(plan: Plan, subject: FastStream) -> dict[int, dict[str, float]]:
    stamps = subject.place / "stamps"
    sent = {}
    try:
        subject.open()
        subject.start(stamps)
        subject.load(WARM)
        done = WARM
        wait_until_done(subject, done)
        for rate in RATES:
            count = int(rate * plan.paced_seconds)
            subject.load(count, rate=rate)
            sent[rate] = moments(subject.acknowledged)
            done += count
            wait_until_done(subject, done)
    finally:
        subject.stop()
    committed = read_stamps(stamps)
    subject.remove()
    return {rate: percentiles(orders, committed) for rate, orders in sent.items()}


def read_stamps(path: Path) -> dict[str, int]:
    return {name: int(done) for name, done in (line.split() for line in path.read_text().splitlines())}


def moments(path: Path) -> dict[str, tuple[int, int]]:
    """Order id -> when it was due and when it was acknowledged."""
    found = {}
    for line in path.read_text().splitlines():
        name, due, acknowledged = line.split()
        found[name if name.startswith("O-") else f"O-{name}"] = (int(due), int(acknowledged))
    return found


def percentiles(sent: dict[str, tuple[int, int]], done: dict[str, int]) -> dict[str, float]:
    """Milliseconds. Handled before the producer saw its answer counts as 0. Raises KeyError for one never handled."""
    after_answer = sorted(max(0, done[one] - acknowledged) / 1e6 for one, (_, acknowledged) in sent.items())
    whole = sorted((done[one] - due) / 1e6 for one, (due, _) in sent.items())
    return {
        "accepted → handled p50": rank(after_answer, 50),
        "accepted → handled p99": rank(after_answer, 99),
        "sent → handled p50": rank(whole, 50),
        "sent → handled p99": rank(whole, 99),
    }


def rank(values: list[float], percent: int) -> float:
    """Nearest rank."""
    return values[min(len(values) - 1, len(values) * percent // 100)]
