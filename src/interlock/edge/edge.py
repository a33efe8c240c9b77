"""Everything inbound, put together."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import orjson

from interlock.edge.admission import Admission, no_lag, unlimited_disk
from interlock.edge.counters import TEXT, Counters
from interlock.edge.events_api import EventsApi
from interlock.edge.exchange import Request, Responder, Response
from interlock.edge.json_api import ApiEngine, JsonApi
from interlock.edge.limits import EdgeLimits
from interlock.edge.refusals import Refusals
from interlock.edge.registry_api import RegistryApi
from interlock.edge.router import Router
from interlock.edge.server import Server
from interlock.model.clock import Clock
from interlock.model.ids import Ids
from interlock.model.problems import CallerProblem, Problem, UnavailableProblem
from interlock.ports.event_log import EventLog
from interlock.ports.state_store import StateStore
from interlock.ports.trace_sink import TraceSink

if TYPE_CHECKING:
    from interlock.estate.estate import Estate


def always_ready() -> str | None:
    return None


def no_metrics() -> str:
    return ""


class Edge:
    """The server of an estate: events, its JSON APIs, health and metrics.

    lag        accepted events that wait to be handled
    ready      why the engine is not ready, or None
    free_disk  bytes free where the store lies
    metrics    further lines for GET /metrics
    sink       where the spans of sampled requests go
    registry   served at and below its prefix
    """

    def __init__(
        self,
        estate: Estate,
        log: EventLog,
        store: StateStore,
        engine: ApiEngine,
        clock: Clock,
        ids: Ids,
        limits: EdgeLimits | None = None,
        *,
        lag: Callable[[], int] = no_lag,
        ready: Callable[[], str | None] = always_ready,
        free_disk: Callable[[], int] = unlimited_disk,
        metrics: Callable[[], str] = no_metrics,
        sink: TraceSink | None = None,
        registry: RegistryApi | None = None,
    ) -> None:
        limits = limits or EdgeLimits()
        self.counters = Counters()
        self.refusals = Refusals()
        self.router = Router()
        self._clock = clock
        self._ready = ready
        self._metrics = metrics
        self.admission = Admission(limits, lag, free_disk)
        self._server = Server(self.router, clock, limits, self.admission, self._observe)
        events = EventsApi(estate, log, clock, ids, limits, self.counters, self.refusals, sink)
        apis = JsonApi(estate, store, engine, clock, ids, limits, self.counters, self._observe, sink)
        self.router.add("POST", "/events", events.post)
        self.router.add("GET", "/health/live", self._live, guarded=False)
        self.router.add("GET", "/health/ready", self._readiness, guarded=False)
        self.router.add("GET", "/metrics", self._page, guarded=False)
        if registry is not None:
            self.router.mount(registry.prefix, registry.handle)
        apis.attach(self.router)

    async def start(self, host: str, port: int) -> int:
        """Listen; returns the port, which the system chooses for port 0."""
        return await self._server.listen_tcp(host, port)

    async def drain(self, seconds: float) -> int:
        """Accept nothing more, answer what is in flight, close. Returns how many requests were cut off."""
        return await self._server.drain(seconds)

    def _observe(self, problem: Problem, contract: str = "") -> None:
        """Count a problem whose sender is not known, and mostly not its contract either."""
        self.counters.problems[problem.code] += 1
        if isinstance(problem, CallerProblem):
            pointer = str(problem.errors[0].get("pointer", "")) if problem.errors else ""
            self.refusals.record(problem.code, contract, "", pointer, self._clock.now_us())

    def _live(self, request: Request, respond: Responder) -> None:
        """The process turns its event loop: that is all."""
        respond(Response(200, orjson.dumps({"status": "live"})))

    def _readiness(self, request: Request, respond: Responder) -> None:
        """Whether a request would be taken now."""
        reason = self._ready()
        if reason is not None:
            raise UnavailableProblem(reason)
        refusal = self.admission.refusal()
        if refusal is not None:
            raise refusal
        respond(Response(200, orjson.dumps({"status": "ready"})))

    def _page(self, request: Request, respond: Responder) -> None:
        text = self.counters.render(self.admission.in_flight, self._server.connections, self._metrics)
        respond(Response(200, text.encode(), TEXT))
