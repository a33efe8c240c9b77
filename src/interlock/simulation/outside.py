"""The systems that an estate calls, and the network to them (HttpClient): slow, lossy, now and then out of order.

A system that has got a request does what was asked, once for each idempotency key, whether or not anybody hears its
answer. What was on its way when its sender crashed still arrives.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec

from interlock.estate.estate import Estate
from interlock.model.problems import TargetUnavailable
from interlock.ports.http_client import HttpAnswer
from interlock.sdk.drill import Effect
from interlock.simulation.life import Life
from interlock.simulation.world import World

JSON = {"content-type": "application/json"}
BROKEN = (429, 500, 502, 503)
Answers = Mapping[str, Callable[..., tuple[int, Any]]]


class Arrival(NamedTuple):
    """One request as a system got it."""

    at_us: int
    operation: str
    key: str
    webhook_id: str
    body: bytes


class Outside:
    """All systems of an estate. `away_until_us` by system: it takes nothing until then."""

    def __init__(self, world: World, estate: Estate, answers: Answers) -> None:
        self._world = world
        self._answers = answers
        self._operations = {
            (operation.method.upper(), _place(system.base_url.rstrip("/") + operation.path)): f"{system.name}.{name}"
            for system in estate.systems.values()
            for name, operation in system.operations.items()
        }
        self.arrivals: list[Arrival] = []
        self.away_until_us: dict[str, int] = {}
        self._done: dict[str, tuple[bytes, HttpAnswer]] = {}  # by idempotency key
        self._effects: defaultdict[str, list[Effect]] = defaultdict(list)

    def effects(self, operation: str) -> Sequence[Effect]:
        return self._effects[operation]

    def client(self, life: Life) -> OutsideClient:
        return OutsideClient(self, self._world, life)

    @property
    def operations(self) -> Collection[str]:
        return self._operations.values()

    def operation(self, method: str, url: str) -> str:
        return self._operations[method, _place(url)]

    def take(self, arrival: Arrival) -> HttpAnswer:
        """A whole request is there."""
        world, system = self._world, arrival.operation.partition(".")[0]
        if self.away_until_us.get(system, 0) > world.now_us or world.strikes("system fails", system, arrival.operation):
            return HttpAnswer(world.fates.stream(f"status {system}").choice(BROKEN), {}, b"{}")
        self.arrivals.append(arrival)
        done = self._done.get(arrival.key)
        if done is None:
            done = self._done[arrival.key] = arrival.body, self._perform(arrival)
        elif done[0] != arrival.body:
            return HttpAnswer(422, JSON, b'{"detail":"this key was used with another body"}')
        return done[1]

    def _perform(self, arrival: Arrival) -> HttpAnswer:
        request = msgspec.json.decode(arrival.body) if arrival.body else {}
        answer = self._answers.get(arrival.operation)
        status, data = answer(request, self) if answer is not None else (200, {})
        self._effects[arrival.operation].append(Effect(arrival.operation, request, status, data))
        if self._world.story.kept:
            self._world.tell(arrival.operation, f"does {arrival.body.decode()} → {status}")
        return HttpAnswer(status, JSON, msgspec.json.encode(data))


class OutsideClient:
    """HttpClient of one life."""

    def __init__(self, outside: Outside, world: World, life: Life) -> None:
        self._outside = outside
        self._world = world
        self._life = life

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, timeout_seconds: float
    ) -> HttpAnswer:
        operation = self._outside.operation(method, url)
        world, place = self._world, f"{self._life.process}→{operation}"
        answered: asyncio.Future[HttpAnswer | None] = world.loop.create_future()
        arrival = Arrival(0, operation, headers["idempotency-key"], headers["webhook-id"], body)
        if not world.strikes("request lost", place):
            self._leave(arrival, answered, place)
        if world.strikes("request twice", place):
            self._leave(arrival, answered, place, world.fates.between(f"again {place}", 0.0, 4.0))
        world.loop.at(world.now_us + int(timeout_seconds * 1_000_000), _answer, answered, None)
        answer = await answered
        if answer is None:
            raise TargetUnavailable("timeout: no answer came in the simulated time.")
        return answer

    async def close(self) -> None:
        """Nothing is open."""

    def _leave(
        self,
        arrival: Arrival,
        answered: asyncio.Future[HttpAnswer | None],
        place: str,
        delay_seconds: float = 0.0,
    ) -> None:
        world = self._world
        delay_us = int(delay_seconds * 1_000_000) + world.fates.latency_us(place)
        if world.strikes("request late", place):
            delay_us += int(world.fates.between(f"late {place}", 0.2, 6.0) * 1_000_000)
        world.after(delay_us, self._arrive, arrival, answered, place)

    def _arrive(self, arrival: Arrival, answered: asyncio.Future[HttpAnswer | None], place: str) -> None:
        world = self._world
        answer = self._outside.take(arrival._replace(at_us=world.now_us))
        if not world.strikes("reply lost", place):
            world.after(world.fates.latency_us(place), _answer, answered, answer, context=self._life.context)


def _answer(answered: asyncio.Future[HttpAnswer | None], answer: HttpAnswer | None) -> None:
    if not answered.done():
        answered.set_result(answer)


def _place(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.netloc}{parts.path}"
