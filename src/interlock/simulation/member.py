"""A simulated process: an engine with its deliverer and its edge, as `app` composes them, from start to end, again and
again."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import cast

from interlock.adapters.null_sink import NullSink
from interlock.app.limits import edge_limits, flow_limits
from interlock.app.process import replies
from interlock.delivery.deliverer import Deliverer
from interlock.delivery.limits import DeliveryLimits
from interlock.edge.edge import Edge
from interlock.estate.estate import Estate
from interlock.flows.crew import Enlistment
from interlock.flows.engine import Engine
from interlock.flows.indexed_log import IndexedLog
from interlock.model.problems import Draining, Fenced, Problem, UnavailableProblem
from interlock.ports.event_log import EventLog
from interlock.ports.log_index import LogIndex
from interlock.ports.membership import Membership
from interlock.ports.outbox import Outbox
from interlock.ports.state_store import StateStore
from interlock.simulation.client import Served
from interlock.simulation.image import Image
from interlock.simulation.life import Life, told
from interlock.simulation.line import Line
from interlock.simulation.outside import Outside
from interlock.simulation.ports import SimulatedLog, SimulatedStore
from interlock.simulation.seeded_ids import SeededIds
from interlock.simulation.world import ProcessClock, World

LEASE_SECONDS = 3.0
DRAIN_SECONDS = 1.5
SIGNING_SECRET = "whsec_" + "c2ltdWxhdGlvbi1zaW11bGF0aW9uLXNpbXVsYXRpb24="
RESTART_US = 400_000
OPENING_SECONDS = 0.3


class Member:
    """`shares`: one among several on the store; otherwise its owner, who fences the one before."""

    def __init__(
        self, world: World, estate: Estate, image: Image, outside: Outside, name: str, *, shares: bool, skew_us: int
    ) -> None:
        self.name = name
        self.life: Life | None = None
        self.lines: list[Line] = []
        self.served: Served | None = None
        self.engine: Engine | None = None
        self.wanted = True
        self.skew_us = self.lowest_skew_us = skew_us
        self.begun: Callable[[Life], None] = lambda life: None
        self._world = world
        self._estate = estate
        self._image = image
        self._outside = outside
        self._shares = shares
        self._lives = 0
        self._clock: ProcessClock | None = None

    def start(self) -> None:
        """A new life. Whatever the last one left is in the store."""
        self._lives += 1
        life = Life(self.name, self._lives)
        self.life, self.served, self.engine = life, None, None
        self.begun(life)
        life.spawn(self._run(life))

    def step_clock(self, by_us: int) -> None:
        """Its wall clock is set: now, and for the lives to come."""
        self.skew_us += by_us
        self.lowest_skew_us = min(self.lowest_skew_us, self.skew_us)
        if self._clock is not None:
            self._clock.skew_us = self.skew_us

    def died(self) -> None:
        """After a crash or an end: come back, as a supervisor would have it."""
        self.served = self.engine = None
        if self.wanted:
            self._world.after(RESTART_US, self._start_again, self.life)

    def _start_again(self, after: Life) -> None:
        if self.life is after and self.wanted:
            self.start()

    async def _run(self, life: Life) -> None:
        """As app.Process: until the store is lost, then drained."""
        ended: asyncio.Future[Problem] = self._world.loop.create_future()

        def fail(problem: Problem) -> None:
            if not ended.done():
                ended.set_result(problem)

        try:
            engine, deliverer, log = await self._opened(life, fail)
            self._world.tell(life.name, f"is ready, epoch {engine.epoch}")
            problem = await ended
        except Problem as error:
            self._over(life, error)
            return
        except Exception as error:
            self._world.defect(life.name, f"did not start: {told(error)}")
            self._over(life, Draining("A defect."))
            return
        if self.life is life:  # and no newer one serves in its place
            self.served = None
        await self._stopped(engine, deliverer, log, 0 if isinstance(problem, Fenced) else DRAIN_SECONDS)
        self._over(life, problem)

    async def stop(self) -> None:
        """As SIGTERM: drain from the outside in, leave; then come back, if it is wanted."""
        life, engine = self.life, self.engine
        if life is None or engine is None or not life.alive:
            return
        self._world.tell(life.name, "stops")
        self.served = None
        await self._stopped(engine, self._deliverer, self._log, DRAIN_SECONDS)
        self._over(life, Draining("It was told to stop."))

    async def _stopped(self, engine: Engine, deliverer: Deliverer, log: EventLog, seconds: float) -> None:
        await engine.drain(seconds)
        await deliverer.drain(seconds)
        await engine.leave()
        if isinstance(log, IndexedLog):
            await log.close()

    def _over(self, life: Life, problem: Problem) -> None:
        self._world.tell(life.name, f"ends: {problem.code}")
        if not isinstance(problem, Fenced | UnavailableProblem):
            self._world.defect(life.name, f"ended with {problem.code}: {problem.detail}")
        self._world.after(0, self._end, life)

    def _end(self, life: Life) -> None:
        if life.alive:
            life.end()
            self._world.on_death(life)

    async def _opened(self, life: Life, fail: Callable[[Problem], None]) -> tuple[Engine, Deliverer, EventLog]:
        world, estate = self._world, self._estate
        clock = self._clock = ProcessClock(world, self.skew_us)
        ids = SeededIds(zlib.crc32(f"{world.fates.seed}/{life.name}".encode()), clock)
        log, store = self._stores(life, clock, ids, fail)
        enlistment = None
        if self._shares:
            membership = cast(Membership, store)
            enlistment = Enlistment(membership, life.name, lease_seconds=LEASE_SECONDS, drain_seconds=DRAIN_SECONDS)
        limits = replace(flow_limits(estate.settings), in_flight=64, read_events=32)
        if isinstance(log, IndexedLog):
            await log.catch_up()
        engine = Engine(estate, log, store, clock, ids, NullSink(), limits, enlistment)
        engine.on_fenced = fail
        await engine.acquire("simulated")
        deliverer = self._delivering(life, engine, store, clock, ids, fail)
        edge = Edge(estate, log, store, engine, clock, ids, edge_limits(estate.settings))
        engine.take_refusals = edge.refusals.take
        await engine.start()
        await deliverer.start()
        if self.life is life:
            self.engine, self._deliverer, self._log = engine, deliverer, log
            self.served = Served(life, edge.router)
        return engine, deliverer, log

    def _delivering(
        self, life: Life, engine: Engine, store: StateStore, clock: ProcessClock, ids: SeededIds,
        fail: Callable[[Problem], None],
    ) -> Deliverer:  # fmt: skip
        systems = self._estate.systems
        secrets = {name: SIGNING_SECRET for name, system in systems.items() if system.secret_ref is not None}
        deliverer = Deliverer(
            store, self._outside.client(life), systems, secrets, clock, ids, engine.epoch, replies(self._estate),
            DeliveryLimits(concurrency=16), NullSink(), shared=self._shares,
        )  # fmt: skip
        deliverer.on_failure = fail
        engine.on_calls = deliverer.enqueue
        crew = engine.crew
        if crew is not None:
            deliverer.stale = lambda: crew.stale
            engine.share(deliverer)
        return deliverer

    def _stores(
        self, life: Life, clock: ProcessClock, ids: SeededIds, fail: Callable[[Problem], None]
    ) -> tuple[EventLog, StateStore]:
        line = Line(self._world, life, "store")
        store = SimulatedStore(self._image, line)
        self.lines = [line]
        if not self._image.apart:
            return cast(EventLog, store), cast(StateStore, store)
        outside = Line(self._world, life, "log")
        self.lines.append(outside)
        index, outbox = cast(LogIndex, store), cast(Outbox, store)
        log = IndexedLog(SimulatedLog(self._image, outside), index, outbox, clock, ids)
        log.on_failure = fail
        return log, cast(StateStore, store)
