"""The feeder against an engine that is down, busy or forgets to answer."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter, defaultdict
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from demo.feeder import Feeder, Refused, Way
from demo.invoices import Invoice


class NastyEngine:
    """Accepts what it answers 2xx, and some of what it does not answer at all."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.accepted: dict[str, list[str]] = defaultdict(list)  # ids by customer, first acceptance
        self.seen: Counter[str] = Counter()
        self.in_flight: Counter[str] = Counter()
        self.overlaps = 0
        self.ways: Counter[str] = Counter()
        self.refuse = False

    def application(self) -> web.Application:
        application = web.Application()
        application.router.add_post("/events", self.events)
        application.router.add_post("/invoices", self.invoice)
        return application

    async def events(self, request: web.Request) -> web.StreamResponse:
        media, body = request.content_type, json.loads(await request.read())
        if media == "application/cloudevents-batch+json":
            return await self.take(request, Way.BATCH, [(one["id"], one["data"]) for one in body])
        if media == "application/cloudevents+json":
            return await self.take(request, Way.STRUCTURED, [(body["id"], body["data"])])
        assert request.headers["ce-specversion"] == "1.0"
        assert request.headers["ce-type"] == "orders.InvoiceImported"
        return await self.take(request, Way.BINARY, [(request.headers["ce-id"], body)])

    async def invoice(self, request: web.Request) -> web.StreamResponse:
        key = request.headers["idempotency-key"]
        assert key[0] == key[-1] == '"'
        return await self.take(request, Way.API, [(key.strip('"'), json.loads(await request.read()))])

    async def take(
        self, request: web.Request, way: Way, events: list[tuple[str, dict[str, Any]]]
    ) -> web.StreamResponse:
        keys = [data["customer_key"] for _, data in events]
        self.overlaps += sum(self.in_flight[key] for key in keys) + len(keys) - len(set(keys))
        self.in_flight.update(keys)
        await asyncio.sleep(self.chance.random() / 500)
        self.in_flight.subtract(keys)
        if self.refuse:
            return web.json_response({"code": "contract_violation"}, status=422)
        luck = self.chance.random()
        if luck < 0.2:
            return web.json_response({}, status=self.chance.choice((429, 503, 500)))
        self.ways[way] += 1
        for identity, data in events:
            self.seen[identity] += 1
            if self.seen[identity] == 1:
                self.accepted[data["customer_key"]].append(identity)
        if luck < 0.3 and request.transport is not None:
            request.transport.close()
        receipts = [{"id": identity, "status": "accepted"} for identity, _ in events]
        return web.json_response(receipts if way is Way.BATCH else receipts[0])


def invoices(total: int, customers: int) -> list[Invoice]:
    line = dict.fromkeys(("sku", "description", "quantity", "invoice_date", "unit_price", "country"), "x")
    return [Invoice(str(n), [{**line, "customer": f"{n % customers or ''}"}]) for n in range(total)]


async def feed(engine: NastyEngine, work: list[Invoice], seed: int) -> Feeder:
    async with TestServer(engine.application()) as server, aiohttp.ClientSession() as session:
        address = f"http://{server.host}:{server.port}"
        feeder = Feeder(session, lambda: address, seed, 100_000, lambda count: None)
        await feeder.feed(work)
        return feeder


@pytest.mark.parametrize("seed", range(3))
async def test_order_per_customer_whatever_happens(seed: int) -> None:
    engine, work = NastyEngine(seed), invoices(120, 7)
    feeder = await feed(engine, work, seed)
    wanted: dict[str, list[str]] = defaultdict(list)
    for invoice in work:
        wanted[invoice.customer_key].append(f"inv-{invoice.number}")
    assert engine.accepted == wanted
    assert engine.overlaps == 0
    assert engine.ways.keys() == set(Way)
    assert feeder.tally.sent == 120
    assert feeder.tally.duplicates > 0
    assert feeder.tally.retries


async def test_a_refusal_for_good_ends_it() -> None:
    engine = NastyEngine(1)
    engine.refuse = True
    with pytest.raises(ExceptionGroup) as caught:
        await feed(engine, invoices(3, 3), 1)
    assert caught.group_contains(Refused)
