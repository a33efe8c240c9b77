"""The books: for each flow, what was accepted against what became of it; and whether everything has settled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from interlock.model.clock import to_rfc3339
from interlock.model.handling import HandlingState
from interlock.model.record import DeliveryState, RefusalRow, StartRow, Tally
from interlock.ports.expired import Expired, SeesExpired
from interlock.ports.membership import MemberSeen, SeesMembers
from interlock.ports.record_reader import FlowSum, RecordReader

_TALLIED: dict[HandlingState, str] = {
    HandlingState.PARKED: "parked",
    HandlingState.DONE: "done",
    HandlingState.SKIPPED: "skipped",
    HandlingState.DEAD: "dead",
    HandlingState.DISCARDED: "discarded",
}
Counts = dict[str, int]


@dataclass(frozen=True, slots=True)
class Books:
    """`quiet` tells that nothing changed while they were read; only then they are of one moment.

    unpublished     emitted events that wait for a log elsewhere
    expired         partitions in which a flow stands, since the log dropped what it had still to handle
    disagreements   flows whose tallies, kept by the commits, differ from their rows, counted now
    """

    sums: tuple[FlowSum, ...]
    deliveries: Mapping[str, int]
    refusals: tuple[RefusalRow, ...]
    starts: tuple[StartRow, ...]
    quiet: bool
    disagreements: tuple[str, ...]
    unpublished: int = 0
    members: tuple[MemberSeen, ...] = ()
    expired: tuple[Expired, ...] = ()

    @property
    def balanced(self) -> bool:
        return not self.disagreements and all(line.difference == 0 for line in self.sums)

    @property
    def settled(self) -> bool:
        """Nothing is pending, parked, lost unread or on its way, and nothing moved while we looked."""
        waiting = self.deliveries["pending"] or self.unpublished
        return self.quiet and not waiting and not self.expired and not any(s.pending or s.parked for s in self.sums)

    @property
    def dead_letters(self) -> int:
        return sum(line.dead for line in self.sums) + self.deliveries["dead"]

    def as_data(self) -> dict[str, Any]:
        return {
            "balanced": self.balanced,
            "settled": self.settled,
            "flows": [{**line._asdict(), "difference": line.difference} for line in self.sums],
            "disagreements": list(self.disagreements),
            "deliveries": dict(self.deliveries),
            "dead_letters": self.dead_letters,
            "unpublished": self.unpublished,
            "expired": [{**one._asdict(), "events": one.events} for one in self.expired],
            "refusals": [_refusal(row) for row in self.refusals],
            "starts": [_start(row) for row in self.starts],
            "members": [member._asdict() for member in self.members],
        }


async def read_books(reader: RecordReader, flows: dict[str, Sequence[str]]) -> Books:
    """The books of the flows, given the event types that each takes.

    Counted twice when they do not balance at first: the counts are separate reads, and an engine may be at work.
    """
    books = await _read_once(reader, flows)
    return books if books.balanced else await _read_once(reader, flows)


async def _read_once(reader: RecordReader, flows: dict[str, Sequence[str]]) -> Books:
    before = await _moving_parts(reader)
    sums = await reader.sums(flows)
    deliveries, tallies, unpublished = after = await _moving_parts(reader)
    quiet = before == after
    return Books(
        tuple(sums),
        deliveries,
        tuple(await reader.refusals()),
        tuple(await reader.starts()),
        quiet,
        tuple(_disagreements(sums, tallies)) if quiet else (),
        unpublished,
        tuple(await reader.members()) if isinstance(reader, SeesMembers) else (),
        tuple(await reader.expired(list(flows))) if isinstance(reader, SeesExpired) else (),
    )


async def _moving_parts(reader: RecordReader) -> tuple[Counts, dict[tuple[str, HandlingState], int], int]:
    counts = {state.name.lower(): 0 for state in DeliveryState} | await reader.delivery_counts()
    return counts, _by_state(await reader.tallies()), await reader.unpublished()


def _by_state(tallies: Sequence[Tally]) -> dict[tuple[str, HandlingState], int]:
    return {(tally.flow, tally.state): tally.total for tally in tallies if tally.total}


def _disagreements(sums: Sequence[FlowSum], tallies: Mapping[tuple[str, HandlingState], int]) -> list[str]:
    return [
        line.flow
        for line in sums
        if any(tallies.get((line.flow, state), 0) != getattr(line, name) for state, name in _TALLIED.items())
    ]


def _refusal(row: RefusalRow) -> dict[str, Any]:
    times = {"hour": row.hour_us, "first": row.first_us, "last": row.last_us}
    told = {"code": row.code, "contract": row.contract, "source": row.source, "pointer": row.pointer}
    return {**told, "total": row.total, **{name: to_rfc3339(at_us) for name, at_us in times.items()}}


def _start(row: StartRow) -> dict[str, Any]:
    return {"at": to_rfc3339(row.at_us), **{k: v for k, v in row._asdict().items() if k != "at_us"}}
