"""The record of the memory adapter, read straight from its tables."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Collection, Sequence

from interlock.adapters.memory_tables import Tables
from interlock.model.carried import Carried, Place
from interlock.model.event import Stored
from interlock.model.handling import HandlingState, Mark
from interlock.model.hashing import KeyHasher
from interlock.model.lookup_segment import Wanted
from interlock.model.problems import Closed
from interlock.model.record import (
    DeliveryAttempt,
    DeliveryRow,
    DeliveryState,
    FailedAttempt,
    HandlingRow,
    Held,
    RefusalRow,
    StartRow,
    Tally,
)
from interlock.ports.log_index import Identity
from interlock.ports.record_reader import FlowSum

_CALLS: dict[DeliveryState, Place] = {
    DeliveryState.PENDING: "pending_calls",
    DeliveryState.DEAD: "dead_calls",
}


class MemoryRecord:
    """Implements RecordReader but for `close`."""

    def __init__(self, tables: Tables, secret: bytes) -> None:
        self._tables = tables
        self._secret = secret
        self._closed = False

    async def find_events(self, *terms: str) -> list[Stored]:
        wanted = Wanted(terms, KeyHasher(self._secret))
        found = [row for rows in self._open().log for row in rows if wanted.matches(row.event)]
        return sorted(found, key=lambda row: row.position)

    async def recorded(self, identities: Collection[Identity]) -> set[Identity]:
        log = self._open().log
        return {(event.source, event.id) for rows in log for _, event in rows} & set(identities)

    async def handlings_of(self, partition: int, position: int) -> list[HandlingRow]:
        rows = self._open().handlings.values()
        return sorted(row for row in rows if (row.partition, row.position) == (partition, position))

    async def failures_of(self, partition: int, position: int) -> list[FailedAttempt]:
        return sorted(self._open().failures.get((partition, position), ()))

    async def deliveries_of(self, partition: int, position: int) -> list[DeliveryRow]:
        rows = self._open().deliveries.values()
        mine = (row for row in rows if (row.partition, row.position) == (partition, position))
        return sorted(mine, key=lambda row: row.id)

    async def attempts_of(self, delivery_id: str) -> list[DeliveryAttempt]:
        return sorted(self._open().attempts.get(delivery_id, ()), key=lambda row: row.attempt)

    async def find_delivery(self, delivery_id: str) -> DeliveryRow | None:
        return self._open().deliveries.get(delivery_id)

    async def dead_letters(self, flow: str | None, limit: int) -> list[Held]:
        dead = (row for row in self._open().held.values() if row.state is HandlingState.DEAD)
        wanted = (row for row in dead if flow is None or row.flow == flow)
        return sorted(wanted, key=lambda row: (row.partition, row.position, row.flow))[:limit]

    async def dead_deliveries(self, limit: int) -> list[DeliveryRow]:
        dead = (row for row in self._open().deliveries.values() if row.state is DeliveryState.DEAD)
        return sorted(dead, key=lambda row: row.id)[:limit]

    async def values(self, table: str, after: str, limit: int) -> list[tuple[str, bytes]]:
        beyond = (key for name, key in self._open().values if name == table and key > after)
        return [(key, self._open().values[table, key].value) for key in heapq.nsmallest(limit, beyond)]

    async def carried(self) -> list[Carried]:
        tables = self._open()
        counted: Counter[tuple[str, str, Place, str]] = Counter()
        for rows in tables.log:
            for _, event in rows:
                counted[event.type, event.version, "log", ""] += 1
        for held in tables.held.values():
            place: Place = "parked" if held.state is HandlingState.PARKED else "dead_letters"
            counted[held.event.type, held.event.version, place, held.flow] += 1
        for call in tables.deliveries.values():
            if call.state in _CALLS:
                for position, event in tables.log[call.partition]:
                    if position == call.position:
                        counted[event.type, event.version, _CALLS[call.state], call.flow] += 1
        return [Carried(*key, total) for key, total in sorted(counted.items())]

    async def delivery_counts(self) -> dict[str, int]:
        counted = Counter(row.state for row in self._open().deliveries.values())
        return {state.name.lower(): counted[state] for state in DeliveryState}

    async def unpublished(self) -> int:
        return 0

    async def cursor(self, flow: str, partition: int) -> int | None:
        return self._open().cursors.get(flow, {}).get(partition)

    async def starts(self) -> list[StartRow]:
        return list(self._open().starts)

    async def refusals(self) -> list[RefusalRow]:
        return sorted(self._open().refusals.values())

    async def sums(self, flows: dict[str, Sequence[str]]) -> list[FlowSum]:
        self._open()
        return [self._sum(flow) for flow in flows]

    async def tallies(self) -> list[Tally]:
        counted = sorted(self._open().tallies.items())
        return [Tally(flow, state, total) for (flow, state), total in counted if total]

    def _sum(self, flow: str) -> FlowSum:
        tables = self._tables
        states: Counter[HandlingState] = Counter()
        for place, generation in tables.current.items():
            if place[0] == flow:
                states[tables.handlings[Mark(*place, generation)].state] += 1
        return FlowSum(
            flow,
            self._accepted(flow),
            self._pending(flow),
            parked=states[HandlingState.PARKED],
            done=states[HandlingState.DONE],
            skipped=states[HandlingState.SKIPPED],
            dead=states[HandlingState.DEAD],
            discarded=states[HandlingState.DISCARDED],
        )

    def _accepted(self, flow: str) -> int:
        before = self._tables.before.get(flow, {})
        totals = Counter(event.type for rows in self._tables.log for _, event in rows)
        return sum(totals[name] - count if count >= 0 else -1 - count for name, count in before.items())

    def _pending(self, flow: str) -> int:
        types = {name for name, count in self._tables.before.get(flow, {}).items() if count >= 0}
        cursors = self._tables.cursors.get(flow, {})
        return sum(
            event.type in types
            and position > cursors[partition]
            and (flow, partition, position) not in self._tables.current
            for partition, rows in enumerate(self._tables.log)
            if partition in cursors
            for position, event in rows
        )

    def _open(self) -> Tables:
        if self._closed:
            raise Closed("The memory store was closed.")
        return self._tables
