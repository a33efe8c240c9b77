"""The composition root: the only place that names adapters."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import shutil
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack

from interlock import __version__
from interlock.adapters.aiohttp_client import AiohttpClient
from interlock.adapters.null_sink import NullSink
from interlock.adapters.span_file import SpanFile
from interlock.adapters.system import SystemClock, SystemIds
from interlock.app.control import Control
from interlock.app.metrics import EngineMetrics
from interlock.app.registry import ServedRegistry
from interlock.app.secrets import signing_secrets
from interlock.app.sources import Sources
from interlock.app.stores import open_record, open_schemas, open_stores, place_of_store
from interlock.delivery.deliverer import Deliverer
from interlock.delivery.limits import DeliveryLimits
from interlock.edge.edge import Edge
from interlock.edge.limits import EdgeLimits
from interlock.estate.estate import Estate
from interlock.estate.settings import Settings
from interlock.flows.engine import Engine
from interlock.flows.limits import FlowLimits
from interlock.model.problems import Fenced, Problem, SettingInvalid
from interlock.ports.trace_sink import TraceSink

log = logging.getLogger("interlock.engine")
DRAIN_SECONDS = 20.0
STUBBORN_SECONDS = 3.0
EXIT_STUBBORN = 1
SWITCH_INTERVAL_SECONDS = 0.0005
GC_YOUNG_OBJECTS = 100_000


class Process:
    """One engine with its edge, deliverer and control socket, from start to drain."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate
        self._stop = asyncio.Event()
        self._failure: Problem | None = None
        self.port = 0

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
        self.clock, self.ids = SystemClock(), SystemIds()
        secrets = signing_secrets(estate.systems, os.environ)
        self.stores = await open_stores(estate)
        self.log, self.store = self.stores
        opened.push_async_callback(self.stores.close)
        self.stores.watch(self.fail)
        self.sink = trace_sink(estate)
        opened.push_async_callback(self.sink.close)
        limits = flow_limits(settings)
        self.engine = Engine(estate, self.log, self.store, self.clock, self.ids, self.sink, limits)
        self.engine.on_fenced = self.fail
        epoch = await self.engine.acquire(settings.hash)
        self.client = AiohttpClient()
        opened.push_async_callback(self.client.close)
        concurrency = DeliveryLimits(concurrency=settings.limits.delivery_concurrency)
        self.deliverer = Deliverer(
            self.store,
            self.client,
            estate.systems,
            secrets,
            self.clock,
            self.ids,
            epoch,
            replies(estate),
            concurrency,
            self.sink,
        )
        self.deliverer.on_failure = self.fail
        self.engine.on_calls = self.deliverer.enqueue
        opened.push_async_callback(self.deliverer.drain, 0)
        opened.push_async_callback(self.engine.drain, 0)
        await self.engine.start()
        await self.deliverer.start()
        await self._listen(settings, opened)

    async def _listen(self, settings: Settings, opened: AsyncExitStack) -> None:
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
            free_disk=self._free_disk,
            metrics=EngineMetrics(self.engine, self.deliverer, self.store, self.sink, lambda: self.sources.samples()),
            sink=self.sink,
            registry=self.registry.api,
        )
        self.engine.take_refusals = self.edge.refusals.take
        refusals, admission = self.edge.refusals, self.edge.admission.refusal
        self.sources = Sources(self._estate, self.log, self.record, refusals, self.clock, self.ids, admission)
        opened.push_async_callback(self.sources.drain, 0)
        self.control = Control(self.engine, self.store, self.clock, self.ids)
        opened.push_async_callback(self.control.drain, 0)
        if settings.stores.kind != "memory":
            socket_path = place_of_store(self._estate).control
            socket_path.parent.mkdir(parents=True, exist_ok=True)
            await self.control.start(socket_path)
        await self.registry.start()
        try:
            self.port = await self.edge.start(settings.server.host, settings.server.port)
        except (OSError, UnicodeError) as error:  # UnicodeError: a host that IDNA cannot encode
            raise cannot_listen(settings, error) from error
        self.sources.start()
        place = {"host": settings.server.host, "port": self.port, "epoch": self.engine.epoch}
        log.info("engine.ready", extra=place)

    async def stop(self) -> None:
        """Drain from the outside in: edge, flows, deliveries, store. What is unfinished is found again at the start."""
        log.info("engine.draining")
        await self.edge.drain(DRAIN_SECONDS)
        await self.sources.drain(DRAIN_SECONDS)
        await self.registry.drain(DRAIN_SECONDS)
        await self.control.drain(1.0)
        # An owner that was replaced has nothing to finish: none of it would be committed.
        finished = await self.engine.drain(0 if isinstance(self._failure, Fenced) else DRAIN_SECONDS)
        await self.deliverer.drain(DRAIN_SECONDS)
        await self.client.close()
        await self.record.close()
        await self.schemas.close()
        await self.stores.close()
        await self.sink.close()
        log.info("engine.drained", extra={"finished": finished})

    def request_stop(self) -> None:
        self._stop.set()

    def fail(self, problem: Problem) -> None:
        """The store is lost to us: stop, say why."""
        if self._failure is None:
            fenced = isinstance(problem, Fenced)
            log.error("engine.fenced" if fenced else "engine.failed", extra={"code": problem.code})
        self._failure = problem
        self._stop.set()

    def _free_disk(self) -> int:
        folder = self._estate.store_path.parent
        return shutil.disk_usage(folder if folder.exists() else self._estate.root).free


def cannot_listen(settings: Settings, error: OSError | UnicodeError) -> SettingInvalid:
    """The name resolver numbers its errors by itself; all others have the system's text."""
    reason = str(error)
    if isinstance(error, OSError) and error.errno is not None:
        reason = str(error.strerror) if isinstance(error, socket.gaierror) else os.strerror(error.errno)
    return SettingInvalid(
        f"Cannot listen on {settings.server.host}:{settings.server.port}: {reason}.",
        next_step="Stop what listens there, or set server.port to another port (0 takes a free one).",
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


def flow_limits(settings: Settings) -> FlowLimits:
    limits = settings.limits
    return FlowLimits(
        in_flight=limits.in_flight_per_flow,
        handler_seconds=limits.handler_seconds,
        answer_seconds=limits.answer_hours * 3600,
    )


def edge_limits(settings: Settings) -> EdgeLimits:
    limits = settings.limits
    return EdgeLimits(
        body_bytes=limits.body_bytes,
        json_depth=limits.json_depth,
        batch_events=limits.batch_events,
        headers=limits.headers,
        header_bytes=limits.header_bytes,
        concurrent_requests=limits.concurrent_requests,
        max_lag_events=limits.max_lag_events,
        min_free_disk_bytes=limits.min_free_disk_bytes,
        request_seconds=limits.request_seconds,
        sample_ratio=settings.trace.sample_ratio,
    )


async def serve(estate: Estate, ready: Callable[[int], None]) -> None:
    """Run an estate until SIGTERM or SIGINT."""
    # The commit thread must get the interpreter back quickly after each fsync; the default of 5 ms would be felt.
    sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)
    # What lives as long as the process is taken out of the collector's sight, and young garbage is collected in large
    # lots: events are tuples without cycles, and each collection would walk all that are in flight.
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_YOUNG_OBJECTS, 20, 100)
    process = Process(estate)
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, process.request_stop)
    try:
        await process.run(ready)
    finally:
        await end_stubborn(STUBBORN_SECONDS)


async def end_stubborn(seconds: float) -> None:
    """End the process also when some code swallows its cancellation: the event loop would wait for it for ever.

    By now the store is closed, and nothing can be lost any more.
    """
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    _, stubborn = await asyncio.wait(tasks, timeout=seconds) if tasks else (set(), set())
    if stubborn:
        names = ", ".join(sorted(str(task.get_coro()) for task in stubborn))
        print(
            f"ended without waiting for {len(stubborn)} task(s) that do not stop: {names}", file=sys.stderr, flush=True
        )
        os._exit(EXIT_STUBBORN)
