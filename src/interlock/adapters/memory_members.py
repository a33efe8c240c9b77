"""Who lives on the memory store, and whose its partitions are. An exclusive owner is a member without an end."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from interlock.model.problems import Fenced, SettingInvalid
from interlock.ports.membership import Member, Roster

SECOND_US = 1_000_000


@dataclass(slots=True)
class Living:
    """A member and the flows that it runs. `until_us` is None for an exclusive owner."""

    member: Member
    flows: frozenset[str]
    lease_us: int
    until_us: int | None


class Members:
    """Moments are the store's, in microseconds from any start."""

    def __init__(self, partitions: int) -> None:
        self.partitions = partitions
        self.living: dict[int, Living] = {}
        self.leases: dict[int, int] = {}

    def own_alone(self, epoch: int, flows: Collection[str]) -> None:
        self.living = {epoch: Living(Member(epoch, "alone", True), frozenset(flows), 0, None)}
        self.leases = dict.fromkeys(range(self.partitions), epoch)

    def join(self, member: Member, flows: Collection[str], lease_seconds: float, now_us: int) -> None:
        """An exclusive owner is gone by it."""
        lease_us = round(lease_seconds * SECOND_US)
        self.end_late(now_us)
        for other in list(self.living.values()):
            if other.until_us is None:
                self.end(other.member.epoch)
            elif other.lease_us != lease_us:
                raise SettingInvalid(
                    f"workers.lease_seconds is {lease_seconds:g} here, "
                    f"and {other.lease_us / SECOND_US:g} at {other.member.name}.",
                    next_step="Give all processes on the store the same settings.",
                )
        self.living[member.epoch] = Living(member, frozenset(flows), lease_us, now_us + lease_us)

    def beat(self, epoch: int, now_us: int) -> Roster:
        mine = self.one(epoch)
        if mine.until_us is not None:
            mine.until_us = now_us + mine.lease_us
        self.end_late(now_us)
        return Roster(tuple(each.member for each in self.living.values()), dict(sorted(self.leases.items())))

    def one(self, epoch: int) -> Living:
        """Raises Fenced when it is gone."""
        found = self.living.get(epoch)
        if found is None:
            raise Fenced(f"Epoch {epoch} is over: its process was replaced, or was silent for too long.")
        return found

    def end_late(self, now_us: int) -> None:
        late = [epoch for epoch, each in self.living.items() if each.until_us is not None and each.until_us < now_us]
        for epoch in late:
            self.end(epoch)

    def end(self, epoch: int) -> None:
        self.living.pop(epoch, None)
        self.free(epoch, range(self.partitions))

    def claim(self, epoch: int, partitions: Collection[int]) -> list[int]:
        self.one(epoch)
        free = [one for one in sorted(set(partitions)) if one < self.partitions and one not in self.leases]
        self.leases.update(dict.fromkeys(free, epoch))
        return free

    def free(self, epoch: int, partitions: Collection[int]) -> None:
        for partition in partitions:
            if self.leases.get(partition) == epoch:
                del self.leases[partition]

    def check(self, epoch: int, partitions: Collection[int]) -> None:
        """Raise Fenced unless the member lives and leases them."""
        self.one(epoch)
        others = [partition for partition in sorted(partitions) if self.leases.get(partition) != epoch]
        if others:
            raise Fenced(f"Epoch {epoch} does not lease partition {others[0]}.")
