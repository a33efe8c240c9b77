"""The commerce estate without the engine: its real handlers, on dicts, in a random order that a seed fixes.

Order per (flow, key) is kept, everything else may overtake everything else; calls run on the demo systems' real books,
some of them twice. Every emitted fact is checked against its JSON Schema.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import random
from collections import Counter, defaultdict, deque
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema_rs
import msgspec

from commerce.places import ESTATE
from demo.invoices import read_invoices
from demo.stock import opening_stock
from demo.systems.books import Books
from demo.systems.trade import routes
from interlock.model.event import Event
from interlock.model.hashing import idempotency_key
from interlock.model.problems import Rejected
from interlock.sdk.context import Context, Skipped
from interlock.sdk.flow import Flow, reply_type
from interlock.sdk.reply import Reply

FLOWS = ("import_invoices", "quarantine", "payments", "inventory", "fulfilment", "finance", "refunds")
PATHS = {
    "payments.charge": "/charges",
    "payments.refund": "/refunds",
    "warehouse.ship": "/shipments",
    "finance.invoice": "/invoices",
    "finance.credit": "/credits",
}


class Fact(NamedTuple):
    type: str
    id: str
    key: str
    body: bytes


class Call(NamedTuple):
    operation: str
    key: str
    idempotency_key: str
    body: bytes


class Tables:
    """Committed state, as a StateReader."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], bytes] = {}
        self.counters: Counter[tuple[str, str]] = Counter()

    async def get(self, table: str, key: str) -> tuple[bytes, int] | None:
        row = self.rows.get((table, key))
        return None if row is None else (row, 1)

    async def counter(self, table: str, key: str) -> int:
        return self.counters[table, key]


def load_flows() -> list[Flow]:
    modules = [importlib.import_module(f"estate.flows.{name}") for name in FLOWS]
    return [value for module in modules for value in vars(module).values() if isinstance(value, Flow)]


def load_contracts() -> dict[str, tuple[jsonschema_rs.Draft202012Validator, str]]:
    contracts = {}
    for path in (ESTATE / "contracts" / "events").glob("*/*/1.0.0.json"):
        schema = json.loads(path.read_text())
        key = schema["x-interlock"]["partition_key"].removeprefix("/")
        contracts[f"{path.parts[-3]}.{schema['title']}"] = (jsonschema_rs.Draft202012Validator(schema), key)
    return contracts


class Simulation:
    def __init__(self, folder: Path, seed: int, declined: float = 0.02) -> None:
        self.chance = random.Random(seed)
        self.tables = Tables()
        self.dead: list[dict[str, str]] = []
        self.facts: Counter[str] = Counter()
        self.books = {name: Books(folder / f"{name}.db") for name in ("payments", "warehouse", "finance")}
        for books in self.books.values():
            books._db.execute("PRAGMA synchronous=OFF")  # nobody pulls the plug on this one
        self._routes = {name: routes(name, seed, declined) for name in self.books}
        self._handlers: dict[str, list[tuple[Flow, Any]]] = defaultdict(list)
        for flow in load_flows():
            for spec in flow.specs:
                subject = reply_type(spec.subject) if spec.trigger == "reply" else spec.subject
                self._handlers[subject].append((flow, spec))
        self._contracts = load_contracts()
        self._queues: dict[tuple[str, str], deque[tuple[Flow, Any, Fact]]] = defaultdict(deque)
        self._ready: list[tuple[str, str]] = []
        self._calls: list[Call] = []

    async def feed(self, source: Path, seed: int, scarce: float = 0.05) -> dict[str, int]:
        """All invoices of the source; answers the opening stock."""
        invoices = read_invoices(source)
        stock = opening_stock(invoices, seed, scarce)
        for sku, units in stock.items():
            self.append("inventory.StockReceived", f"stock-{sku}", {"sku": sku, "quantity": units})
        await self.run()
        for invoice in invoices:
            self.append("orders.InvoiceImported", f"inv-{invoice.number}", invoice.data)
        await self.run()
        return stock

    def append(self, kind: str, identity: str, data: Any) -> None:
        validator, pointer = self._contracts[kind]
        validator.validate(data)
        self.facts[kind] += 1
        self._queue(Fact(kind, identity, data[pointer], msgspec.json.encode(data)))

    async def run(self) -> None:
        while self._ready or self._calls:
            if self._calls and (not self._ready or self.chance.random() < 0.3):
                self._perform(self._pick(self._calls))
            else:
                await self._handle(self._pick(self._ready))

    def _pick(self, items: list[Any]) -> Any:
        place = self.chance.randrange(len(items))
        items[place], items[-1] = items[-1], items[place]
        return items.pop()

    def _queue(self, fact: Fact) -> None:
        for flow, spec in self._handlers[fact.type]:
            place = flow.name, fact.key
            if not self._queues[place]:
                self._ready.append(place)
            self._queues[place].append((flow, spec, fact))

    async def _handle(self, place: tuple[str, str]) -> None:
        flow, spec, fact = self._queues[place].popleft()
        event = Event(0, fact.id, "/test", fact.type, "1.0.0", 0, 0, None, None, None, b"", None, 0, None, fact.body)
        ctx = Context(flow.name, event, 0, self.tables)
        model = Reply if spec.trigger == "reply" else spec.model
        try:
            await spec.handler(msgspec.json.decode(fact.body, type=model), ctx)
        except Skipped:
            pass
        except Rejected as rejected:
            self.dead.append({"flow": flow.name, "reason": rejected.reason, "detail": rejected.detail})
        else:
            self._commit(flow, fact, ctx)
        if self._queues[place]:
            self._ready.append(place)
        else:
            del self._queues[place]

    def _commit(self, flow: Flow, fact: Fact, ctx: Context) -> None:
        for add in ctx.adds:
            self.tables.counters[add.table, add.key] += add.delta
            assert self.tables.counters[add.table, add.key] >= (add.floor or 0)
        for put in ctx.puts:
            if put.value is None:
                self.tables.rows.pop((put.table, put.key), None)
            else:
                self.tables.rows[put.table, put.key] = put.value
        for number, emitted in enumerate(ctx.emits):
            data = json.loads(msgspec.json.encode(emitted))
            self.append(emitted.__contract__, f"{fact.id}/{flow.name}/{number}", data)
        for call in ctx.calls:
            key = idempotency_key(fact.id, flow.name, call.step)
            self._calls.append(Call(call.operation, fact.key, key, msgspec.json.encode(call.body)))

    def _perform(self, call: Call) -> None:
        system = call.operation.partition(".")[0]
        decide = self._routes[system][PATHS[call.operation]]
        answer = self.books[system].perform(call.idempotency_key, "webhook", call.body, decide)
        if self.chance.random() < 0.1:
            assert self.books[system].perform(call.idempotency_key, "webhook", call.body, decide) == answer
        reply = Reply(call.operation, answer.status, json.loads(call.body), answer.body)
        self._queue(Fact(reply_type(call.operation), call.idempotency_key, call.key, msgspec.json.encode(reply)))


def simulate(source: Path, folder: Path, seed: int, declined: float = 0.02, scarce: float = 0.05) -> Simulation:
    """Runs it all and leaves books, stock.json and dlq.json in the folder, as the demo does."""
    simulation = Simulation(folder, seed, declined)
    stock = asyncio.run(simulation.feed(source, seed, scarce))
    (folder / "stock.json").write_text(json.dumps(stock))
    (folder / "dlq.json").write_text(json.dumps(simulation.dead))
    for books in simulation.books.values():
        books.close()
    return simulation
