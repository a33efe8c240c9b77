"""One schedule: a deployment is set up, fed, disturbed, healed, and judged. The same seed does the same again."""

from __future__ import annotations

import asyncio
from collections.abc import Set
from dataclasses import dataclass, replace
from typing import Any

from interlock.estate.estate import Estate
from interlock.sdk.flow import Flow, Handler, HandlerSpec
from interlock.simulation.client import Producers, Sending, sendings_of
from interlock.simulation.disturbances import Disturbances
from interlock.simulation.end import Ended
from interlock.simulation.fates import Fates, Fault
from interlock.simulation.image import Image
from interlock.simulation.invariants import CHECKS, waiting
from interlock.simulation.life import NEVER, Life, Place, told
from interlock.simulation.loop import Spinning
from interlock.simulation.member import Member
from interlock.simulation.operator import operate
from interlock.simulation.outside import Outside
from interlock.simulation.scenario import Scenario, fed
from interlock.simulation.story import OUTSIDE, Line, Story
from interlock.simulation.world import World

PARTITIONS = 4
SECOND_US = 1_000_000
FEED_US = 5 * SECOND_US // 2
TROUBLE_US = 13 * SECOND_US // 2
LONGEST_US = 400 * SECOND_US
LOOK_US = SECOND_US // 4
REST_US = SECOND_US // 2
SKEW_US = 1_500_000


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a run may have: names of faults, and of what is sent."""

    faults: Set[str]
    sendings: Set[str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one schedule ended. `breaches`: sentences by invariant, empty when all of them hold."""

    seed: int
    layout: str
    breaches: dict[str, list[str]]
    faults: tuple[Fault, ...]
    sendings: tuple[Sending, ...]
    abandoned: frozenset[Place]
    turns: int
    simulated_us: int
    events: int
    story: tuple[Line, ...]
    digest: tuple[Any, ...]

    @property
    def failed(self) -> bool:
        return bool(self.breaches)


class Schedule:
    """`allowed` None: all that the seed has. `telling`: keep the story."""

    def __init__(self, scenario: Scenario, seed: int, allowed: Allowed | None = None, *, telling: bool = False) -> None:
        self._fates = Fates(seed, dict(scenario.rates), None if allowed is None else allowed.faults)
        self.world = world = World(self._fates, Story(telling))
        self.scenario = scenario
        self.layout = self._fates.stream("layout").choice(scenario.layouts)
        world.tell(OUTSIDE, f"seed {seed}, {self.layout}")
        estate = failing(scenario.estate, world)
        self.image = Image(
            PARTITIONS,
            lambda: world.loop.now_us,
            apart=self.layout.startswith("apart"),
            dedupes=self._fates.stream("layout").random() < 0.5,
        )
        self.outside = Outside(world, estate, scenario.answers)
        sendings = sendings_of(fed(scenario, self._fates.stream("feed")), estate)
        if allowed is not None:
            sendings = [one for one in sendings if one.name in allowed.sendings]
        self.sendings = tuple(sendings)
        shares = "alone" not in self.layout
        chance = self._fates.stream("members")
        self.members = [
            Member(
                world, estate, self.image, self.outside, f"m{number}", shares=shares,
                skew_us=chance.randrange(-SKEW_US, SKEW_US),
            )
            for number in range(1, 1 + (chance.choice((2, 2, 3)) if shares else 1))
        ]  # fmt: skip
        self._by_name = {member.name: member for member in self.members}
        self.producers = Producers(world, estate, self.sendings, self._served)
        self.disturbances = Disturbances(world, scenario, self.members, self.outside)
        self._lives: list[Life] = []
        world.on_death = self._died

    def run(self) -> Outcome:
        world = self.world
        try:
            world.loop.run_until_complete(self._run())
        except Spinning as spinning:
            world.defect(OUTSIDE, str(spinning))
        except Exception as error:
            world.defect(OUTSIDE, told(error))
        ended = self._ended()
        breaches = self._judged(ended)
        outcome = Outcome(
            self._fates.seed,
            self.layout,
            breaches,
            tuple(self._fates.struck),
            self.sendings,
            frozenset(place for life in world.crashes for place in life.abandoned),
            world.loop.turns,
            world.now_us,
            sum(map(len, self.image.tables.log)),
            tuple(world.story.lines),
            digest(self.image),
        )
        self._close()
        return outcome

    async def _run(self) -> None:
        world = self.world
        for member in self.members:
            member.begun = self._began
            member.start()
        self.disturbances.plan(TROUBLE_US)
        sending = asyncio.ensure_future(self.producers.run(FEED_US))
        operating = asyncio.ensure_future(operate(world, self.image, self.members))
        await world.sleep_us(TROUBLE_US)
        operating.cancel()
        self._heal()
        ended = self._ended()
        while world.now_us < LONGEST_US and not (sending.done() and next(waiting(ended), None) is None):
            await world.sleep_us(LOOK_US)
        await world.sleep_us(REST_US)
        if not sending.done():
            sending.cancel()
            world.defect("producer", "was not answered to the end")
        elif sending.exception() is not None:
            world.defect("producer", told(sending.exception()))  # type: ignore[arg-type]
        for member in self.members:
            member.wanted = False

    def _ended(self) -> Ended:
        def lowest_skew_us() -> int:
            return min(member.lowest_skew_us for member in self.members)

        return Ended(self.scenario, self.world, self.image, self.outside, self.producers, lowest_skew_us)

    def _heal(self) -> None:
        self._fates.calm = True
        self.world.tell(OUTSIDE, "nothing breaks any more")
        for member in self.members:
            for line in member.lines:
                line.away_until_us = 0
        for life in self._lives:  # also of those that a newer one was started beside
            life.crash_turn, life.crash_on = NEVER, None
            if life.alive and life.paused:
                self.world.loop.wake(life)
        self.outside.away_until_us.clear()

    def _served(self) -> list[Any]:
        return [member.served for member in self.members if member.served is not None]

    def _began(self, life: Life) -> None:
        self._lives.append(life)
        self.disturbances.began(life)

    def _died(self, life: Life) -> None:
        member = self._by_name[life.process]
        if member.life is life:
            member.died()

    def _judged(self, ended: Ended) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name, check in {**CHECKS, **self.scenario.invariants}.items():
            try:
                said = list(check(ended))
            except Exception as error:
                said = [f"the invariant itself raised {told(error)}"]
            if said:
                found[name] = said
        return found

    def _close(self) -> None:
        for life in self._lives:
            if life.alive:
                life.end()
        for task in asyncio.all_tasks(self.world.loop):
            task._log_destroy_pending = False  # type: ignore[attr-defined]
        self.world.loop.close()


def failing(estate: Estate, world: World) -> Estate:
    """The estate, whose handlers fail now and then: before they did anything, or after.

    Not those of APIs: what they raise is an answer, and kept as one.
    """

    def wrapped(flow: Flow) -> Flow:
        specs = [
            spec if spec.trigger == "api" else replace(spec, handler=broken(flow.name, spec)) for spec in flow.specs
        ]
        return replace(flow, specs=specs)

    def broken(flow: str, spec: HandlerSpec) -> Handler:
        handler, place = spec.handler, f"{flow}.{spec.name}"

        async def run(*args: Any) -> Any:
            early = world.fates.stream(f"early {place}").random() < 0.3
            if early and world.strikes("handler fails", place):
                raise ConnectionError("simulated")
            value = await handler(*args)
            if not early and world.strikes("handler fails", place):
                raise ConnectionError("simulated")
            return value

        run.__name__ = spec.name
        return run

    if not world.fates.rates.get("handler fails"):
        return estate
    return replace(estate, flows={name: wrapped(flow) for name, flow in estate.flows.items()})


def digest(image: Image) -> tuple[Any, ...]:
    """What two runs of one seed must have in common, to the last row."""
    tables = image.tables
    return (
        tuple(one for rows in image.log_tables.log for one in rows),
        tuple(sorted(tables.handlings.items())),
        tuple(sorted(tables.values.items())),
        tuple(sorted(tables.counters.items())),
        tuple(sorted(tables.deliveries.items())),
        tuple(image.witness.applied),
    )
