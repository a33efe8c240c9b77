"""The engine as a real process: started, killed with SIGKILL, started again."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

COMMAND = (sys.executable, "-m", "interlock.cli.main")
LISTENING = re.compile(rb"listening on (http://127\.0\.0\.1:\d+)")
START_SECONDS = 30.0
STOP_SECONDS = 40.0
POLL_SECONDS = 0.3


class EngineFailed(Exception):
    """It ended, or said nothing, where it should have run."""


class Engine:
    """`address` is set, and `up` is, while it serves. `command` stands before `up <estate>`."""

    def __init__(
        self, estate: Path, log: Path, command: Sequence[str] = COMMAND, environment: Mapping[str, str] = {}
    ) -> None:
        self._estate, self._log, self._command = estate, log, command
        self._environment = {**os.environ, **environment}
        self._process: asyncio.subprocess.Process | None = None
        self._copying: asyncio.Task[None] | None = None
        self._ending = False
        self.address = ""
        self.up = asyncio.Event()
        self.lost = asyncio.Event()  # it ended, and nobody had asked it to

    async def spawn(self) -> None:
        """Start the process, and do not wait for it."""
        process = await asyncio.create_subprocess_exec(
            *self._command,
            "up",
            str(self._estate),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=self._environment,
        )
        self._process, self._ending = process, False
        self._copying = asyncio.create_task(self._copy(process))

    async def ready(self) -> None:
        assert self._copying is not None
        waiting = asyncio.create_task(self.up.wait())
        await asyncio.wait({waiting, self._copying}, timeout=START_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if not self.up.is_set():
            waiting.cancel()
            await self.kill()
            raise EngineFailed(f"did not start:\n{self._log.read_text()[-2000:]}")

    async def watch(self) -> None:
        """Raises EngineFailed when it ends by itself."""
        await self.lost.wait()
        raise EngineFailed(f"ended by itself:\n{self._log.read_text()[-2000:]}")

    async def kill_after(self, seconds: float) -> None:
        """SIGKILL from a thread: the loop, busy with the clients, would always kill between two bursts of theirs."""
        assert self._process is not None
        await asyncio.to_thread(self._kill_after, self._process, seconds)
        await self._gone(self._process)

    def _kill_after(self, process: asyncio.subprocess.Process, seconds: float) -> None:
        time.sleep(seconds)
        if process.returncode is None:
            self._ending = True
            os.kill(process.pid, signal.SIGKILL)

    async def kill(self) -> None:
        """SIGKILL, unless it has ended already."""
        self._ending = True
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._gone(self._process)

    async def stop(self) -> int:
        """SIGTERM; the exit code. EngineFailed when it does not go."""
        assert self._process is not None
        self._ending = True
        self._process.terminate()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                return await self._gone(self._process)
        except TimeoutError:
            await self.kill()
            raise EngineFailed(f"did not stop within {STOP_SECONDS} s") from None

    async def settled(self, seconds: float) -> dict[str, Any]:
        return await settled(self._status, seconds)

    async def _status(self) -> dict[str, Any]:
        process = await asyncio.create_subprocess_exec(
            *COMMAND, "status", str(self._estate), "--json", stdout=asyncio.subprocess.PIPE, env=self._environment
        )
        out, _ = await process.communicate()
        if process.returncode not in (0, 1):
            raise EngineFailed(f"interlock status ended with {process.returncode}")
        status: dict[str, Any] = json.loads(out)
        return status

    async def _gone(self, process: asyncio.subprocess.Process) -> int:
        code = await process.wait()
        if self._copying is not None:
            await self._copying
        return code

    async def _copy(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        with self._log.open("ab") as log:
            async for line in process.stdout:
                log.write(line)
                log.flush()
                if found := LISTENING.search(line):
                    self.address = found[1].decode()
                    self.up.set()
        self.up.clear()
        if not self._ending:
            self.lost.set()


async def settled(ask: Callable[[], Awaitable[dict[str, Any]]], seconds: float) -> dict[str, Any]:
    """The last `interlock status --json`: of the moment when all had settled, or nothing had moved for so long.

    How much is left to be done is a matter of the machine; that something of it is being done is not.
    """
    loop = asyncio.get_running_loop()
    before: object = None
    while True:
        status = await ask()
        stands = status["flows"], status["deliveries"], status["unpublished"]
        if stands != before:
            before, deadline = stands, loop.time() + seconds
        if status["settled"] or loop.time() > deadline:
            return status
        await asyncio.sleep(POLL_SECONDS)
