"""A small estate made in memory, for tests of the engine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any, ClassVar, cast

import msgspec

from interlock import Flow
from interlock.contracts.event_contract import EventContract
from interlock.estate.estate import Estate
from interlock.estate.system import System
from interlock.model.clock import Clock
from interlock.model.event import Appended, Event
from interlock.model.hashing import KeyHasher, partition_of
from interlock.model.problems import Problem
from interlock.ports.event_log import EventLog


def schema(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {name: {"type": kind, "x-classification": "internal"} for name, kind in properties.items()},
        "required": list(properties),
        "additionalProperties": False,
        "x-interlock": {"owner": "team", "partition_key": "/order_id", "business_keys": ["/order_id"]},
    }


PLACED = EventContract("orders", "OrderPlaced", "1.0.0", schema(order_id="string", n="integer"))
RESERVED = EventContract("orders", "StockReserved", "1.0.0", schema(order_id="string", n="integer"))


class OrderPlaced(msgspec.Struct, frozen=True, kw_only=True):
    __contract__: ClassVar[str] = "orders.OrderPlaced"
    __version__: ClassVar[str] = "1.0.0"
    order_id: str
    n: int


class StockReserved(msgspec.Struct, frozen=True, kw_only=True):
    __contract__: ClassVar[str] = "orders.StockReserved"
    __version__: ClassVar[str] = "1.0.0"
    order_id: str
    n: int


def estate_of(*flows: Flow) -> Estate:
    contracts = {(contract.type, contract.version): contract for contract in (PLACED, RESERVED)}
    system = cast(System, SimpleNamespace(name="payments", operations={"charge": None}))
    return cast(
        Estate,
        SimpleNamespace(
            root=Path("."),
            name="shop",
            hash="0" * 64,
            contracts=MappingProxyType(contracts),
            latest={contract.type: contract for contract in contracts.values()},
            flows={flow.name: flow for flow in flows},
            systems={"payments": system},
        ),
    )


class Producer:
    """Appends orders as the edge would."""

    def __init__(self, log: EventLog, clock: Clock) -> None:
        self._log = log
        self._clock = clock
        self._hasher = KeyHasher(log.secret)
        self._made = 0
        self.appended: list[Appended] = []

    @property
    def in_flight(self) -> bool:
        """Whether an append has not been answered yet."""
        return len(self.appended) < self._made

    def partition(self, order_id: str) -> int:
        return partition_of(self._hasher.number(order_id), self._log.partitions)

    def place(self, order_id: str, n: int = 0, event_id: str | None = None) -> None:
        self._log.append([self._order(order_id, n, event_id)], self._done)

    def place_together(self, order_ids: Sequence[str]) -> None:
        """In one append, so that listeners hear of all of them at once."""
        self._log.append([self._order(order_id, 0, None) for order_id in order_ids], self._done)

    def _order(self, order_id: str, n: int, event_id: str | None) -> Event:
        self._made += 1
        key_hash = self._hasher.number(order_id)
        return Event(
            partition_of(key_hash, self._log.partitions),
            event_id or f"evt-{self._made:06d}",
            "/shop",
            "orders.OrderPlaced",
            "1.0.0",
            key_hash,
            self._clock.now_us(),
            None,
            None,
            None,
            self._hasher.digest(order_id),
            None,
            0,
            None,
            msgspec.json.encode({"order_id": order_id, "n": n}),
        )

    def _done(self, appended: Sequence[Appended] | None, problem: Problem | None) -> None:
        assert problem is None, problem
        assert appended is not None
        self.appended.extend(appended)
