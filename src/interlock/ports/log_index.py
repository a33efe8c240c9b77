"""Port: what the state store knows of a log that lies elsewhere: metadata of each event, without its body."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, Protocol

from interlock.model.event import Appended, Event
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
    - once: an event whose (source, id) was indexed within the dedupe window is a duplicate: it is neither counted nor
      found, and `duplicates` names its position.
    """

    async def ends(self) -> list[int]:
        """How far each partition is indexed."""
        ...

    async def extend(self, stretches: Sequence[Stretch]) -> list[set[int]]:
        """Index stretches of different partitions; the duplicates in each. StaleRead when one does not fit on."""
        ...

    async def duplicates(self, partition: int, after: int, through: int) -> set[int]:
        """Positions with `after < position <= through` that hold nothing new."""
        ...

    async def places(self, events: Collection[Event]) -> Mapping[Identity, Appended]:
        """Where those of the events are that the index has; the others are absent."""
        ...
