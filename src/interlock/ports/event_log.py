"""Port: the durable, partitioned log of events."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol, runtime_checkable

from interlock.model.event import Appended, Event, Stored
from interlock.model.problems import Problem

AppendDone = Callable[[Sequence[Appended] | None, Problem | None], None]
Listener = Callable[[Sequence[Stored]], None]


class Slice(NamedTuple):
    """A part of one partition: its events in order, and how far it reaches.

    Every event of the partition with `after < position <= through` is in `events`.
    """

    events: Sequence[Stored]
    through: int


Acceptance = Literal["memory", "fsynced", "committed", "replicated", "acknowledged"]


@dataclass(frozen=True, slots=True)
class LogCapabilities:
    """How far a log keeps the promises of the port.

    acceptance   what `done` means: the event is in memory only; flushed to this machine's disk; committed as a database
                 is set; held by a quorum; or acknowledged by a broker that may not have it on disk yet
    dedupes      the log itself recognises a resend; otherwise whoever reads must, by the claims of the state store
    atomic       the events of one call are all or nothing also when they belong to several partitions
    dedupe_seconds  how long it recognises a resend, at the least; 0 where nobody is to rely on it. A relay that comes
                 back later than that looks in the log before it publishes again
    expires      it may drop events by itself, read or not: retention, or a person with other tools
    shared_positions  positions rise over all partitions together, so one partition's may end below another's
    call_events  most events of one call; None: as many as may be pending. More are refused with BodyTooLarge
    """

    acceptance: Acceptance
    dedupes: bool = True
    atomic: bool = True
    dedupe_seconds: float = 0.0
    expires: bool = False
    shared_positions: bool = False
    call_events: int | None = None

    @property
    def durable(self) -> bool:
        return self.acceptance != "memory"


class EventLog(Protocol):
    """Append and read; no acknowledgement, no lease: whoever reads keeps its own cursor.

    Promises
    - durable: `done` is called with positions only after the events survive a crash of process and machine, as far
      as the adapter states;
    - ordered: within a partition positions rise in the order of the append calls; across partitions nothing is;
    - deduplicated: an event whose (source, id) was appended within the dedupe window gets the place of the first
      and `duplicate=True`; an empty `source` of a second producer is a different identity. Of a log without
      `dedupes`, whoever reads claims each (source, id) at its first position in the state store (`LogIndex`) and
      skips later positions of the same;
    - all or nothing: the events of one call are appended together or not at all;
    - never a silent gap: who reads from before what the log has dropped gets EventsExpired, and reads on from its
      `first` if it wants to;
    - visible: once `done` was called, `read` returns the events and `head` covers them;
    - bounded: beyond `limit_pending` events in flight, `append` calls `done` with TooManyRequests at once.

    Not promised: dense positions, or a call order of `done` across callers.
    """

    @property
    def log_capabilities(self) -> LogCapabilities: ...

    @property
    def partitions(self) -> int:
        """How many partitions there are: fixed when the log is created."""
        ...

    @property
    def secret(self) -> bytes:
        """The key of KeyHasher, made with the log and as lasting as it."""
        ...

    def append(self, events: Sequence[Event], done: AppendDone) -> None:
        """Append the events, all or none. A callback rather than a coroutine, since one commit answers many callers.

        `done(appended, None)` or `done(None, problem)` is called exactly once, on the event loop's thread, never
        before `append` returns.
        """
        ...

    async def read(self, partition: int, after: int, limit: int) -> Slice:
        """Up to `limit` events with a position above `after`. Never waits for new ones.

        `through` may lie above `head`: positions that hold nothing of this partition. EventsExpired when some of what
        is above `after` was dropped, or may have been, as far as the log can tell.
        """
        ...

    def head(self, partition: int) -> int:
        """The position up to which `read` returns something; 0 for an empty log.

        Of a log that flows read, it covers nothing of a followed partition that listeners have not been told of: both
        go on in one turn of the event loop. The upkeep of a flow takes what it was not told of for none of its own.
        """
        ...

    async def heads(self) -> list[int]:
        """The head of each partition, asked now: also of those that are not followed."""
        ...

    def listen(self, listener: Listener) -> None:
        """Call `listener` with the events of each commit, after it is durable, on the event loop's thread."""
        ...

    async def follow(self, partitions: Collection[int]) -> None:
        """Tell listeners of these partitions only: those that this process has. All of them at first.

        Returns when `head` of each is current; of what is appended to them afterwards, listeners hear. The head of a
        partition that is not followed may be out of date.
        """
        ...

    async def close(self) -> None:
        """Finish what was submitted, then refuse with Closed."""
        ...


@runtime_checkable
class TellsOfGaps(Protocol):
    """A log that notices by itself that something was dropped, before anybody reads there."""

    def on_gap(self, wake: Callable[[int], None]) -> None:
        """Call `wake` with the partition, on the event loop's thread: whoever reads it may have lost something."""
        ...
