"""Port: questions asked of the record. Cold path: clarity before speed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from interlock.model.carried import Carried
from interlock.model.event import Stored
from interlock.model.record import (
    DeliveryAttempt,
    DeliveryRow,
    FailedAttempt,
    HandlingRow,
    Held,
    RefusalRow,
    StartRow,
    Tally,
)
from interlock.ports.log_index import Identity


class FlowSum(NamedTuple):
    """One flow's books. `accepted` and `pending` are counted in the log, the rest in the handling rows."""

    flow: str
    accepted: int
    pending: int
    parked: int
    done: int
    skipped: int
    dead: int
    discarded: int

    @property
    def difference(self) -> int:
        """Zero when nothing was dropped and nothing was counted twice."""
        settled = self.parked + self.done + self.skipped + self.dead + self.discarded
        return self.accepted - self.pending - settled


class RecordReader(Protocol):
    """Reads what was committed, also while another process runs the engine. Never writes."""

    async def find_events(self, *terms: str) -> list[Stored]:
        """Events whose id, correlation id or business key is exactly one of `terms`, each once, by position; where each
        partition counts for itself, by the time of their acceptance. Without their bodies where the log lies elsewhere:
        read those there."""
        ...

    async def recorded(self, identities: Collection[Identity]) -> set[Identity]:
        """Those of `identities` that are in the log, however long ago. One pass over the lookup index for all of them:
        ask for hundreds at once, not for one after the other. No event is loaded."""
        ...

    async def handlings_of(self, partition: int, position: int) -> list[HandlingRow]: ...

    async def failures_of(self, partition: int, position: int) -> list[FailedAttempt]: ...

    async def deliveries_of(self, partition: int, position: int) -> list[DeliveryRow]: ...

    async def attempts_of(self, delivery_id: str) -> list[DeliveryAttempt]: ...

    async def find_delivery(self, delivery_id: str) -> DeliveryRow | None: ...

    async def dead_letters(self, flow: str | None, limit: int) -> list[Held]: ...

    async def dead_deliveries(self, limit: int) -> list[DeliveryRow]: ...

    async def values(self, table: str, after: str, limit: int) -> list[tuple[str, bytes]]:
        """Committed values of a table with their keys, in order of their code points, beyond the given key."""
        ...

    async def carried(self) -> list[Carried]:
        """Which contract versions are still replayable: by type, version, place and flow, none of them zero.

        Counted without reading the log: the store keeps the log's counts, the rest is what is held or due.
        """
        ...

    async def delivery_counts(self) -> dict[str, int]:
        """How many deliveries are in each state, by its name in lower case; a state without any is 0 or absent."""
        ...

    async def unpublished(self) -> int:
        """Emitted events that wait to be published; 0 where log and state are one."""
        ...

    async def cursor(self, flow: str, partition: int) -> int | None:
        """The position up to which the flow has settled all; it may have settled later ones too. None: it never ran."""
        ...

    async def starts(self) -> list[StartRow]: ...

    async def refusals(self) -> list[RefusalRow]: ...

    async def sums(self, flows: dict[str, Sequence[str]]) -> list[FlowSum]:
        """The books of each flow as its last owner runs it; counted from rows, not from tallies.

        A type that the flow took once counts with the events that have a handling.
        """
        ...

    async def tallies(self) -> list[Tally]: ...

    async def close(self) -> None: ...


@runtime_checkable
class KnowsItsPlace(Protocol):
    """A reader of a store that `interlock migrate` may have carried elsewhere: then this is how it was before."""

    moved_to: str | None  # in words for people
