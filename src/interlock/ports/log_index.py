"""Port: what the state store knows of a log that lies elsewhere: metadata of each event, without its body."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, Protocol

from interlock.model.event import Appended, Event, Stored
from interlock.ports.event_log import Slice

Identity = tuple[str, str]  # source, id


class Stretch(NamedTuple):
    """What follows on position `after` in one partition of the log, as it was read."""

    partition: int
    after: int
    part: Slice


class LogIndex(Protocol):
    """The index is a function of the log alone: whoever reads a stretch writes the same. It feeds the record, and it
    judges duplicates: of one (source, id) the first that is indexed counts, as long as its claim lives.

    Promises
    - whole: a stretch is indexed with its events, their claims and counts in one commit, or not at all;
    - without gaps: a stretch that does not begin where the partition's index ends is not indexed;
    - accounted: what the log dropped is noted, with how far the index had come, in the commit that takes the index over
      it; so it can be told at any time what was lost and is known, and how much nobody has ever seen;
    - once: an event whose (source, id) was indexed within the dedupe window is a duplicate: it is neither counted nor
      found, and `duplicates` names its position.
    """

    async def ends(self) -> list[int]:
        """How far each partition is indexed."""
        ...

    async def extend(self, stretches: Sequence[Stretch]) -> list[set[int]]:
        """Index stretches of different partitions; the duplicates in each. StaleRead when one does not fit on."""
        ...

    async def note_expired(self, partition: int, through: int, at_us: int) -> None:
        """The log has nothing up to `through` any more. An index that is not there yet goes on behind it."""
        ...

    async def floors(self) -> Mapping[int, int]:
        """Partition -> up to where the log was found to have nothing any more; absent where nothing was noted."""
        ...

    async def unseen(self, partition: int, after: int, through: int) -> int:
        """How many of the positions with `after < position <= through` expired before they were indexed: the most that
        can have been lost there without anybody knowing what."""
        ...

    async def indexed(
        self, partition: int, after: int, through: int, types: Collection[str], limit: int
    ) -> list[Stored]:
        """The first events of these types with `after < position <= through`, without their bodies."""
        ...

    async def duplicates(self, partition: int, after: int, through: int) -> set[int]:
        """Positions with `after < position <= through` that hold nothing new."""
        ...

    async def places(self, events: Collection[Event]) -> Mapping[Identity, Appended]:
        """Where those of the events are that the index has; the others are absent."""
        ...
