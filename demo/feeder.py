"""Hands an export over to the engine, as a shop's nightly job would: one event per invoice, nothing interpreted.

Promises: the invoices of one customer go one after the other, each only after the one before was answered 2xx.
Whatever happens to the engine, the same invoice is sent again with the same id (or Idempotency-Key) until it is
answered. Some are sent twice on purpose.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import aiohttp

from demo.invoices import Invoice

SOURCE = "/storefront"
PATIENCE_SECONDS = 10.0
LONGEST_PAUSE_SECONDS = 1.0
DUPLICATE_SHARE = 0.05
BATCH = 5


class Way(StrEnum):
    STRUCTURED = "structured"
    BINARY = "binary"
    BATCH = "batch"
    API = "api"


WEIGHTS = {Way.STRUCTURED: 0.45, Way.BINARY: 0.2, Way.BATCH: 0.15, Way.API: 0.2}


class Refused(Exception):
    """The engine refused for good (4xx): trying again cannot help."""


@dataclass(frozen=True, slots=True)
class Message:
    """One event to hand over. `data` is the event's data as JSON."""

    id: str
    type: str
    key: str
    data: Mapping[str, Any]
    way: Way

    @property
    def envelope(self) -> dict[str, Any]:
        return {
            "specversion": "1.0",
            "id": self.id,
            "source": SOURCE,
            "type": self.type,
            "datacontenttype": "application/json",
            "data": self.data,
        }


@dataclass(slots=True)
class Tally:
    """What the feeder saw. ways: requests answered 2xx; retries: by cause."""

    sent: int = 0
    duplicates: int = 0
    ways: Counter[str] = field(default_factory=Counter)
    retries: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)


class Feeder:
    """`address` answers where the engine is now: it may come back on another port."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        address: Callable[[], str],
        seed: int,
        per_second: float,
        progress: Callable[[int], None],
    ) -> None:
        self.tally = Tally()
        self._session = session
        self._address = address
        self._chance = random.Random(seed)
        self._pace = Pace(per_second)
        self._progress = progress

    async def feed_stock(self, stock: Mapping[str, int]) -> None:
        messages = [
            Message(f"stock-{sku}", "inventory.StockReceived", sku, {"sku": sku, "quantity": units}, Way.BATCH)
            for sku, units in stock.items()
        ]
        for start in range(0, len(messages), 200):
            await self._hand_over(messages[start : start + 200])

    async def feed(self, invoices: Sequence[Invoice], workers: int = 16) -> None:
        waiting = Turns(self._message(invoice) for invoice in invoices)
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(self._work(waiting))

    def _message(self, invoice: Invoice) -> Message:
        (way,) = self._chance.choices(list(WEIGHTS), list(WEIGHTS.values()))
        key = invoice.customer_key
        return Message(f"inv-{invoice.number}", "orders.InvoiceImported", key, invoice.data, way)

    async def _work(self, waiting: Turns) -> None:
        while not waiting.exhausted:
            messages = waiting.take(BATCH)
            if not messages:
                await waiting.changed()
                continue
            for _ in messages:
                await self._pace.turn()
            await self._hand_over(messages)
            if self._chance.random() < DUPLICATE_SHARE:
                await self._hand_over(messages)
                self.tally.duplicates += len(messages)
            waiting.done(messages)
            self.tally.sent += len(messages)
            self._progress(len(messages))

    async def _hand_over(self, messages: Sequence[Message]) -> None:
        """Until it is answered 2xx. A batch is taken as a whole or not at all."""
        way = messages[0].way
        pause = 0.05
        while True:
            try:
                cause = await self._attempt(way, messages)
            except (aiohttp.ClientError, ConnectionError, TimeoutError) as error:
                cause = type(error).__name__
            if cause is None:
                self.tally.ways[way] += 1
                return
            self.tally.retries[cause] += 1
            await asyncio.sleep(pause * self._chance.uniform(0.5, 1.5))
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    async def _attempt(self, way: Way, messages: Sequence[Message]) -> str | None:
        """None when answered 2xx, else why to try again."""
        path, headers, body = encode(way, messages)
        limit = aiohttp.ClientTimeout(total=PATIENCE_SECONDS)
        url = self._address() + path
        async with self._session.post(url, data=body, headers=headers, timeout=limit) as response:
            text = await response.text()
            if 200 <= response.status < 300:
                self._count(way, text)
                return None
            if response.status in (409, 429) or response.status >= 500:
                return f"HTTP {response.status}"
            raise Refused(f"{messages[0].id}: HTTP {response.status} {text[:500]}")

    def _count(self, way: Way, text: str) -> None:
        receipts = json.loads(text)
        for receipt in receipts if way is Way.BATCH else [receipts]:
            self.tally.statuses[receipt["status"]] += 1


def encode(way: Way, messages: Sequence[Message]) -> tuple[str, dict[str, str], bytes]:
    """Path, headers and body of the request. Only a batch holds more than one message."""
    first = messages[0]
    if way is Way.BATCH:
        batch = json.dumps([message.envelope for message in messages]).encode()
        return "/events", {"content-type": "application/cloudevents-batch+json"}, batch
    if way is Way.STRUCTURED:
        return "/events", {"content-type": "application/cloudevents+json"}, json.dumps(first.envelope).encode()
    data = json.dumps(first.data).encode()
    if way is Way.BINARY:
        attributes = {f"ce-{name}": first.envelope[name] for name in ("specversion", "id", "source", "type")}
        return "/events", {"content-type": "application/json", **attributes}, data
    return "/invoices", {"content-type": "application/json", "idempotency-key": f'"{first.id}"'}, data


class Turns:
    """Messages in order, at most one per key in flight."""

    def __init__(self, messages: Any) -> None:
        self._waiting: dict[str, deque[Message]] = {}
        for message in messages:
            self._waiting.setdefault(message.key, deque()).append(message)
        self._ready = deque(self._waiting)
        self._open = sum(len(queue) for queue in self._waiting.values())
        self._change = asyncio.Event()

    @property
    def exhausted(self) -> bool:
        return self._open == 0

    def take(self, most: int) -> list[Message]:
        """One message; several of different keys when the first goes by batch. Empty: all keys are busy."""
        taken: list[Message] = []
        while self._ready and len(taken) < most:
            message = self._waiting[self._ready[0]][0]
            if taken and message.way is not Way.BATCH:
                break
            self._ready.popleft()
            taken.append(message)
            if message.way is not Way.BATCH:
                break
        return taken

    def done(self, messages: Sequence[Message]) -> None:
        for message in messages:
            queue = self._waiting[message.key]
            queue.popleft()
            self._open -= 1
            if queue:
                self._ready.append(message.key)
        self._change.set()
        self._change = asyncio.Event()

    async def changed(self) -> None:
        await self._change.wait()


class Pace:
    """Spreads turns evenly: `per_second` of them, no more."""

    def __init__(self, per_second: float) -> None:
        self._gap_seconds = 1 / per_second
        self._next = 0.0

    async def turn(self) -> None:
        now = asyncio.get_running_loop().time()
        self._next = max(now, self._next) + self._gap_seconds
        await asyncio.sleep(self._next - now - self._gap_seconds)
