"""Servers that a test run started do not outlive it, however it is ended, and their folders only until the next one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import mariadb
import pytest

from interlock.testing.run_folder import RunFolder, clear_abandoned

SERVERS = {
    "nats": ("nats_server", "NatsServer"),
    "postgres": ("postgres_server", "PostgresServer"),
    "tansu": ("kafka_server", "TansuKafka"),
    "mock": ("kafka_server", "MockKafka"),
    "mariadb": ("mariadb_server", "MariadbServer"),
}
RUN = """
from interlock.testing.{module} import {name}
server = {name}()
server.start()
print(server.pid, server.folder, flush=True)
input()
"""


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"


KINDS = [pytest.param(kind, marks=mariadb.needed if kind == "mariadb" else ()) for kind in SERVERS]


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_that_is_killed_takes_its_servers_along(kind: str) -> None:
    module, name = SERVERS[kind]
    run = subprocess.Popen(
        [sys.executable, "-c", RUN.format(module=module, name=name)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert run.stdout is not None
    pid, folder = run.stdout.readline().split()
    assert alive(int(pid))
    run.send_signal(signal.SIGKILL)
    run.wait()
    deadline = time.monotonic() + 15
    while alive(int(pid)):
        assert time.monotonic() < deadline, f"{kind} outlives its run"
        time.sleep(0.02)
    abandoned = Path(folder.decode())
    assert abandoned.exists()
    clear_abandoned(abandoned.parent)
    assert not abandoned.exists()


def test_a_folder_is_cleared_only_when_its_run_is_over(tmp_path: Path) -> None:
    ours = RunFolder("mine", str(tmp_path))
    clear_abandoned(tmp_path)
    assert ours.path.exists()
    made = f"RunFolder('theirs', {str(tmp_path)!r})"
    run = [sys.executable, "-c", f"from interlock.testing.run_folder import RunFolder; print({made}.path)"]
    theirs = Path(subprocess.run(run, capture_output=True, text=True, check=True).stdout.strip())
    assert theirs.exists()
    RunFolder("next", str(tmp_path))
    assert not theirs.exists()
    ours.remove()
    assert not ours.path.exists()
