"""Works for a log that lies elsewhere: a stretch of it to be indexed, rows of the outbox to be dropped.

They go with whatever else waits, so that the steps' flush to disk is theirs too. Anybody may do them: the index is a
function of the log, and who is late fails at the guard; a row that was published may go, whoever says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from interlock.adapters.postgres.batch import Batch
from interlock.adapters.postgres.lookup import Lookup
from interlock.adapters.postgres.work import Part
from interlock.model.problems import Problem, StaleRead
from interlock.ports.log_index import Stretch
from interlock.ports.outbox import Waiting


class IndexWork:
    """Stretches of one `extend` call, whose events are of the moment `moment_us` or before, as dedupe counts.

    `done` gets the duplicates in each, or the problem.
    """

    __slots__ = ("_done", "_duplicates", "_refused", "events", "moment_us", "stretches")
    epoch = None
    weight = 0  # its caller has one under way: never to be refused for what the flows have

    def __init__(
        self,
        stretches: Sequence[Stretch],
        moment_us: int,
        done: Callable[[Sequence[set[int]], Problem | None], None],
    ) -> None:
        self.stretches = stretches
        self.moment_us = moment_us
        self.events = [stored.event for stretch in stretches for stored in stretch.part.events]
        self._done = done
        self._duplicates: list[set[int]] = []
        self._refused: Problem | None = None

    def parts(self) -> Sequence[Part]:
        return (self,)

    def whole(self) -> Part:
        return self

    def want(self, lookup: Lookup) -> None:
        lookup.want_events(self.events)
        lookup.want_ends(stretch.partition for stretch in self.stretches)

    def stage(self, batch: Batch, known: Lookup) -> None:
        self._refused = None
        if not all(batch.aside.fits(stretch, known.ends) for stretch in self.stretches):
            self._refused = StaleRead("The index has moved on: somebody else reads this partition too.")
            return
        self._duplicates = [batch.aside.index(stretch, known.claimed) for stretch in self.stretches]

    def refuse(self, problem: Problem) -> None:
        self._refused = problem

    def locate(self, bases: Mapping[int, int]) -> None:
        """Its events have their positions."""

    def finish(self, problem: Problem | None) -> None:
        self._done(self._duplicates, problem or self._refused)


class PublishedWork:
    """Rows of the outbox that the log has."""

    __slots__ = ("_done", "_refused", "_rows")
    epoch = None
    weight = 0

    def __init__(self, rows: Sequence[Waiting], done: Callable[[Problem | None], None]) -> None:
        self._rows = rows
        self._done = done
        self._refused: Problem | None = None

    def parts(self) -> Sequence[Part]:
        return (self,)

    def whole(self) -> Part:
        return self

    def want(self, lookup: Lookup) -> None:
        """Nothing: a row that is gone already is no error."""

    def stage(self, batch: Batch, known: Lookup) -> None:
        self._refused = None
        batch.aside.publish((row.event.partition, row.row) for row in self._rows)

    def refuse(self, problem: Problem) -> None:
        self._refused = problem

    def locate(self, bases: Mapping[int, int]) -> None:
        """There are no events."""

    def finish(self, problem: Problem | None) -> None:
        self._done(problem or self._refused)
