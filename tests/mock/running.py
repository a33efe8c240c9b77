"""The commands as a user runs them: `interlock mock` as a process of its own, spoken to over HTTP."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from interlock.testing.end_with_run import start_server


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    body: Any


def command(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "interlock.cli.main", *map(str, arguments)]
    return subprocess.run(line, cwd=cwd, capture_output=True, text=True, check=False, timeout=60)


@contextlib.contextmanager
def mocking(*arguments: str | Path) -> Iterator[str]:
    """The address of a mock that runs meanwhile."""
    line = [sys.executable, "-m", "interlock.cli.main", "mock", *map(str, arguments), "--port", "0", "--json"]
    process = start_server(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        assert said, process.stderr.read() if process.stderr else ""
        yield json.loads(said)["url"]
    finally:
        os.kill(process.pid, signal.SIGTERM)
        process.communicate(timeout=20)
    assert process.returncode == 0


def send(method: str, url: str, body: Any = None, **headers: str) -> Reply:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    raw = None if body is None else json.dumps(body).encode()
    if raw is not None:
        sent.setdefault("content-type", "application/json")
    request = urllib.request.Request(url, data=raw, headers=sent, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return _reply(answer.status, answer.headers, answer.read())
    except urllib.error.HTTPError as error:
        return _reply(error.code, error.headers, error.read())


def _reply(status: int, headers: Any, raw: bytes) -> Reply:
    names = {name.lower(): value for name, value in headers.items()}
    is_json = "json" in names.get("content-type", "") and raw
    return Reply(status, names, json.loads(raw) if is_json else raw.decode())
