"""Ordinary disks: 1 ms and 5 ms added to every fsync and fdatasync, with the batch size that group commit reaches."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

from bench.comparison import Comparison, Figure, Findings, short
from bench.parts.whole import LIST_SIZE
from bench.plan import Plan
from bench.subjects.faststream import FastStream
from bench.subjects.interlock import Interlock
from bench.turn import Samples, rival_live, wait_until_done

SOURCE = Path(__file__).parent.parent / "slow_sync.c"
ADDED_MS = (0, 1, 5)
CONNECTIONS = (64, 256)
NOTE = "its worker's SQLite is slowed alike; the NATS server is not, since it syncs every two minutes by default"


def measure(plan: Plan) -> Findings:
    found = Findings()
    shim = build_shim(plan.place)
    if shim is None:
        found.remarks.append("skipped: no C compiler for the shim (apt-get install gcc)")
        return found
    for added in ADDED_MS:
        for connections in CONNECTIONS:
            found.comparisons.append(ingest(plan, shim, added, connections))
        found.comparisons.extend(whole(plan, shim, added))
    return found


def build_shim(place: Path) -> Path | None:
    """None where there is no C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        return None
    shim = place / "slow_sync.so"
    place.mkdir(parents=True, exist_ok=True)
    subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", str(shim), str(SOURCE), "-ldl"], check=True)
    return shim


def environment(plan: Plan, shim: Path, added_ms: int) -> dict[str, str]:
    count = plan.place / "syncs"
    count.unlink(missing_ok=True)
    return {"LD_PRELOAD": str(shim), "SLOW_SYNC_US": str(added_ms * 1000), "SLOW_SYNC_COUNT": str(count)}


def syncs(env: dict[str, str]) -> int:
    """How often the process has synced so far."""
    value: int = struct.unpack("<Q", Path(env["SLOW_SYNC_COUNT"]).read_bytes())[0]
    return value


def size(added_ms: int, count: int) -> int:
    """Fewer events where each commit takes longer."""
    return count // (1, 2, 4)[min(2, added_ms // 2 + (added_ms > 0))]


def ingest(plan: Plan, shim: Path, added_ms: int, connections: int) -> Comparison:
    rates, batches = [], []
    env = environment(plan, shim, added_ms)
    ours = Interlock(plan.place / "slow", flows=False, env=env)
    ours.start()
    try:
        for _ in range(plan.rounds):
            before = syncs(env)
            result = ours.load(size(added_ms, plan.slow_count), connections=connections)
            rates.append(result["rate"])
            batches.append(result["acknowledged"] / max(1, syncs(env) - before))
            ours.verify(handled=False)
    finally:
        ours.kill()
    ours.verify(handled=False)
    ours.remove()
    label = f"+{added_ms} ms: ingest, {connections} connections, {short(sorted(batches)[len(batches) // 2])} per sync"
    return Comparison("slow fsync", label, "requests/s", Figure("Interlock", tuple(rates)))


def whole(plan: Plan, shim: Path, added_ms: int) -> list[Comparison]:
    count = size(added_ms, plan.slow_count)
    samples, batches = Samples(), []
    subjects = (
        []
        if plan.rivals or not plan.thorough
        else [FastStream(plan.place / "rival"), FastStream(plan.place / "rival", size=LIST_SIZE)]
    )
    theirs = [Samples() for _ in subjects]
    for _ in range(plan.rounds):
        batches.append(ours_once(plan, shim, added_ms, count, samples))
        for subject, kept in zip(subjects, theirs, strict=True):
            share = count if "lists" in subject.name else max(500, count // (4 * max(1, added_ms)))
            rival_live(subject, share, kept, environment(plan, shim, added_ms))
    batch = short(sorted(batches)[len(batches) // 2])
    label = f"+{added_ms} ms: HTTP to handled, {batch} orders and handlings per sync"
    ours = samples.figure("Interlock")
    if not subjects:
        return [Comparison("slow fsync", label, "events/s", ours)]
    return [
        Comparison("slow fsync", label, "events/s", ours, kept.figure(subject.name), NOTE)
        for subject, kept in zip(subjects, theirs, strict=True)
    ]


def ours_once(plan: Plan, shim: Path, added_ms: int, count: int, samples: Samples) -> float:
    """One run at 256 connections; appended orders and handlings per sync."""
    env = environment(plan, shim, added_ms)
    ours = Interlock(plan.place / "slow", env=env)
    try:
        ours.start()
        before = syncs(env)
        result = ours.load(count, connections=256)
        end = wait_until_done(ours, count)
        samples.rates.append(count / ((end - result["begin_ns"]) / 1e9))
        batch = 2 * count / max(1, syncs(env) - before)
    finally:
        ours.kill()
    ours.verify(handled=True)
    ours.remove()
    return batch
