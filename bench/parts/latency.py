"""Latency at a steady rate: from the acknowledged send to the handler's committed row, the same span on both sides."""

from __future__ import annotations

from pathlib import Path

from bench.comparison import Comparison, Figure, Findings
from bench.parts.whole import LIST_SIZE, wait_until_done
from bench.plan import Plan
from bench.subjects.faststream import FastStream
from bench.subjects.interlock import Interlock

RATES = (50, 1000)
NOTE = "accepted by JetStream before fsync; row committed; no contract, dedupe, emitted event or record"
LISTS = f"lists of up to {LIST_SIZE} that wait 20 ms to fill"
Spans = dict[str, list[float]]


def measure(plan: Plan) -> Findings:
    found = Findings()
    subjects = [] if plan.rivals else [FastStream(plan.place / "rival"), FastStream(plan.place / "rival", size=LIST_SIZE)]
    for rate in RATES:
        count = int(rate * plan.paced_seconds)
        ours: Spans = {}
        theirs: list[Spans] = [{} for _ in subjects]
        for _ in range(plan.rounds):
            keep(ours, ours_once(plan, count, rate))
            for subject, spans in zip(subjects, theirs, strict=True):
                keep(spans, rival_once(subject, count, rate))
        found.comparisons.extend(_compare(rate, ours, subjects, theirs))
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


def keep(spans: Spans, found: dict[str, float]) -> None:
    for name, value in found.items():
        spans.setdefault(name, []).append(value)


def ours_once(plan: Plan, count: int, rate: int) -> dict[str, float]:
    ours = Interlock(plan.place / "latency")
    stamps = ours.place / "stamps"
    try:
        ours.start(stamps)
        ours.load(200)  # warm: the first events pay for imports and caches
        wait_until_done(ours, 200)
        ours.load(count, rate=rate, connections=16)
        wait_until_done(ours, 200 + count)
    finally:
        ours.stop()
    ours.verify(handled=True)
    spans = percentiles(moments(ours.acknowledged), {f"O-{one}": done for one, done in read_stamps(stamps).items()})
    ours.remove()
    return spans


def rival_once(subject: FastStream, count: int, rate: int) -> dict[str, float]:
    stamps = subject.place / "stamps"
    try:
        subject.open()
        subject.start(stamps)
        subject.load(200)
        wait_until_done(subject, 200)
        subject.load(count, rate=rate)
        wait_until_done(subject, 200 + count)
    finally:
        subject.stop()
    spans = percentiles(moments(subject.acknowledged), read_stamps(stamps))
    subject.remove()
    return spans


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
    """Milliseconds. Handled before the producer saw its answer counts as zero. Raises KeyError for one never handled."""
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
