"""Port: events that an application has written into its own database, beside its own rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol


class OutboxRow(NamedTuple):
    """One committed event that waits. `attributes` are those of CloudEvents by name; absent ones are left out."""

    place: int  # where its source finds it again
    age_seconds: float  # since it was written, by the database's own clock
    size: int  # bytes of the data
    data: str | None  # JSON text, unchecked; None when it is larger than the source was told to load
    attributes: Mapping[str, str]


class RefusedRow(NamedTuple):
    """A row that cannot become an event as it is. `code` is that of a problem, `reason` names places, never values."""

    row: OutboxRow
    code: str
    reason: str


class OutboxFigures(NamedTuple):
    """How a source stands. `held_bytes`: log of the database that is kept for us alone, where it is known."""

    waiting: int
    refused: int
    oldest_seconds: float
    held_bytes: int | None = None


class SlotFacts(NamedTuple):
    """Of a replication slot. `bound_bytes`: what the server keeps for it at most; None where nothing bounds it."""

    name: str
    held_bytes: int
    bound_bytes: int | None
    status: str


class OutboxFacts(NamedTuple):
    """What an outbox is, beyond its figures.

    table      which table, as the database knows it: two sources of one table have the same
    broken     why a committed row may be gone, or one that was rolled back be there: sentences without a full stop
    weak       why a commit may be lost with the machine it is on, in the same words
    dead_rows  settled rows that the database has not cleared away, where it counts them
    """

    table: str
    broken: Sequence[str] = ()
    weak: Sequence[str] = ()
    dead_rows: int = 0
    slot: SlotFacts | None = None


class OutboxSource(Protocol):
    """The rows of one outbox, for the one relay that leads it. Any database, any writer.

    Promises
    - committed: `read` returns rows of committed transactions only, each whole;
    - late: a row that is committed late is returned, however low its number is and however far the others have come;
    - ordered: a row that was written after another one's commit stands behind it, within a read and over reads;
    - kept: a row is returned by each `read` until it was settled, also after a crash of whoever read it;
    - set aside: a refused row stays in the database with its code and reason, and is no longer returned; who corrects
      it and takes the code away has it returned again;
    - alone: `lead` succeeds for one at a time, and ends with the connection or the process that has it;
    - bounded: `read` loads about `limit_bytes`, at least one row; of a row that is larger than `row_bytes` no data.

    Not promised: an order among transactions that ran side by side, or that a row is returned once.

    Everything raises UnavailableProblem while the database is away, and ConfigurationProblem for what waiting does not
    mend; after either, `lead` comes first again.
    """

    async def lead(self) -> None:
        """Connect, see that the outbox is as it should be, and lead it. AlreadyRunning while another one does."""
        ...

    async def read(self, limit: int) -> Sequence[OutboxRow]:
        """The first rows that wait, at most `limit`; never waits for one. Where the database hands out whole
        transactions only, one more transaction may exceed the limits."""
        ...

    async def settle(self, published: Sequence[OutboxRow], refused: Sequence[RefusedRow]) -> None:
        """Be done with the rows of the last `read`, all of them, in one transaction."""
        ...

    async def wait(self, seconds: float) -> None:
        """Return after that time, or earlier when something may have been written."""
        ...

    async def inspect(self) -> OutboxFacts:
        """Look without leading; raises as `lead` does for what is wrong with the outbox."""
        ...

    async def figures(self) -> OutboxFigures:
        """Counted now, without leading: for people."""
        ...

    async def refused(self, limit: int) -> Sequence[RefusedRow]:
        """The oldest rows that were set aside, without their data and without leading."""
        ...

    async def close(self) -> None:
        """Give the lead back. `lead` opens again."""
        ...
