"""Port: who runs flows on a store that several processes share, and which partitions each of them has."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from interlock.model.record import StartRow


class Member(NamedTuple):
    """A living process on the store. `name` is for people (host and process); the epoch is its identity."""

    epoch: int
    name: str
    runs_flows: bool


class Roster(NamedTuple):
    """Who lives, by epoch, and whose each leased partition is. A partition that nobody leases is absent."""

    members: tuple[Member, ...]
    leases: Mapping[int, int]


@runtime_checkable
class Membership(Protocol):
    """Leases of partitions, judged by the store and by the store's clock, never by a member's.

    Promises
    - one lease: at any moment a partition is leased to one living member at most;
    - fenced: once a member is gone (it left, or its time was over and another member noticed) no commit under its
      epoch is applied, however late it arrives; nor one with a step or a cursor move of a partition that it does not
      lease: the whole commit is Fenced. Steps of no partition (requests, ticks, deliveries) need a living member only;
    - for good: an epoch that is gone never comes back. Whoever wakes up too late joins anew;
    - handed over whole: who claims a partition finds the cursor, marks and held envelopes of all that the member
      before committed.

    After StorageUnavailable nobody knows whether it was done: the next roster says.

    Not promised: fairness. How many partitions each should have, the members work out from the roster.
    """

    async def join(
        self, start: StartRow, flows: Mapping[str, Sequence[str]], name: str, *, runs_flows: bool, lease_seconds: float
    ) -> int:
        """Become a member beside the others: a new epoch, higher than all before, recorded with `start`.

        `flows` as in StateStore.acquire; each of their types begins as it does there. Nothing is leased yet. Who owned
        the store alone is gone. SettingInvalid when the store is another estate's, or a living member has another
        `lease_seconds`.
        """
        ...

    async def beat(self, epoch: int) -> Roster:
        """Live for another `lease_seconds` from now; members whose time is over are gone, their partitions free.

        Fenced when that had happened to this one.
        """
        ...

    async def claim(self, epoch: int, partitions: Collection[int]) -> list[int]:
        """Lease those of the partitions that are free; which they were, ascending. Fenced when the member is gone."""
        ...

    async def release(self, epoch: int, partitions: Collection[int]) -> None:
        """Give partitions back, after what was in flight for them was committed. Those of others are left alone."""
        ...

    async def leave(self, epoch: int) -> None:
        """Give everything back and be gone. Not an error when it is gone already."""
        ...


class MemberSeen(NamedTuple):
    """A member as others see it. `silent_seconds`: since its last beat, by the store's clock."""

    epoch: int
    name: str
    runs_flows: bool
    silent_seconds: float
    partitions: tuple[int, ...]


@runtime_checkable
class SeesMembers(Protocol):
    """A reader of a store that several processes share."""

    async def members(self) -> list[MemberSeen]:
        """Who lives, by epoch, as committed; who was silent for too long stays until another member notices."""
        ...
