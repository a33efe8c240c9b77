"""A small estate and a running edge for tests: one event in two versions, one API with three operations."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import orjson

from interlock.adapters.memory import MemoryStore
from interlock.adapters.system import SystemClock
from interlock.contracts.api_contract import ApiOperation, operations
from interlock.contracts.event_contract import EventContract
from interlock.edge.edge import Edge
from interlock.edge.limits import EdgeLimits
from interlock.estate.estate import Estate
from interlock.estate.settings import Settings
from interlock.model.event import Event
from interlock.model.hashing import fingerprint
from interlock.model.problems import Problem, to_document
from interlock.model.record import Answer, StartRow
from interlock.model.step import Commit, Step
from interlock.ports.event_log import AppendDone
from interlock.testing.seeded_ids import SeededIds
from tests.edge.wire import Peer

DAY_US = 86_400_000_000

ORDER_LINE = {
    "type": "object",
    "properties": {
        "sku": {"type": "string", "minLength": 1},
        "quantity": {"type": "integer", "minimum": 1},
        "unit_price": {"type": "string", "pattern": r"^\d+\.\d{2}$"},
    },
    "required": ["sku", "quantity"],
    "additionalProperties": False,
}
ORDER = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "x-interlock": {"owner": "team", "partition_key": "/order_id", "business_keys": ["/order_id", "/customer_id"]},
    "type": "object",
    "properties": {
        "order_id": {"type": "string", "minLength": 1},
        "customer_id": {"type": "string"},
        "currency": {"type": "string"},
        "placed_at": {"type": "string"},
        "total": {"type": "string"},
        "lines": {"type": "array", "items": ORDER_LINE},
    },
    "required": ["order_id", "lines"],
    "additionalProperties": False,
}
OLDER = {**ORDER, "properties": {name: rule for name, rule in ORDER["properties"].items() if name != "total"}}  # type: ignore[attr-defined]
SHOP = {
    "openapi": "3.1.0",
    "info": {"title": "shop", "version": "1.0.0"},
    "paths": {
        "/invoices": {
            "post": {
                "operationId": "importInvoice",
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {
                            "schema": {
                                "type": "object",
                                "properties": {"number": {"type": "string"}},
                                "required": ["number"],
                                "additionalProperties": False,
                            }
                        }
                    },
                },
            },
            "get": {"operationId": "listInvoices"},
        },
        "/orders/{order_id}/cancel": {"post": {"operationId": "cancelOrder", "x-idempotency": "optional"}},
    },
}


def shop_estate() -> Estate:
    contracts = [
        EventContract("orders", "OrderPlaced", "1.1.0", OLDER),
        EventContract("orders", "OrderPlaced", "1.2.0", ORDER),
    ]
    apis = [ApiOperation("shop", SHOP, path, method) for path, method in operations(SHOP)]
    return Estate(
        root=Path(),
        name="shop",
        hash="0",
        package="estate_0",
        environment="local",
        settings=Settings(),
        contracts={(contract.type, contract.version): contract for contract in contracts},
        latest={contract.type: contract for contract in contracts},
        apis={operation.name: operation for operation in apis},
        flows={},
        systems={},
        owners={},
    )


class TestLog(MemoryStore):
    """Keeps what was appended at hand, and holds `done` back on demand."""

    __test__ = False

    def __init__(self) -> None:
        super().__init__(secret=b"k" * 32)
        self.appended: list[Event] = []
        self.holding = False
        self.held: list[Callable[[], None]] = []
        self.problem: Problem | None = None

    def append(self, events: Sequence[Event], done: AppendDone) -> None:
        if self.problem is not None:
            problem = self.problem
            asyncio.get_running_loop().call_soon(done, None, problem)
            return

        def later(appended: Any, problem: Problem | None) -> None:
            self.appended.extend(events)
            if self.holding:
                self.held.append(lambda: done(appended, problem))
            else:
                done(appended, problem)

        super().append(events, later)


class TestEngine:
    """Runs `handler` and stores its answer as the flows room does: in one commit, before it returns."""

    __test__ = False

    def __init__(self, store: MemoryStore) -> None:
        self.store = store
        self.epoch = 0
        self.calls: list[tuple[str, Any, str | None, str | None]] = []
        self.handler: Callable[[str, Any], Awaitable[tuple[int, Any]]] = self.accept

    async def accept(self, operation: str, body: Any) -> tuple[int, Any]:
        return 201, {"operation": operation, "call": len(self.calls)}

    async def call_api(self, operation: str, body: Any, raw: bytes, scope: str | None, trace: str | None) -> Answer:
        self.calls.append((operation, body, scope, trace))
        try:
            status, result = await self.handler(operation, body)
            content_type = "application/json"
        except Problem as problem:
            status, result, content_type = problem.status, to_document(problem), "application/problem+json"
        now = SystemClock().now_us()
        answer = Answer(
            scope or "", fingerprint(raw), self.epoch, now, now + DAY_US, status, content_type, orjson.dumps(result)
        )
        if scope is not None:
            committed = asyncio.get_running_loop().create_future()
            self.store.submit(
                Commit(self.epoch, [Step(answer=answer)], [], []),
                lambda outcomes, problem: committed.set_result((outcomes, problem)),
            )
            assert await committed == ([None], None)
        return answer


class Shop:
    """A running edge with its parts."""

    def __init__(self, limits: EdgeLimits | None = None, log: TestLog | None = None) -> None:
        self.log = log or TestLog()
        self.engine = TestEngine(self.log)
        self.ids = SeededIds(7)
        self.not_ready: str | None = None
        self.lag = 0
        limits = limits or EdgeLimits(sample_ratio=0)
        self.edge = Edge(
            shop_estate(),
            self.log,
            self.log,
            self.engine,
            SystemClock(),
            self.ids,
            limits,
            lag=lambda: self.lag,
            ready=lambda: self.not_ready,
            metrics=lambda: "engine_lag 0\n",
        )
        self.port = 0

    async def __aenter__(self) -> Shop:
        start = StartRow(0, 0, "0", "shop", "0", "0")
        self.engine.epoch = await self.log.acquire(start, {})
        self.port = await self.edge.start("127.0.0.1", 0)
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.edge.drain(0)

    async def peer(self) -> Peer:
        return await Peer.connect(self.port)


def order(number: int = 1, **more: Any) -> dict[str, Any]:
    """The data of an order."""
    return {"order_id": f"ORD-{number}", "lines": [{"sku": "A", "quantity": 2}], **more}


def cloud_event(number: int = 1, **attributes: Any) -> dict[str, Any]:
    """An order as a CloudEvent; `attributes` replace or add, None leaves out."""
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": f"event-{number}",
        "source": "/storefront",
        "type": "orders.OrderPlaced",
        "data": order(number),
        **attributes,
    }
    return {name: value for name, value in event.items() if value is not None}
