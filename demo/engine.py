"""The engine as its operator sees it: a process, and the commands of the command line."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any

from demo.backend import Backend
from demo.child import Child
from demo.workplace import ENVIRONMENT, Workplace

INTERLOCK = (sys.executable, "-m", "interlock.cli.main")
POLL_SECONDS = 0.4


class CommandFailed(Exception):
    """An interlock command ended with an error."""


class Engine:
    def __init__(self, workplace: Workplace, backend: Backend) -> None:
        self._workplace, self._backend = workplace, backend
        self._child: Child | None = None
        self.address = ""

    async def start(self) -> None:
        log = self._workplace.logs / "engine.log"
        command = (*INTERLOCK, "up", str(self._workplace.estate), "--environment", ENVIRONMENT, *self._backend.words)
        self._child = await Child.start("the engine", command, self._environ, log)
        self.address = self._child.address

    @property
    def pid(self) -> int:
        """Of the process that was started: the engine, or the supervisor of its parts."""
        assert self._child is not None
        return self._child.pid

    @property
    def _environ(self) -> dict[str, str]:
        return {**self._workplace.environ, **self._backend.environ}

    async def kill(self) -> None:
        """SIGKILL."""
        assert self._child is not None
        await self._child.kill()

    async def stop(self) -> None:
        if self._child is not None:
            await self._child.stop()

    async def status(self) -> dict[str, Any]:
        """Of `interlock status --json`; it answers 1 while the sums do not balance, which is no failure here."""
        result: dict[str, Any] = json.loads(await self._ask("status", "--json"))
        return result

    async def dead_letters(self) -> list[dict[str, Any]]:
        result: list[dict[str, Any]] = json.loads(await self._ask("dlq", "list", "--json"))
        return result

    async def why(self, term: str) -> str:
        return await self._ask("why", term)

    async def settle(self, seconds: float) -> dict[str, Any]:
        """Waits until nothing is pending, parked or on its way; answers the last status, settled or not."""
        deadline = asyncio.get_running_loop().time() + seconds
        while True:
            status = await self.status()
            if status["settled"] or asyncio.get_running_loop().time() > deadline:
                return status
            await asyncio.sleep(POLL_SECONDS)

    async def _ask(self, *words: str) -> str:
        process = await asyncio.create_subprocess_exec(
            *INTERLOCK,
            *words,
            "--estate",
            str(self._workplace.estate),
            "--environment",
            ENVIRONMENT,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, **self._environ, "NO_COLOR": "1"},
        )
        out, errors = await process.communicate()
        if process.returncode not in (0, 1) or not out:
            raise CommandFailed(f"interlock {' '.join(words)}: {errors.decode()}")
        return out.decode()
