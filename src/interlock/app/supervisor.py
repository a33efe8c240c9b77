"""One machine's processes: started, restarted when they die, and ended together."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import signal
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from time import monotonic
from typing import Any

from interlock.model.pauses import Pauses
from interlock.model.problems import Problem, SettingInvalid, UnavailableProblem, Unexpected

log = logging.getLogger("interlock.supervisor")
PAUSE_SECONDS = (0.5, 30.0)
STEADY_SECONDS = 60.0  # who lived that long begins anew with the short pause
MOST_DEATHS = 10  # in a row
KILL_SECONDS = 5.0  # beyond the time for draining
EXIT_CONFIGURATION = 78  # EX_CONFIG of sysexits.h: another start would end alike


class Supervisor:
    """Runs commands, by name. Each gets `--supervised FD`: a pipe that closes when the supervisor ends, however."""

    def __init__(
        self,
        commands: Mapping[str, Sequence[str]],
        drain_seconds: float,
        prepare: Callable[[], Coroutine[Any, Any, None]],
    ) -> None:
        """`prepare` comes first, and raises what would keep all of them from running."""
        self._commands = commands
        self._prepare = prepare
        self._drain_seconds = drain_seconds
        self._living: dict[str, asyncio.subprocess.Process] = {}
        self._stop = asyncio.Event()
        self._failure: Problem | None = None

    @property
    def pids(self) -> dict[str, int]:
        """Who lives now."""
        return {name: process.pid for name, process in self._living.items()}

    def request_stop(self) -> None:
        self._stop.set()

    async def run(self) -> None:
        """Until SIGTERM or SIGINT, or until one of them cannot be kept alive. Raises the problem then."""
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self.request_stop)
        await self._prepared()
        if self._stop.is_set():
            return
        self._lifeline, other_end = os.pipe()
        keeping = [loop.create_task(self._keep(name, command)) for name, command in self._commands.items()]
        try:
            await self._stop.wait()
            await self._end_all()
            await asyncio.gather(*keeping)
        finally:
            os.close(self._lifeline)
            os.close(other_end)
        if self._failure is not None:
            raise self._failure

    async def _prepared(self) -> None:
        """Patient with what is away, as with processes that die."""
        stopping = asyncio.ensure_future(self._stop.wait())
        pauses = Pauses(*PAUSE_SECONDS, random.random)
        for tried in range(1, MOST_DEATHS + 1):
            preparing = asyncio.ensure_future(self._prepare())
            await asyncio.wait({preparing, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if stopping.done():
                preparing.cancel()
                await asyncio.wait({preparing})
                return
            try:
                preparing.result()
                break
            except UnavailableProblem as problem:
                if tried == MOST_DEATHS:
                    raise
                pause = round(next(pauses), 2)
                fields = {"code": problem.code, "pause_seconds": pause, "tried": tried, "most": MOST_DEATHS}
                log.warning("supervisor.waits", extra=fields)
                await asyncio.wait({stopping}, timeout=pause)
        stopping.cancel()

    async def _keep(self, name: str, command: Sequence[str]) -> None:
        try:
            await self._keep_alive(name, command)
        finally:
            self._stop.set()  # it ends for all of them, or broke

    async def _keep_alive(self, name: str, command: Sequence[str]) -> None:
        deaths, pauses = 0, Pauses(*PAUSE_SECONDS, random.random)
        while not self._stop.is_set():
            born = monotonic()
            status = await self._live(name, command)
            if self._stop.is_set():
                return
            if monotonic() - born >= STEADY_SECONDS:
                deaths = 0
                pauses.begin_anew()
            deaths += 1
            if status == EXIT_CONFIGURATION or deaths >= MOST_DEATHS:
                self._give_up(name, status, deaths)
                return
            pause = round(next(pauses), 2)
            fields = {"child": name, "status": status, "pause_seconds": pause, "deaths": deaths, "most": MOST_DEATHS}
            log.warning("supervisor.restarts", extra=fields)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), pause)

    async def _live(self, name: str, command: Sequence[str]) -> int:
        """One life; its exit status, or minus the signal that ended it."""
        process = await asyncio.create_subprocess_exec(
            *command, "--supervised", str(self._lifeline), pass_fds=[self._lifeline]
        )
        self._living[name] = process
        log.info("supervisor.started", extra={"child": name, "pid": process.pid})
        if self._stop.is_set():
            process.terminate()
        try:
            return await process.wait()
        finally:
            del self._living[name]

    def _give_up(self, name: str, status: int, deaths: int) -> None:
        log.error("supervisor.gave_up", extra={"child": name, "status": status, "deaths": deaths})
        if status == EXIT_CONFIGURATION:
            self._failure = SettingInvalid(f"{name} cannot run as it is set.", next_step="See what it said above.")
        else:
            self._failure = Unexpected(
                f"{name} ended {deaths} times in a row, at last with status {status}, so all were stopped.",
                next_step="See what it said above; mend that, then start again.",
            )

    async def _end_all(self) -> None:
        """They drain by themselves; who takes too long is killed, by its process id."""
        ending = list(self._living.values())
        for process in ending:
            with suppress(ProcessLookupError):
                process.terminate()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._drain_seconds + KILL_SECONDS):
                while self._living:  # noqa: ASYNC110 - several ends, and one of them may still be coming to life
                    await asyncio.sleep(0.02)
        for name, process in self._living.items():
            log.error("supervisor.killed", extra={"child": name, "pid": process.pid})
            with suppress(ProcessLookupError):
                process.kill()
