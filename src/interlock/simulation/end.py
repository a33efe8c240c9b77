"""A deployment after a schedule: what its tables hold, what its systems did, what its producers were told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from interlock.flows.engine import types_of
from interlock.model.event import Stored
from interlock.model.handling import HandlingState
from interlock.model.record import DeliveryState
from interlock.sdk.drill import Effect
from interlock.simulation.client import Producers
from interlock.simulation.image import Image
from interlock.simulation.outside import Outside
from interlock.simulation.scenario import Scenario
from interlock.simulation.world import World

decode = msgspec.json.decode


class Ended:
    """Implements `sdk.drill.End`. Invariants of the engine look at its parts."""

    def __init__(
        self,
        scenario: Scenario,
        world: World,
        image: Image,
        outside: Outside,
        producers: Producers,
        lowest_skew_us: Callable[[], int],
    ) -> None:
        self.scenario = scenario
        self.estate = scenario.estate
        self.world = world
        self.image = image
        self.tables = image.tables
        self.witness = image.witness
        self.outside = outside
        self.producers = producers
        self._lowest_skew_us = lowest_skew_us
        self.types = {name: frozenset(types_of(flow)) for name, flow in scenario.estate.flows.items()}

    @property
    def latest_us(self) -> int:
        """What time it is by the clock of the slowest process."""
        return self.world.epoch_us + self.world.now_us + self._lowest_skew_us()

    def effects(self, operation: str) -> Sequence[Effect]:
        return self.outside.effects(operation)

    def sent(self, name: str) -> Sequence[Mapping[str, Any]]:
        return [one.sending.item.data for one in self.producers.acknowledged if one.sending.item[0] == name]

    def events(self, event_type: str) -> Sequence[Mapping[str, Any]]:
        return [decode(event.body) for _, event in self.log() if event.type == event_type]

    def values(self, table: str) -> Mapping[str, Any]:
        return {key: decode(one.value) for (where, key), one in self.tables.values.items() if where == table}

    def counters(self, table: str) -> Mapping[str, int]:
        return {key: value for (where, key), value in self.tables.counters.items() if where == table}

    def dead_letters(self, flow: str | None = None) -> Sequence[str]:
        dead = [
            held.error or "?"
            for held in self.tables.held.values()
            if held.state is HandlingState.DEAD and flow in (None, held.flow)
        ]
        calls = [
            f"{row.system}.{row.operation}"
            for row in self.tables.deliveries.values()
            if row.state is DeliveryState.DEAD and flow in (None, row.flow)
        ]
        return dead + calls

    def log(self) -> list[Stored]:
        """The events that flows see, each once, by partition and position; with their bodies."""
        passed = getattr(self.tables, "passed", {})
        rows = [row for rows in self.image.log_tables.log for row in rows]
        return [row for row in rows if (row.event.partition, row.position) not in passed]

    def by_key(self) -> dict[int, list[Stored]]:
        """`log`, by the hash of the partition key."""
        found: defaultdict[int, list[Stored]] = defaultdict(list)
        for row in self.log():
            found[row.event.key_hash].append(row)
        return dict(found)
