"""An estate that uses every hop: API, events, a flow that emits and calls out, and its reply."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from interlock.app.process import Process
from interlock.estate.loader import load
from interlock.estate.starter import write_starter

VALUE = "CUSTOMER-VALUE-9481"  # stands in payloads, and must stand nowhere else
TRACE_ID, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"

FLOW = """
from typing import Any

from interlock import Answer, Context, Flow, Reply

from estate.contracts.orders import OrderPlaced

import msgspec

paying = Flow("paying", owner="team-orders")


@paying.api("shop.placeOrder")
async def place(body: dict[str, Any], ctx: Context) -> Answer:
    ctx.emit(msgspec.convert(body, OrderPlaced))
    return Answer({"status": "taken"}, 202)


@paying.on(OrderPlaced)
async def charge(order: OrderPlaced, ctx: Context) -> None:
    if order.order_id == "skipped":
        ctx.skip(order.customer_id)
    if order.order_id == "failing":
        raise ValueError(order.customer_id)
    ctx.call("payments.charge", customer=order.customer_id)


@paying.on_reply("payments.charge")
async def charged(reply: Reply, ctx: Context) -> None:
    ctx.put("charged", ctx.event.id, reply.status)
"""
SYSTEM = """
owner = "team-orders"
base_url = "{url}"

[operations.charge]
path = "/charges"

[operations.charge.retry]
delays_seconds = [0.01, 0.01]
"""


def write_estate(root: Path, target_url: str, settings: str) -> None:
    write_starter(root, "shop")
    (root / "flows/paying.py").write_text(FLOW)
    (root / "systems").mkdir()
    (root / "systems/payments.toml").write_text(SYSTEM.format(url=target_url))
    contract = json.loads((root / "contracts/events/orders/order_placed/1.0.0.json").read_text())
    schema = {name: contract[name] for name in ("type", "properties", "required", "additionalProperties")}
    operation: dict[str, Any] = {
        "operationId": "placeOrder",
        "x-idempotency": "optional",
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
        "responses": {"202": {"description": "Taken."}},
    }
    api = {
        "openapi": "3.1.0",
        "info": {"title": "Shop", "version": "1.0.0"},
        "x-interlock": {"owner": "team-orders"},
        "paths": {"/orders": {"post": operation}},
    }
    (root / "contracts/apis/shop").mkdir(parents=True)
    (root / "contracts/apis/shop/1.0.0.json").write_text(json.dumps(api))
    (root / "interlock.toml").write_text(f'[estate]\nname = "shop"\n[server]\nport = 0\n{settings}\n')


class Site:
    """A running engine and a caller."""

    def __init__(self, process: Process, root: Path, session: aiohttp.ClientSession) -> None:
        self.process = process
        self.root = root
        self._session = session
        self.url = f"http://127.0.0.1:{process.port}"

    async def order(self, path: str, order_id: str = "1", **headers: str) -> int:
        data = json.loads((self.root / "examples/order-placed.json").read_text())["data"]
        data |= {"order_id": order_id, "customer_id": VALUE}
        document, kind = data, "application/json"
        if path == "/events":
            document = {
                "specversion": "1.0",
                "id": order_id,
                "source": "/t",
                "type": "orders.OrderPlaced",
                "data": data,
            }
            kind = "application/cloudevents+json"
        async with self._session.post(self.url + path, json=document, headers={"content-type": kind, **headers}) as got:
            return got.status

    async def page(self) -> str:
        async with self._session.get(f"{self.url}/metrics") as got:
            assert got.headers["content-type"].startswith("text/plain; version=0.0.4")
            return await got.text()

    async def settled(self) -> None:
        """Nothing is handled or called, and has not been for a while: a reply's event may be on its way."""
        quiet = 0
        async with asyncio.timeout(10):
            while quiet < 6:
                await asyncio.sleep(0.01)
                quiet = 0 if self._busy else quiet + 1

    @property
    def _busy(self) -> bool:
        deliverer = self.process.deliverer
        return not self.process.engine.idle or deliverer.in_flight + deliverer.in_memory > 0


@asynccontextmanager
async def running(root: Path) -> AsyncIterator[Site]:
    """The estate under `root`, as `interlock up` runs it; drained at the end."""
    process = Process(load(root))
    await process.start()
    async with aiohttp.ClientSession() as session:
        try:
            yield Site(process, root, session)
        finally:
            await process.stop()
