"""What is there in the end: read from the store through its ports, and from the effect server's own books."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from split import Split
from stores import Backing, Store

from interlock.model.event import Event
from interlock.ports.event_log import EventLog
from interlock.testing.checker import Sent

PAGE = 1000
TOTALS = ("entries", "amount", "booked", "booked amount", "transfers")
BOOKED = "reply:registry.book"


@dataclass(slots=True)
class Evidence:
    """events: of the log, by type, in order of their partitions. lists: table -> account -> entry ids.

    published: ids of what was emitted, as a log elsewhere holds them, duplicates included.
    """

    events: dict[str, list[Event]]
    published: list[str] = field(default_factory=list)
    lists: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    totals: dict[str, int] = field(default_factory=dict)
    balances: dict[str, int] = field(default_factory=dict)
    transfers: int = 0

    def bodies(self, event_type: str) -> list[dict[str, Any]]:
        return [json.loads(event.body) for event in self.events.get(event_type, [])]

    @property
    def entries(self) -> dict[str, dict[str, Any]]:
        """The posted entries that the log holds, by id."""
        return {body["entry_id"]: body for body in self.bodies("ledger.EntryPosted")}

    @property
    def outside(self) -> dict[str, int]:
        return {name: body["amount"] for name, body in self.entries.items() if body["outside"]}


def all_of(names: Any) -> Sent:
    return Sent(frozenset(names))


async def read_evidence(place: Backing, accounts: tuple[str, ...]) -> Evidence:
    """From a store whose engine has stopped. Opened as a store, so a file that does not open again is found too."""
    store = await place.open()
    try:
        found = Evidence(await _events(store))
        if isinstance(store, Split):
            raw = await _events(store.outside)
            found.published = [one.id for events in raw.values() for one in events if one.causation is not None]
        lines = {body["account"] for body in found.bodies("ledger.EntryPosted")}
        for table in ("recorded", "audited"):
            found.lists[table] = {line: await _value(store, table, line) or [] for line in sorted(lines)}
        found.totals = {name: await store.counter("totals", name) for name in TOTALS}
        found.balances = {name: await store.counter("balance", name) for name in accounts}
        found.transfers = await _value(store, "sequence", "transfers") or 0
    finally:
        await store.close()
    return found


async def not_found_by_reader(place: Backing, ids: list[str]) -> list[str]:
    """Those of the ids that the read-only reader, which `why` asks, does not find exactly once."""
    reader = await place.reader()
    try:
        found = Counter(stored.event.id for stored in await reader.find_events(*ids))
        return [name for name in ids if found[name] != 1]
    finally:
        await reader.close()


async def _events(store: EventLog) -> dict[str, list[Event]]:
    events: defaultdict[str, list[Event]] = defaultdict(list)
    for partition in range(store.partitions):
        through = 0
        while through < store.head(partition):
            part = await store.read(partition, through, PAGE)
            through = part.through
            for stored in part.events:
                events[stored.event.type].append(stored.event)
    return dict(events)


async def _value(store: Store, table: str, key: str) -> Any:
    found = await store.get(table, key)
    return json.loads(found.value) if found else None
