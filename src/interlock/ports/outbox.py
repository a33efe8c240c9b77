"""Port: emitted events that wait to be published, where log and state are two systems."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple, Protocol

from interlock.model.event import Event

Key = tuple[int, int]  # partition, and hash of the partition key


class Waiting(NamedTuple):
    """An emitted event, and its row's number: larger than those of all rows that were there when it was written."""

    row: int
    event: Event


class Outbox(Protocol):
    """Rows that came with the commit of the step that emitted them, and stay until they are published.

    Promises
    - kept: an emitted event is there from the commit of its step until `published`;
    - in order: of a partition, rows come in the order in which they were written; those that one commit, or commits
      one after the other, wrote, come in the order of the steps;
    - found late: a row whose commit ended late is found, also after rows with higher numbers are gone.

    Not promised: an order of rows whose commits ran side by side. No handler can tell which of them was first.
    """

    async def waiting(self, partitions: Collection[int], limit: int) -> list[Waiting]:
        """Up to `limit` rows of each of the partitions, in order; fewer when their bodies are large, one at least."""
        ...

    async def keys_waiting(self, keys: Collection[Key]) -> set[Key]:
        """Those of the keys that have a row, of whichever process."""
        ...

    async def size(self, most: int) -> int:
        """How many rows wait, over all partitions; beyond `most` none is counted."""
        ...

    async def published(self, rows: Sequence[Waiting]) -> None:
        """The log has the events of these rows for good: drop them. Those that are gone already are no error."""
        ...

    async def newest_row(self) -> int:
        """The highest number given so far, whether or not its commit has ended. What is written later has a higher."""
        ...

    def on_emitted(self, wake: Callable[[Collection[int]], None]) -> None:
        """Call `wake` with the partitions that a commit of this process put rows in, after it is durable."""
        ...
