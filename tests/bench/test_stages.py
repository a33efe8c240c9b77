"""The budget: every stage still exists and is seen. In a process of its own, since it wraps the product's classes."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench import machine
from bench.parts.slow_sync import SOURCE
from bench.stages import STAGES, Stopwatch


def test_every_stage_takes_time() -> None:
    machine.WORKPLACE.mkdir(exist_ok=True)
    found = json.loads(machine.call([sys.executable, "-m", "bench.stages", "400"]))
    assert set(found["stages_us"]) == {stage for stage, _, _ in STAGES}
    assert all(spent > 0 for spent in found["stages_us"].values())
    assert found["cpu_us"] > 0


def test_time_is_exclusive() -> None:
    watch = Stopwatch()
    inner = watch.wrap("inner", lambda: time.sleep(0.02))
    outer = watch.wrap("outer", inner)
    outer()
    assert watch.spent["inner"] >= 0.02
    assert watch.spent["outer"] < 0.01


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")
def test_the_shim_slows_and_counts(tmp_path: Path) -> None:
    shim, count = tmp_path / "shim.so", tmp_path / "count"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(shim), str(SOURCE), "-ldl"], check=True)
    env = {"LD_PRELOAD": str(shim), "SLOW_SYNC_US": "20000", "SLOW_SYNC_COUNT": str(count)}
    script = "import os, time, sys; f = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT); b = time.time()\n"
    script += "for _ in range(5): os.fdatasync(f); os.fsync(f)\nprint(time.time() - b)"
    spent = float(machine.call([sys.executable, "-c", script, str(tmp_path / "file")], env=env))
    assert spent >= 0.2
    assert struct.unpack("<Q", count.read_bytes()) == (10,)
