"""Hears of what other processes append, and tells them of ours.

Notifications only wake: what there is to read, the heads of the partitions say. So a lost one costs a pause, never an
event. They are sent after the commit and from a session that does not wait for the disk, since a commit that notifies
holds a lock that all of the server's notifying commits share.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import psycopg

from interlock.adapters.postgres.connection import Connection, Target, connect, reconnect
from interlock.adapters.postgres.session import pauses
from interlock.model.lasting_task import lasting
from interlock.model.problems import Problem

PAUSE_SECONDS = 1.0
RING_SECONDS = 0.005


class Follower:
    """Calls `look` when others may have appended, and once a second anyway."""

    def __init__(self, target: Target, writer: Callable[[], int], look: Callable[[], Awaitable[bool]]) -> None:
        """`look` reads what is new, and says whether there are other writers to be told of ours."""
        self._channel = f"interlock_{target.schema}"
        self._target = target
        self._writer = writer
        self._look = look
        self._ears: Connection | None = None
        self._mouth: Connection | None = None
        self._others = True
        self._rung = asyncio.Event()
        self._tasks = [lasting(self._listen(), "PostgreSQL follower"), lasting(self._ring(), "PostgreSQL bell")]
        self._rung.set()  # so that those who thought they were alone learn of us

    def ring(self) -> None:
        """Something was committed. Costs nothing while nobody else has the store open."""
        if self._others:
            self._rung.set()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for connection in (self._ears, self._mouth):
            if connection is not None:
                await connection.close()

    async def _listen(self) -> None:
        away = pauses()
        while True:
            try:
                if self._ears is None or self._ears.closed:
                    self._ears = await (reconnect if self._ears else connect)(self._target)
                    await self._ears.execute(f"LISTEN {self._channel}".encode())
                self._others = await self._look()
                away = pauses()
                await self._wait(self._ears)
            except (Problem, psycopg.Error, OSError):
                await asyncio.sleep(next(away))

    async def _wait(self, ears: Connection) -> None:
        """Until somebody else rings, or the pause is over."""
        mine, loop = str(self._writer()), asyncio.get_running_loop()
        end = loop.time() + PAUSE_SECONDS
        while (left := end - loop.time()) > 0:
            heard = [one.payload async for one in ears.notifies(timeout=left, stop_after=1)]
            if heard and set(heard) != {mine}:
                return

    async def _ring(self) -> None:
        """At most once in a while, however many commits there are."""
        while True:
            await self._rung.wait()
            self._rung.clear()
            with suppress(Problem, psycopg.Error, OSError):
                if self._mouth is None or self._mouth.closed:
                    self._mouth = await (reconnect if self._mouth else connect)(self._target)
                    await self._mouth.execute(b"SET synchronous_commit = off")
                await self._mouth.execute(b"SELECT pg_notify($1, $2)", (self._channel, str(self._writer())))
            await asyncio.sleep(RING_SECONDS)
