"""The books as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import tzinfo

from interlock.delivery.outcome import WORDS
from interlock.model.clock import to_datetime
from interlock.model.record import RefusalRow, StartRow
from interlock.operate.books import Books
from interlock.operate.expired_text import expired_lines
from interlock.ports.membership import MemberSeen
from interlock.ports.record_reader import FlowSum

_HEADINGS = ("flow", "accepted", "= done", "+ pending", "+ parked", "+ skipped", "+ dead-lettered", "+ discarded", "")
_REFUSALS_SHOWN = 10
_SHORT_HASH = 6


def render(books: Books, zone: tzinfo | None = None) -> str:
    """One line a flow, then what else a person wants to know first."""
    lines = [*_table(books.sums), _deliveries(books.deliveries), *_dead_letters(books), *_unpublished(books)]
    lines += expired_lines(books.expired)
    lines += [*_refusals(books.refusals), *_starts(books.starts, zone), *_members(books.members), _verdict(books)]
    return "\n".join(lines) + "\n"


def _table(sums: Sequence[FlowSum]) -> Iterator[str]:
    rows = [_HEADINGS, *map(_row, sums)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    for row in rows:
        numbers = (f"{cell:>{width}}" for cell, width in zip(row[1:-1], widths[1:-1], strict=True))
        yield "  ".join([f"{row[0]:<{widths[0]}}", *numbers, row[-1]]).rstrip()


def _row(line: FlowSum) -> tuple[str, ...]:
    columns = (line.accepted, line.done, line.pending, line.parked, line.skipped, line.dead, line.discarded)
    verdict = "balanced" if line.difference == 0 else f"off by {line.difference:+,}"
    return line.flow, *(f"{count:,}" for count in columns), verdict


def _deliveries(counts: Mapping[str, int]) -> str:
    told = ", ".join(f"{counts[state.name.lower()]:,} {word}" for state, word in WORDS.items())
    return f"deliveries: {told}"


def _dead_letters(books: Books) -> Iterator[str]:
    next_step = "; see: interlock dlq list" if books.dead_letters else ""
    yield f"dead letters: {books.dead_letters:,}{next_step}"


def _unpublished(books: Books) -> Iterator[str]:
    if books.unpublished:
        yield f"emitted, not yet in the log: {books.unpublished:,}"


def _refusals(rows: Sequence[RefusalRow]) -> Iterator[str]:
    yield f"refused at the edge: {sum(row.total for row in rows):,}"
    for row in sorted(rows, key=lambda row: -row.total)[:_REFUSALS_SHOWN]:
        place = f" at {row.pointer}" if row.pointer else ""
        yield f"  {row.total:,} {row.code} {row.contract} from {row.source or 'unknown'}{place}"
    if len(rows) > _REFUSALS_SHOWN:
        yield f"  and {len(rows) - _REFUSALS_SHOWN} more kinds; see: interlock status --json"


def _starts(starts: Sequence[StartRow], zone: tzinfo | None) -> Iterator[str]:
    yield f"engine starts: {len(starts)}"
    if starts:
        last = starts[-1]
        moment = to_datetime(last.at_us).astimezone(zone).isoformat(sep=" ", timespec="seconds")
        yield f"  last {moment}, estate {last.estate} {last.estate_hash[:_SHORT_HASH]}, release {last.release}"


def _members(members: Sequence[MemberSeen]) -> Iterator[str]:
    """Nothing where one process has the store to itself."""
    if members:
        yield f"processes: {len(members)}"
    for one in members:
        role = "flows" if one.runs_flows else "edge"
        has = f"partitions {', '.join(map(str, one.partitions))}" if one.partitions else "no partitions"
        yield f"  {one.name}  {role}, {has}, last heard {one.silent_seconds:.1f} s ago"


def _verdict(books: Books) -> str:
    if not books.balanced:
        flows = sorted({line.flow for line in books.sums if line.difference} | set(books.disagreements))
        return f"The books do not balance: {', '.join(flows)}. Keep the store as it is and report this."
    return "The books balance; everything has settled." if books.settled else "The books balance; work is under way."
