"""The machine: which core does what, what a process costs, how fast its disk syncs."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parent.parent
WORKPLACE = ROOT / ".bench"
SYSTEM_CORE, LOAD_CORE = "0", "1"
_ALL_CORES = frozenset(os.sched_getaffinity(0))
_CORES = len(_ALL_CORES)


def cores() -> frozenset[int]:
    """Those that this process had when it began."""
    return _ALL_CORES


def pinned(core: str, command: Sequence[str]) -> list[str]:
    """The command, bound to one core; as it is where there is only one, or no taskset."""
    if _CORES < 2 or shutil.which("taskset") is None:
        return list(command)
    return ["taskset", "-c", core, *command]


def spawn(
    command: Sequence[str], *, core: str = SYSTEM_CORE, env: Mapping[str, str] | None = None, log: Path
) -> subprocess.Popen[str]:
    """Start a process of the system under test; stdout is a pipe, stderr goes to the log."""
    whole = {**os.environ, "PYTHONPATH": str(ROOT), **(env or {})}
    errors: IO[str] = log.open("a")
    with errors:
        return subprocess.Popen(
            pinned(core, command), env=whole, stdout=subprocess.PIPE, stderr=errors, text=True, cwd=ROOT
        )


def call(command: Sequence[str], *, core: str = LOAD_CORE, env: Mapping[str, str] | None = None) -> str:
    """Run to the end on the load generator's core; its standard output. Raises CalledProcessError."""
    whole = {**os.environ, "PYTHONPATH": str(ROOT), **(env or {})}
    return subprocess.run(
        pinned(core, command), env=whole, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ).stdout


def wait_for_port(port: int, seconds: float = 15.0) -> None:
    """Raises TimeoutError when nothing listens in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise TimeoutError(f"Nothing listens on port {port}.")


def cpu_seconds(pids: Iterable[int], *, ended: bool = False) -> float:
    """User and system time of the processes so far: steadier than a rate where the machine is noisy.

    `ended`: with that of their children that have ended.
    """
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += sum(int(field) for field in fields[11 : 15 if ended else 13])
    return ticks / os.sysconf("SC_CLK_TCK")


def children(pid: int) -> list[int]:
    """Processes that this one started and that live."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def rss_megabytes(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise LookupError(f"Process {pid} has no VmRSS.")


def sync_microseconds(folder: Path, rounds: int = 300) -> float:
    """Median of a 4 KiB write with fdatasync into a file that is long enough already."""
    path = folder / "sync.probe"
    handle = os.open(path, os.O_RDWR | os.O_CREAT)
    try:
        os.pwrite(handle, bytes(rounds * 4096), 0)
        os.fsync(handle)
        spent = []
        for number in range(rounds):
            os.pwrite(handle, b"x" * 4096, number * 4096)
            begun = time.perf_counter()
            os.fdatasync(handle)
            spent.append(time.perf_counter() - begun)
        return sorted(spent)[rounds // 2] * 1e6
    finally:
        os.close(handle)
        path.unlink()


def describe() -> str:
    model = "unknown CPU"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return f"{_CORES} cores ({model}), Linux {platform.release()}, Python {platform.python_version()}"


def load_average() -> float:
    return os.getloadavg()[0]
