"""Servers that a test run started do not outlive it, however it is ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SERVERS = {
    "nats": ("nats_server", "NatsServer"),
    "postgres": ("postgres_server", "PostgresServer"),
    "tansu": ("kafka_server", "TansuKafka"),
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


@pytest.mark.parametrize("kind", SERVERS)
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
    subprocess.run(["/bin/rm", "-rf", "--", folder.decode()], check=True)
