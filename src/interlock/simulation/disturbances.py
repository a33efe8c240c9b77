"""Faults that are planned before a schedule begins: crashes, pauses, outages, restarts, clocks that are set.

A crash comes at a turn of a life, so at any await; or when a commit has arrived and its answer has not been sent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from interlock.simulation.life import Life
from interlock.simulation.member import LEASE_SECONDS, Member
from interlock.simulation.outside import Outside
from interlock.simulation.scenario import Scenario
from interlock.simulation.story import FAULT
from interlock.simulation.world import World

LONGEST_LIFE_TURNS = 2_500
COMMITS = 60
SECOND_US = 1_000_000


class Disturbances:
    """Each kind as often as the seed has it, up to the scenario's `planned`."""

    def __init__(self, world: World, scenario: Scenario, members: Sequence[Member], outside: Outside) -> None:
        self._world = world
        self._members = members
        self._outside = outside
        self._scenario = scenario
        self._crashes: dict[str, list[tuple[str, int, str]]] = {}  # process: name, turn or commit, kind

    def plan(self, within_us: int) -> None:
        acts = {
            "pause": self._pause,
            "restart": self._restart,
            "replaced": self._replace,
            "store away": self._cut,
            "system away": self._system_away,
            "clock stepped": self._step_clock,
        }
        for kind, most in self._scenario.planned.items():
            chance = self._world.fates.stream(f"plan {kind}")
            for number in range(chance.randrange(most + 1)):
                name, member = f"{kind}#{number}", chance.choice(self._members)
                draw, at_us = chance.random(), chance.randrange(within_us)
                if kind in ("crash", "crash at commit"):
                    reach = LONGEST_LIFE_TURNS if kind == "crash" else COMMITS
                    self._crashes.setdefault(member.name, []).append((name, 1 + int(reach * draw**2), kind))
                elif kind in acts:
                    self._world.after(at_us, self._act, kind, name, acts[kind], member, draw)

    def began(self, life: Life) -> None:
        """A life begins: it may have its end set already."""
        waiting = self._crashes.get(life.process)
        if not waiting or self._world.fates.calm:
            return
        name, count, kind = waiting.pop(0)
        where = f"{life.name} at turn {count}" if kind == "crash" else f"{life.name} at commit {count}"
        if not self._world.fates.inject(kind, name, where):
            return
        if kind == "crash":
            life.crash_turn = count
        else:
            life.crash_on = "commit"
            life.crash_after = count

    def _act(self, kind: str, name: str, act: Callable[[Member, float], None], member: Member, draw: float) -> None:
        if self._world.fates.calm or not self._world.fates.inject(kind, name, member.name):
            return
        self._world.tell(member.name, f"{FAULT} {kind}")
        act(member, draw)

    def _pause(self, member: Member, draw: float) -> None:
        """As SIGSTOP: long enough, now and then, for its lease to be over."""
        life = member.life
        if life is not None and life.alive:
            life.paused = True
            self._world.after(int((0.2 + draw * draw * 3 * LEASE_SECONDS) * SECOND_US), self._go_on, life)

    def _go_on(self, life: Life) -> None:
        if life.alive and life.paused:
            self._world.tell(life.name, "goes on")
            self._world.loop.wake(life)

    def _restart(self, member: Member, draw: float) -> None:
        if member.life is not None and member.life.alive:
            member.life.spawn(member.stop())

    def _replace(self, member: Member, draw: float) -> None:
        """A new process is started beside the old one, which knows nothing of it."""
        if member.life is not None and member.life.alive:
            member.start()

    def _cut(self, member: Member, draw: float) -> None:
        """One process cannot reach one of its stores; the others can."""
        if member.lines:
            line = member.lines[int(draw * len(member.lines) * 0.999)]
            line.away_until_us = self._world.now_us + int((0.3 + 4.0 * draw * draw) * SECOND_US)

    def _system_away(self, member: Member, draw: float) -> None:
        systems = sorted({name.partition(".")[0] for name in self._outside.operations})
        if systems:
            system = systems[int(draw * len(systems) * 0.999)]
            self._outside.away_until_us[system] = self._world.now_us + int((0.5 + 5 * draw) * SECOND_US)

    def _step_clock(self, member: Member, draw: float) -> None:
        member.step_clock(int((draw - 0.5) * 8 * SECOND_US))
