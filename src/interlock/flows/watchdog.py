"""Names partitions in which something has waited for too long, and those that no living member has.

Each is told once when it begins and once when it is over. Of what nobody has, the oldest member tells for all.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from interlock.flows.share import targets_of
from interlock.model.clock import Clock
from interlock.ports.membership import Roster

log = logging.getLogger("interlock.flows")


class Watchdog:
    """`stuck` and `unowned` are what it found last: (flow, partition), and partitions."""

    def __init__(self, clock: Clock, stuck_seconds: float, unowned_seconds: float, partitions: int) -> None:
        self._clock = clock
        self._stuck_us = int(stuck_seconds * 1_000_000)
        self._unowned_us = int(unowned_seconds * 1_000_000)
        self._partitions = partitions
        self._free_since_us: dict[int, int] = {}
        self.stuck: set[tuple[str, int]] = set()
        self.unowned: set[int] = set()

    def look(self, oldest: Mapping[str, Mapping[int, int]]) -> None:
        """`oldest`: for each flow, when the oldest event that is not settled was accepted, by partition."""
        now_us = self._clock.now_us()
        waiting = {(flow, part): now_us - at_us for flow, parts in oldest.items() for part, at_us in parts.items()}
        stuck = {place for place, age_us in waiting.items() if age_us >= self._stuck_us}
        for flow, partition in sorted(stuck - self.stuck):
            fields = {"flow": flow, "partition": partition, "seconds": waiting[flow, partition] // 1_000_000}
            log.warning("flow.partition_stuck", extra=fields)
        for flow, partition in sorted(self.stuck - stuck):
            log.info("flow.partition_moves", extra={"flow": flow, "partition": partition})
        self.stuck = stuck

    def look_at(self, roster: Roster, epoch: int) -> None:
        """At who has what; by the member `epoch`."""
        now_us = self._clock.monotonic_us()
        free = [partition for partition in range(self._partitions) if partition not in roster.leases]
        self._free_since_us = {partition: self._free_since_us.get(partition, now_us) for partition in free}
        unowned = {part for part, since_us in self._free_since_us.items() if now_us - since_us >= self._unowned_us}
        oldest = min((member.epoch for member in roster.members), default=epoch)
        if oldest == epoch and (fresh := unowned - self.unowned):
            fields = {"partitions": sorted(fresh), "members": len(targets_of(roster, self._partitions))}
            log.warning("partition.unowned", extra=fields)
        self.unowned = unowned
