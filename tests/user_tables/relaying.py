"""A relay over a real log, without the rest of an engine."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from interlock.adapters.memory import MemoryStore
from interlock.adapters.system import SystemClock, SystemIds
from interlock.contracts.event_contract import EventContract
from interlock.edge.event_intake import EventIntake
from interlock.edge.refusals import Refusals
from interlock.edge.source_relay import RelayPlan, SourceRelay
from interlock.estate.contract_files import sound_events
from interlock.estate.starter import write_starter
from interlock.model.event import Event
from interlock.model.problems import Problem
from interlock.ports.outbox_source import OutboxSource


def order(number: int, customer: str = "C-1") -> dict[str, Any]:
    """Data of a sound orders.OrderPlaced."""
    lines = [{"sku": "MUG", "quantity": 1, "unit_price": "8.20"}]
    facts = {"order_id": f"O-{number}", "customer_id": customer, "placed_at": "2026-01-05T14:02:11Z"}
    return {**facts, "currency": "EUR", "total": "8.20", "lines": lines}


def order_text(number: int, customer: str = "C-1") -> str:
    return json.dumps(order(number, customer))


def contracts(folder: Path) -> list[EventContract]:
    """Those of the estate that `interlock init` makes."""
    write_starter(folder / "shop", "shop")
    return sound_events(folder / "shop")


def relay_over(
    source: OutboxSource,
    store: Any,
    events: list[EventContract],
    *,
    record: Any = None,
    admission: Callable[[], Problem | None] = lambda: None,
    **plan: Any,
) -> SourceRelay:
    """The estate is what the intake looks at of it: its contracts."""
    estate: Any = SimpleNamespace(
        latest={one.type: one for one in events}, contracts={(one.type, one.version): one for one in events}
    )
    intake = EventIntake(estate, store)
    wanted = RelayPlan("app", "/app", **{"poll_seconds": 0.01, "standby_seconds": 0.05, **plan})
    return SourceRelay(
        wanted, source, intake, store, record or store, Refusals(), SystemClock(), SystemIds(), admission
    )


async def logged(store: MemoryStore | Any) -> list[Event]:
    """All events of a log, in the order of their positions."""
    found = []
    for partition in range(store.partitions):
        found += (await store.read(partition, 0, 1_000_000)).events
    return [stored.event for stored in sorted(found)]


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - it is asked, it does not tell
            await asyncio.sleep(0.01)
