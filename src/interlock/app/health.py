"""The health port of a process that serves nothing else: for probes and for scrapes."""

from __future__ import annotations

from collections.abc import Callable

import orjson

from interlock.edge.admission import Admission, no_lag, unlimited_disk
from interlock.edge.counters import TEXT
from interlock.edge.exchange import Request, Responder, Response
from interlock.edge.limits import EdgeLimits
from interlock.edge.router import Router
from interlock.edge.server import Server
from interlock.model.clock import Clock
from interlock.model.problems import UnavailableProblem


class Health:
    """GET /health/live: the event loop turns. GET /health/ready: `unready` has no reason against it. GET /metrics."""

    def __init__(self, clock: Clock, unready: Callable[[], str | None], metrics: Callable[[], str]) -> None:
        self._unready = unready
        self._metrics = metrics
        router, limits = Router(), EdgeLimits()
        router.add("GET", "/health/live", self._live, guarded=False)
        router.add("GET", "/health/ready", self._ready, guarded=False)
        router.add("GET", "/metrics", self._page, guarded=False)
        self._server = Server(router, clock, limits, Admission(limits, no_lag, unlimited_disk))

    async def start(self, host: str, port: int) -> int:
        return await self._server.listen_tcp(host, port)

    async def drain(self, seconds: float) -> None:
        await self._server.drain(seconds)

    def _live(self, request: Request, respond: Responder) -> None:
        respond(Response(200, orjson.dumps({"status": "live"})))

    def _ready(self, request: Request, respond: Responder) -> None:
        reason = self._unready()
        if reason is not None:
            raise UnavailableProblem(reason, retry_after_seconds=1)
        respond(Response(200, orjson.dumps({"status": "ready"})))

    def _page(self, request: Request, respond: Responder) -> None:
        respond(Response(200, self._metrics().encode(), TEXT))
