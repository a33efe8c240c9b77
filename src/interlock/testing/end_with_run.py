"""Servers of a test run end with it, however it ends: SIGKILL and SIGTERM run no `atexit` and no `finally`.

`setpriv` of util-linux asks the kernel for a signal when the parent dies (prctl(2), PR_SET_PDEATHSIG), then becomes the
server, so that its pid stays the one that was started. The kernel means the thread that started it, so one thread
starts them all, and lives as long as the run. Without setpriv those who started them end them, or nobody does.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

_starting = ThreadPoolExecutor(1, thread_name_prefix="servers")


def start_server(command: Sequence[str], how: str = "KILL", **options: Any) -> subprocess.Popen[bytes]:
    """As Popen; the server gets the signal `how` when our process dies."""
    setpriv = shutil.which("setpriv")
    bound = [setpriv, "--pdeathsig", how, "--", *command] if setpriv else list(command)
    return _starting.submit(lambda: subprocess.Popen(bound, **options)).result()  # noqa: S603 - our own server
