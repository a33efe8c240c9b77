"""A process that the demo started, and ends by its own id."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

LISTENING = re.compile(r"listening on (http://\S+)")
START_SECONDS = 30.0
STOP_SECONDS = 30.0


class DidNotStart(Exception):
    """The process ended, or said nothing, before it listened."""


class Child:
    """stdout and stderr go to `log`. `address` is what the process said that it listens on."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, log: Path) -> None:
        self.name = name
        self.address = ""
        self.log = log
        self._process = process
        self._copying: asyncio.Task[None] | None = None

    @classmethod
    async def start(cls, name: str, command: Sequence[str], environ: Mapping[str, str], log: Path) -> Child:
        """Returns when it listens; raises DidNotStart."""
        process = await asyncio.create_subprocess_exec(
            *command,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, **environ},
            start_new_session=True,  # Ctrl-C reaches the demo, which then stops its children in order
        )
        child = cls(name, process, log)
        listening = asyncio.Event()
        child._copying = asyncio.create_task(child._copy(listening))
        try:
            async with asyncio.timeout(START_SECONDS):
                await listening.wait()
        except TimeoutError:
            process.kill()
        if not child.address:
            await child._copying
            raise DidNotStart(f"{name} did not start. Its last words, in {log}:\n{tail(log)}")
        return child

    @property
    def pid(self) -> int:
        return self._process.pid

    async def kill(self) -> None:
        """SIGKILL: no handler, no flush, no goodbye."""
        self._process.kill()
        await self._gone()

    async def stop(self) -> int:
        """SIGTERM, then SIGKILL. Answers the exit code."""
        if self._process.returncode is None:
            self._process.terminate()
            try:
                async with asyncio.timeout(STOP_SECONDS):
                    await self._process.wait()
            except TimeoutError:
                self._process.kill()
        return await self._gone()

    async def _gone(self) -> int:
        code = await self._process.wait()
        if self._copying is not None:
            await self._copying
        return code

    async def _copy(self, listening: asyncio.Event) -> None:
        assert self._process.stdout is not None
        with self.log.open("ab") as log:
            async for line in self._process.stdout:
                log.write(line)
                log.flush()
                found = LISTENING.search(line.decode(errors="replace"))
                if found and not self.address:
                    self.address = found[1]
                    listening.set()
        listening.set()


def tail(log: Path, lines: int = 15) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else "(nothing)"
