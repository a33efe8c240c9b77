"""Producers: they send what a drill feeds, line by line, each until it is acknowledged, to any process there is."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from interlock.edge.cloudevents import STRUCTURED
from interlock.edge.exchange import Request, Response
from interlock.edge.problem_response import problem_response
from interlock.edge.router import Router
from interlock.estate.estate import Estate
from interlock.model.problems import Problem
from interlock.sdk.drill import ApiCall, Fact
from interlock.simulation.life import Life
from interlock.simulation.world import World

SOURCE = "/simulation"
PATIENCE_US = 1_000_000
RETRY_US = 150_000
GIVE_UP_US = 120_000_000


class Served(NamedTuple):
    """A process that takes requests."""

    life: Life
    router: Router


class Sending(NamedTuple):
    """`name` is its event id or its idempotency key; those of one `line` are sent one after the other."""

    name: str
    line: str
    item: Fact | ApiCall


class Receipt(NamedTuple):
    """What a producer was told. `status` None: it gave up without an answer."""

    sending: Sending
    status: int | None
    body: bytes


class Producers:
    """`served` are the processes that take requests now."""

    def __init__(
        self, world: World, estate: Estate, feed: Sequence[Sending], served: Callable[[], list[Served]]
    ) -> None:
        self._world = world
        self._estate = estate
        self._served = served
        self._feed = feed
        self.receipts: list[Receipt] = []
        self.answers: defaultdict[str, set[tuple[int, bytes]]] = defaultdict(set)  # of each acknowledged API call

    @property
    def acknowledged(self) -> list[Receipt]:
        return [one for one in self.receipts if one.status is not None and one.status < 300]

    async def run(self, within_us: int) -> None:
        """Send everything, the lines side by side, spread over the time; returns when all have been answered."""
        lines: defaultdict[str, list[Sending]] = defaultdict(list)
        for sending in self._feed:
            lines[sending.line].append(sending)
        starts = {line: int(self._world.fates.between(f"start {line}", 0, within_us)) for line in lines}
        await asyncio.gather(*(self._send_line(starts[line], sendings) for line, sendings in lines.items()))

    async def _send_line(self, start_us: int, sendings: Sequence[Sending]) -> None:
        await self._world.sleep_us(start_us)
        for sending in sendings:
            response = await self._send(sending)
            status, body = (None, b"") if response is None else (response.status, response.body)
            self.receipts.append(Receipt(sending, status, body))
            self._world.tell("producer", f"{sending.name} {'given up' if status is None else status}")

    async def _send(self, sending: Sending) -> Response | None:
        """Until there is an answer that is one."""
        world = self._world
        request = self._request(sending)
        end_us = world.now_us + GIVE_UP_US
        while world.now_us < end_us:
            served = self._served()
            if served:
                chosen = world.fates.stream("producers").choice(served)
                response = await self._try(sending, request, chosen)
                if response is not None and response.status not in (409, 429) and response.status < 500:
                    return response
            await world.sleep_us(RETRY_US)
        return None

    async def _try(self, sending: Sending, request: Request, served: Served) -> Response | None:
        world = self._world
        answered: asyncio.Future[Response | None] = world.loop.create_future()
        world.loop.at(world.now_us + PATIENCE_US, _answer, answered, None)
        place = f"producer→{served.life.process}"
        copies = 0 if world.strikes("post lost", place, sending.name) else 1
        copies += world.strikes("posted twice", place, sending.name)
        for _ in range(copies):
            delay_us = world.fates.latency_us(place)
            world.after(delay_us, self._arrive, sending, request, served, answered, context=served.life.context)
        return await answered

    def _arrive(
        self, sending: Sending, request: Request, served: Served, answered: asyncio.Future[Response | None]
    ) -> None:
        def respond(response: Response) -> None:
            world = self._world
            if world.story.kept:
                said = response.body[:200].decode() if response.status >= 300 else ""
                world.tell(served.life.name, f"answers {sending.name} {response.status} {said}")
            if type(sending.item) is ApiCall and response.status < 300:
                self.answers[sending.name].add((response.status, response.body))
            if not world.strikes("acknowledgement lost", place, sending.name):
                world.after(world.fates.latency_us(place), _answer, answered, response)

        place = f"{served.life.process}→producer"
        match = served.router.find(request.method.encode(), request.path.encode())
        try:
            match.route.handler(request, respond)
        except Problem as problem:
            respond(problem_response(problem))

    def _request(self, sending: Sending) -> Request:
        item = sending.item
        if isinstance(item, Fact):
            headers = {"content-type": STRUCTURED}
            return Request("POST", "/events", "", headers, msgspec.json.encode(cloud_event(sending.name, item)))
        operation = self._estate.apis[item.operation]
        headers = {"content-type": "application/json", "idempotency-key": f'"{sending.name}"'}
        return Request(operation.method, operation.path, "", headers, msgspec.json.encode(item.data))


def sendings_of(feed: Sequence[Fact | ApiCall], estate: Estate) -> list[Sending]:
    """Each with its name and its line: the partition key of a fact, the operation of an API call."""
    named = []
    for number, item in enumerate(feed):
        if isinstance(item, Fact):
            line = f"{item.type} {estate.latest[item.type].route(dict(item.data))[0]}"
        else:
            line = item.operation
        named.append(Sending(f"s{number}", line, item))
    return named


def cloud_event(name: str, fact: Fact) -> Mapping[str, Any]:
    return {"specversion": "1.0", "id": name, "source": SOURCE, "type": fact.type, "data": fact.data}


def _answer(answered: asyncio.Future[Response | None], response: Response | None) -> None:
    if not answered.done():
        answered.set_result(response)
