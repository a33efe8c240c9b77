"""The composition root: the only place that names adapters."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

from interlock import __version__
from interlock.adapters.aiohttp_client import AiohttpClient
from interlock.adapters.null_sink import NullSink
from interlock.adapters.span_file import SpanFile
from interlock.adapters.system import SystemClock, SystemIds
from interlock.app.control import Control
from interlock.app.control_path import control_path, remove_dead
from interlock.app.health import Health
from interlock.app.limits import edge_limits, flow_limits
from interlock.app.listening import cannot_listen
from interlock.app.log import engine_failed
from interlock.app.metrics import EngineMetrics
from interlock.app.registry import ServedRegistry
from interlock.app.role import EVERYTHING, Role
from interlock.app.secrets import signing_secrets
from interlock.app.sources import Sources
from interlock.app.stores import open_record, open_schemas, open_stores, shares
from interlock.delivery.deliverer import Deliverer
from interlock.delivery.limits import DeliveryLimits
from interlock.edge.edge import Edge
from interlock.estate.estate import Estate
from interlock.estate.settings import Settings
from interlock.flows.crew import Enlistment
from interlock.flows.engine import Engine
from interlock.model.lasting_task import problem_in
from interlock.model.problems import Fenced, Problem, SettingInvalid
from interlock.operate.metrics import Metric, Samples
from interlock.ports.membership import Membership
from interlock.ports.trace_sink import TraceSink

log = logging.getLogger("interlock.engine")


class Process:
    """One engine with what its role needs of edge, deliverer and control socket, from start to drain."""

    def __init__(self, estate: Estate, role: Role = EVERYTHING) -> None:
        self._estate = estate
        self._role = role
        self._draining = False
        self._stop = asyncio.Event()
        self._failure: Problem | None = None
        self.port = 0  # where it serves; a worker: its health port

    async def run(self, ready: Callable[[int], None]) -> None:
        """Serve until a signal, or until the store is lost; then drain. Raises what ended it."""
        await self.start()
        ready(self.port)
        await self._stop.wait()
        await self.stop()
        if self._failure is not None:
            raise self._failure

    async def start(self) -> None:
        """A start that fails leaves nothing open behind it."""
        async with AsyncExitStack() as opened:
            await self._start(opened)
            opened.pop_all()

    async def _start(self, opened: AsyncExitStack) -> None:
        estate, settings = self._estate, self._estate.settings
        names = {"estate": estate.name, "estate_hash": estate.hash, "release": __version__}
        log.info("engine.starting", extra=names)
        asyncio.get_running_loop().set_exception_handler(self._unforeseen)
        self.clock, self.ids = SystemClock(), SystemIds()
        self._secrets = signing_secrets(estate.systems, os.environ) if self._role.runs_flows else {}
        self.stores = await open_stores(estate)
        self.log, self.store = self.stores
        opened.push_async_callback(self.stores.close)
        self.stores.watch(self.fail)
        self.sink = trace_sink(estate)
        opened.push_async_callback(self.sink.close)
        limits = flow_limits(settings)
        enlistment = self._enlistment()
        self.engine = Engine(estate, self.log, self.store, self.clock, self.ids, self.sink, limits, enlistment)
        self.engine.on_fenced = self.fail
        await self.engine.acquire(settings.hash)
        opened.push_async_callback(self.engine.leave)
        self.deliverer = await self._deliverer(opened) if self._role.runs_flows else None
        opened.push_async_callback(self.engine.drain, 0)
        await self.engine.start()
        if self.deliverer is not None:
            await self.deliverer.start()
        self.metrics = EngineMetrics(self.engine, self.deliverer, self.store, self.sink, self._more_samples)
        await self._listen(settings, opened)

    def _enlistment(self) -> Enlistment | None:
        """How we take part, where the store is one that several processes share."""
        if not shares(self._estate):
            refuse_alone(self._role, self._estate)
            return None
        assert isinstance(self.store, Membership)
        workers = self._estate.settings.workers
        return Enlistment(
            self.store, self._role.full_name, self._role.runs_flows, workers.lease_seconds, workers.drain_seconds
        )

    async def _deliverer(self, opened: AsyncExitStack) -> Deliverer:
        estate, settings = self._estate, self._estate.settings
        self.client = AiohttpClient()
        opened.push_async_callback(self.client.close)
        concurrency = DeliveryLimits(concurrency=settings.limits.delivery_concurrency)
        deliverer = Deliverer(
            self.store,
            self.client,
            estate.systems,
            self._secrets,
            self.clock,
            self.ids,
            self.engine.epoch,
            replies(estate),
            concurrency,
            self.sink,
            shared=self.engine.crew is not None,
        )
        deliverer.on_failure = self.fail
        deliverer.on_dead_letter = self.engine.letters.delivery
        self.engine.on_calls = deliverer.enqueue
        if self.engine.crew is not None:
            crew = self.engine.crew
            deliverer.stale = lambda: crew.stale
            self.engine.share(deliverer)
        opened.push_async_callback(deliverer.drain, 0)
        return deliverer

    async def _listen(self, settings: Settings, opened: AsyncExitStack) -> None:
        self.control = Control(self.engine, self.store, self.clock, self.ids)
        opened.push_async_callback(self.control.drain, 0)
        if settings.stores.kind != "memory":
            process = str(os.getpid()) if self.engine.crew is not None else ""
            socket_path = control_path(self._estate.store_path, process)
            socket_path.parent.mkdir(parents=True, exist_ok=True)
            remove_dead(self._estate.store_path)
            await self.control.start(socket_path)
        try:
            if self._role.serves:
                await self._serve(settings, opened)
            else:
                await self._tell_health(settings, opened)
        except (OSError, UnicodeError) as error:  # UnicodeError: a host that IDNA cannot encode
            port = settings.server.port if self._role.serves else self._role.health_port
            setting = "server.port" if self._role.serves else "--health-port"
            raise cannot_listen(settings.server.host, port, setting, error) from error
        place = {"host": settings.server.host, "port": self.port, "epoch": self.engine.epoch}
        log.info("engine.ready", extra=place)

    async def _tell_health(self, settings: Settings, opened: AsyncExitStack) -> None:
        self.health = Health(self.clock, self.unready, self.metrics)
        opened.push_async_callback(self.health.drain, 0)
        if self._role.health_port:
            self.port = await self.health.start(settings.server.host, self._role.health_port)

    async def _serve(self, settings: Settings, opened: AsyncExitStack) -> None:
        self.schemas = await open_schemas(self._estate, self.store)
        opened.push_async_callback(self.schemas.close)
        self.record = await open_record(self._estate, self.store)
        opened.push_async_callback(self.record.close)
        self.registry = ServedRegistry(self._estate, self.schemas, self.record, self.clock, edge_limits(settings))
        opened.push_async_callback(self.registry.drain, 0)
        self.edge = Edge(
            self._estate,
            self.log,
            self.store,
            self.engine,
            self.clock,
            self.ids,
            edge_limits(settings),
            lag=lambda: self.engine.lag + self.stores.unindexed,
            ready=self.unready,
            free_disk=self._free_disk,
            metrics=self.metrics,
            sink=self.sink,
            registry=self.registry.api,
        )
        self.engine.take_refusals = self.edge.refusals.take
        refusals, admission = self.edge.refusals, self.edge.admission.refusal
        self.sources = Sources(self._estate, self.log, self.record, refusals, self.clock, self.ids, admission)
        opened.push_async_callback(self.sources.drain, 0)
        await self.sources.check()
        await self.registry.start()
        self.port = await self.edge.start(settings.server.host, settings.server.port)
        self.sources.start()

    async def stop(self) -> None:
        """Drain from the outside in: edge, flows, deliveries, store. What is unfinished is found again at the start."""
        log.info("engine.draining")
        self._draining = True  # first of all: whoever asks whether we are ready sends its requests elsewhere
        deadline_us = self.clock.monotonic_us() + int(self._estate.settings.workers.drain_seconds * 1_000_000)

        def left() -> float:
            return max(0.0, (deadline_us - self.clock.monotonic_us()) / 1_000_000)

        if self._role.serves:
            await self.edge.drain(left())
            await self.sources.drain(left())
            await self.registry.drain(left())
        await self.control.drain(min(1.0, left()))
        # An owner that was replaced has nothing to finish: none of it would be committed.
        finished = await self.engine.drain(0 if isinstance(self._failure, Fenced) else left())
        if self.deliverer is not None:
            await self.deliverer.drain(left())
            await self.client.close()
        await self.engine.leave()
        if self._role.serves:
            await self.record.close()
            await self.schemas.close()
        else:
            await self.health.drain(0)
        await self.stores.close()
        await self.sink.close()
        log.info("engine.drained", extra={"finished": finished})

    def unready(self) -> str | None:
        """Why nothing should be sent here, or None."""
        if self._draining:
            return "The process is stopping."
        crew = self.engine.crew
        if crew is not None and crew.stale:
            return f"The store has not answered for {crew.silent_seconds:.0f} s."
        return None

    def _more_samples(self) -> dict[Metric, Samples]:
        return self.sources.samples() if self._role.serves else {}

    def request_stop(self) -> None:
        self._stop.set()

    def fail(self, problem: Problem) -> None:
        """The store is lost to us: stop, say why."""
        if self._failure is None:
            if isinstance(problem, Fenced):
                log.error("engine.fenced", extra={"code": problem.code})
            else:
                engine_failed(problem)
            self._failure = problem
        self._stop.set()

    def _unforeseen(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Of the event loop: what nobody awaits has raised. Some of that must not go on without."""
        loop.default_exception_handler(context)
        if (problem := problem_in(context)) is not None:
            self.fail(problem)

    def _free_disk(self) -> int:
        folder = self._estate.store_path.parent
        return shutil.disk_usage(folder if folder.exists() else self._estate.root).free


def refuse_alone(role: Role, estate: Estate) -> None:
    """A part of an engine needs the other parts beside it, on the same store."""
    if role.name != "all":
        raise SettingInvalid(
            f"--role {role.name} needs a store that several processes share; stores.kind is "
            f"{estate.settings.stores.kind}.",
            next_step='Set stores.kind = "postgres", or leave --role out: one process does it all then.',
        )


def trace_sink(estate: Estate) -> TraceSink:
    """The file that the settings name, or nobody."""
    settings = estate.settings.trace
    if not settings.file:
        return NullSink()
    resource = {"service.name": estate.name, "service.namespace": "interlock", "service.version": estate.hash}
    return SpanFile(estate.root / settings.file, resource, __version__, limit_bytes=settings.file_bytes)


def replies(estate: Estate) -> frozenset[str]:
    """Operations whose answers some flow handles."""
    specs = [spec for flow in estate.flows.values() for spec in flow.specs]
    return frozenset(spec.subject for spec in specs if spec.trigger == "reply")
