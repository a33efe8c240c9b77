"""A person who looks at dead letters now and then: redrives most of them, and gives some up."""

from __future__ import annotations

from collections.abc import Sequence

from interlock.flows.engine import Engine
from interlock.model.handling import HandlingState, Mark
from interlock.model.problems import Problem
from interlock.simulation.image import Image
from interlock.simulation.member import Member
from interlock.simulation.world import World

LOOK_US = 1_500_000
MOST_REDRIVES = 2


async def operate(world: World, image: Image, members: Sequence[Member]) -> None:
    """For ever. An act that is refused, or whose process is gone, is none."""
    tried: dict[tuple[str, int, int], int] = {}
    while True:
        await world.sleep_us(LOOK_US)
        dead = [held for held in image.tables.held.values() if held.state is HandlingState.DEAD]
        for held in dead:
            place = held[:3]
            if tried.get(place, 0) >= MOST_REDRIVES or world.fates.stream("operator").random() < 0.5:
                continue
            tried[place] = tried.get(place, 0) + 1
            for member in members:
                if member.engine is not None and member.life is not None and member.life.alive:
                    member.life.spawn(_act(world, member.name, member.engine, Mark(*held[:4])))


async def _act(world: World, who: str, engine: Engine, mark: Mark) -> None:
    chance = world.fates.stream("operator")
    try:
        if chance.random() < 0.75:
            world.tell(who, f"is told to redrive {mark}")
            await engine.redrive(mark)
        else:
            await engine.discard(mark)
    except Problem as problem:
        world.tell(who, f"refuses: {problem.code}")
