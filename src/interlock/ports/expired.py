"""Port: what the record tells of events that the log dropped before a flow had handled them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple, Protocol, runtime_checkable

SHOWN_IDS = 10


class Expired(NamedTuple):
    """A partition in which a flow stands: between `after` and `through` the log has nothing any more.

    types     how many events of each type the flow had still to handle there, as the index knows them
    ids       of the first SHOWN_IDS of these events
    unseen    positions there that nobody has indexed: the most that can have been lost without being known. Where
              partitions share their positions, many of them may have been another's
    since_us  when it was noticed
    """

    flow: str
    partition: int
    after: int
    through: int
    types: Mapping[str, int]
    ids: tuple[str, ...]
    unseen: int
    since_us: int

    @property
    def events(self) -> int:
        return sum(self.types.values())


@runtime_checkable
class SeesExpired(Protocol):
    """A record of a log that lies elsewhere."""

    async def expired(self, flows: Collection[str]) -> list[Expired]:
        """Where these flows stand, by flow and partition; nothing where there was nothing for them."""
        ...
