"""Time, chance and story of one schedule: what everything simulated is built on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import Context
from typing import Any

from interlock.simulation.fates import Fates
from interlock.simulation.life import Life, told
from interlock.simulation.loop import START_US, SimulatedLoop
from interlock.simulation.story import FAULT, OUTSIDE, Story


class World:
    """`defects` are errors that nobody may cause, whatever breaks: exceptions that reached the event loop, say."""

    def __init__(self, fates: Fates, story: Story) -> None:
        self.fates = fates
        self.story = story
        self.loop = SimulatedLoop(self.crash)
        self.loop.set_exception_handler(self._unhandled)
        self.defects: list[str] = []
        self.crashes: list[Life] = []
        self.on_death: Callable[[Life], None] = lambda life: None
        # Shortly before a full minute, so that schedules have something to do within the trouble.
        self.epoch_us = START_US + int(fates.between("epoch", 50.0, 60.0) * 1_000_000)
        self.outside = Context()  # of what belongs to no process
        fates.now_us = lambda: self.loop.now_us

    @property
    def now_us(self) -> int:
        return self.loop.now_us

    def tell(self, who: str, what: str) -> None:
        self.story.tell(self.loop.now_us, who, what)

    def strikes(self, kind: str, place: str, what: str = "") -> bool:
        fates = self.fates
        if fates.calm or not fates.strikes(kind, place, what):
            return False
        if self.story.kept:
            self.tell(place, f"{FAULT} {kind}: {what}" if what else f"{FAULT} {kind}")
        return True

    def after(self, delay_us: int, callback: Callable[..., object], *args: Any, context: Context | None = None) -> None:
        """Without a context it happens whoever crashes meanwhile."""
        self.loop.at(self.loop.now_us + delay_us, callback, *args, context=context or self.outside)

    async def sleep_us(self, delay_us: int) -> None:
        loop = self.loop
        waker = loop.create_future()
        loop.wake_at(loop.now_us + delay_us, waker)
        await waker

    def crash(self, life: Life) -> None:
        """As SIGKILL. Its ports are dead before its tasks are abandoned."""
        if life.alive:
            self.tell(life.name, f"{FAULT} crash, after {life.turns} turns")
            life.crash()
            self.crashes.append(life)
            self.on_death(life)

    def defect(self, who: str, what: str) -> None:
        self.tell(who, f"DEFECT {what}")
        self.defects.append(f"{who}: {what}")

    def _unhandled(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        self.defect(OUTSIDE, f"{context.get('message')}: {told(error) if error is not None else ''}")


class ProcessClock:
    """`model.Clock` of one life: its wall clock is off by `skew_us`, which may step."""

    def __init__(self, world: World, skew_us: int) -> None:
        self._loop = world.loop
        self._world = world
        self.skew_us = skew_us

    def now_us(self) -> int:
        return self._world.epoch_us + self._loop.now_us + self.skew_us

    def monotonic_us(self) -> int:
        return self._loop.now_us

    async def sleep(self, seconds: float) -> None:
        if seconds > 0:
            await self._world.sleep_us(round(seconds * 1_000_000))
