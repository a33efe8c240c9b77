"""How partitions are shared among members: worked out by each for itself, the same by all, from one roster.

The members that run flows, by epoch: the oldest ones have one partition more where the sum does not come out even.
Who has more than its part gives back; who has less takes what is free. So a join or a leave moves no more than it must.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from interlock.ports.membership import Roster


class Change(NamedTuple):
    """What one member should give back, and what it should claim."""

    surplus: tuple[int, ...]
    wanted: tuple[int, ...]


NO_CHANGE = Change((), ())


def change_of(roster: Roster, partitions: int, epoch: int, mine: Collection[int]) -> Change:
    """For the member `epoch`, which knows better than the roster what it has: `mine`."""
    targets = targets_of(roster, partitions)
    if epoch not in targets:
        return NO_CHANGE
    surplus = sorted(mine)[targets[epoch] :]
    if surplus:
        return Change(tuple(surplus), ())
    had = {member: sum(owner == member for owner in roster.leases.values()) for member in targets} | {epoch: len(mine)}
    free = [partition for partition in range(partitions) if partition not in roster.leases and partition not in mine]
    first = 0
    for member, target in targets.items():
        few = max(0, target - had[member])
        if member == epoch:
            return Change((), tuple(free[first : first + few]))
        first += few
    return NO_CHANGE


def targets_of(roster: Roster, partitions: int) -> dict[int, int]:
    """How many partitions each member that runs flows should have; by epoch, ascending."""
    epochs = sorted(member.epoch for member in roster.members if member.runs_flows)
    if not epochs:
        return {}
    each, more = divmod(partitions, len(epochs))
    return {epoch: each + (place < more) for place, epoch in enumerate(epochs)}


def is_even(roster: Roster, partitions: int) -> bool:
    """Whether each has its part, so that nobody need look again soon."""
    owners = list(roster.leases.values())
    return all(owners.count(epoch) == target for epoch, target in targets_of(roster, partitions).items())
