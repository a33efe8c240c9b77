"""Listens, and keeps the connections."""

from __future__ import annotations

import asyncio
import logging
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from interlock.edge.admission import Admission
from interlock.edge.exchange import Response
from interlock.edge.http_protocol import HttpProtocol
from interlock.edge.known_heads import KnownHeads
from interlock.edge.limits import EdgeLimits
from interlock.edge.problem_response import problem_response
from interlock.edge.response_writer import ResponseWriter
from interlock.edge.router import Router
from interlock.model.clock import Clock
from interlock.model.problems import Problem, TooManyRequests, Unexpected

log = logging.getLogger(__name__)

TICK_SECONDS = 0.25
POLL_SECONDS = 0.01
FLUSH_SECONDS = 0.2
BACKLOG = 2048
PRIVATE = 0o177


def unobserved(problem: Problem) -> None:
    """For servers whose refusals nobody counts."""


class Server:
    """An HTTP/1.1 server on TCP or on a Unix socket. Times out, refuses and drains; what it serves is the router's.

    observe   called with every problem that the server itself answers or that a handler raised
    """

    def __init__(
        self,
        router: Router,
        clock: Clock,
        limits: EdgeLimits | None = None,
        admission: Admission | None = None,
        observe: Callable[[Problem], None] = unobserved,
    ) -> None:
        self.router = router
        self.limits = limits or EdgeLimits()
        self.admission = admission or Admission(self.limits)
        self.now_us = clock.monotonic_us()  # as of the last tick: exact enough for timeouts, free on the hot path
        self.writer = ResponseWriter(clock.now_us())
        self.known = KnownHeads()
        self.refused = observe
        self._clock = clock
        self._connections: set[HttpProtocol] = set()
        self._listener: asyncio.Server | None = None
        self._ticking: asyncio.Task[None] | None = None
        self._socket_path: Path | None = None

    @property
    def connections(self) -> int:
        return len(self._connections)

    async def listen_tcp(self, host: str, port: int) -> int:
        """Listen; returns the port, which the system chooses for port 0."""
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(lambda: HttpProtocol(self), host, port, backlog=BACKLOG)
        self._start()
        return int(self._listener.sockets[0].getsockname()[1])

    async def listen_unix(self, path: Path) -> None:
        """Listen on a socket file that only this user may open (mode 0600). A stale socket file is replaced."""
        loop = asyncio.get_running_loop()
        _remove_socket(path)
        # The mode must hold from the first moment on: set after the bind, it would leave a gap.
        mask = os.umask(PRIVATE)
        try:
            self._listener = await loop.create_unix_server(
                lambda: HttpProtocol(self), str(path), backlog=BACKLOG, start_serving=False
            )
        finally:
            os.umask(mask)
        await self._listener.start_serving()
        self._socket_path = path
        self._start()

    async def drain(self, seconds: float) -> int:
        """Stop accepting, finish what is in flight for up to `seconds`, then close. Returns how many were cut off."""
        self.admission.draining = True
        if self._listener is not None:
            self._listener.close()
        for connection in list(self._connections):
            connection.drain()
        await self._settle(lambda: self.admission.in_flight <= 0, seconds)
        cut_off = self.admission.in_flight
        await self._close()
        return cut_off

    def opened(self, connection: HttpProtocol) -> Problem | None:
        """A connection came; a problem when it is one too many."""
        self._connections.add(connection)
        if len(self._connections) > self.limits.connections:
            return TooManyRequests("Too many connections are open.", retry_after_seconds=1)
        return None

    def closed(self, connection: HttpProtocol) -> None:
        self._connections.discard(connection)

    def release(self) -> None:
        """A request is no longer in flight."""
        self.admission.in_flight -= 1

    def unexpected(self) -> Response:
        """The answer where our own code failed: says nothing of the inside."""
        problem = Unexpected("The request met a defect in Interlock.")
        self.refused(problem)
        return problem_response(problem)

    def tick(self) -> None:
        """Take over the time, and end what takes too long."""
        self.now_us = now_us = self._clock.monotonic_us()
        self.writer.tick(self._clock.now_us())
        self.admission.tick(now_us)
        request_us = int(self.limits.request_seconds * 1_000_000)
        idle_us = int(self.limits.idle_seconds * 1_000_000)
        for connection in list(self._connections):
            connection.sweep(now_us, request_us, idle_us)

    def _start(self) -> None:
        self.tick()
        self._ticking = asyncio.create_task(self._tick_on())

    async def _tick_on(self) -> None:
        while True:
            await self._clock.sleep(TICK_SECONDS)
            try:
                self.tick()
            except Exception:
                log.exception("the server's tick failed")

    async def _settle(self, settled: Callable[[], bool], seconds: float) -> None:
        deadline_us = self._clock.monotonic_us() + int(seconds * 1_000_000)
        while not settled() and self._clock.monotonic_us() < deadline_us:
            await self._clock.sleep(POLL_SECONDS)

    async def _close(self) -> None:
        for connection in list(self._connections):
            connection.drain()
        # Answers that were just written may still stand in the transports' buffers.
        await self._settle(lambda: not self._connections, FLUSH_SECONDS)
        for connection in list(self._connections):
            connection.abort()
        if self._ticking is not None:
            self._ticking.cancel()
            with suppress(asyncio.CancelledError):
                await self._ticking
        if self._socket_path is not None:
            _remove_socket(self._socket_path)


def _remove_socket(path: Path) -> None:
    """Remove a socket file, and nothing that is not one."""
    with suppress(FileNotFoundError):
        if stat.S_ISSOCK(path.stat().st_mode):
            path.unlink()
