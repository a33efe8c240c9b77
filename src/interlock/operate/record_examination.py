"""What the record says of a deployment, for `interlock doctor`: lag, parked events, dead letters, who started last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from interlock.model.diagnosis import (
    BOUNDED,
    CLEAR_ERROR,
    NOTHING_DROPPED,
    ORDER,
    OUTSIDE_ONCE,
    Check,
    Finding,
)
from interlock.model.record import DeliveryRow, Held, StartRow
from interlock.operate.books import Books, read_books
from interlock.operate.duration import in_words
from interlock.ports.record_reader import RecordReader

MOST_DEAD = 1000

BOOKS = Check(
    "RECORD_BOOKS", "whether the sums of each flow balance", NOTHING_DROPPED,
    "Keep the store as it is and report this; see the sums with: interlock status",
)  # fmt: skip
LAG = Check(
    "RECORD_LAG", "events that were accepted and not handled yet, against `limits.max_lag_events`", BOUNDED,
    "See which flow is slow: interlock status. More workers help where keys are many.",
)  # fmt: skip
DEAD = Check(
    "RECORD_DEAD_LETTERS", "events that were given up, and their age", ORDER, "Look at them: interlock dlq list"
)
EXPIRED = Check(
    "RECORD_EXPIRED", "events that a log outside dropped before a flow had handled them", NOTHING_DROPPED,
    "See what was lost: interlock expired list; then: interlock expired discard FLOW --reason CODE",
)  # fmt: skip
CALLS = Check(
    "RECORD_CALLS", "outside calls that wait, and those that were given up", OUTSIDE_ONCE,
    "Look at them: interlock dlq list",
)  # fmt: skip
STARTED = Check(
    "RECORD_STARTED", "the estate, settings and release of the last start against those here", CLEAR_ERROR,
    "Start the engine again, so that it runs what lies here; or ask with the --environment that it was started with.",
)  # fmt: skip
TIME = Check("RECORD_TIME", "the time of the last start against the clock", CLEAR_ERROR, "Let NTP set the clock.")
CHECKS = (BOOKS, LAG, EXPIRED, DEAD, CALLS, STARTED, TIME)


async def examine(reader: RecordReader, flows: dict[str, Sequence[str]], here: StartRow, max_lag: int) -> list[Finding]:
    """`here` is what a start would record now."""
    books = await read_books(reader, flows)
    found = [_books(books), lag_finding(books, max_lag), expired_finding(books)]
    found.append(dead_finding(books, await reader.dead_letters(None, MOST_DEAD), here.at_us))
    found.append(calls_finding(books, await reader.dead_deliveries(MOST_DEAD), here.at_us))
    return [*found, *start_findings(books.starts, here)]


def _books(books: Books) -> Finding:
    if not books.balanced:
        flows = sorted({line.flow for line in books.sums if line.difference} | set(books.disagreements))
        return BOOKS.broken(f"The books do not balance: {', '.join(flows)}.")
    return BOOKS.ok(f"The books of {len(books.sums)} flows balance: what was accepted is accounted for.")


def lag_finding(books: Books, max_lag: int) -> Finding:
    waiting = {line.flow: line.pending for line in books.sums if line.pending}
    told = ", ".join(f"{flow} {count:,}" for flow, count in sorted(waiting.items(), key=lambda row: -row[1])) or "none"
    most = max(waiting.values(), default=0)
    if most >= max_lag:
        return LAG.warn(f"Events wait to be handled: {told}. Beyond {max_lag:,} callers get 429: they do now.")
    if most * 2 >= max_lag:
        return LAG.warn(f"Events wait to be handled: {told}. Beyond {max_lag:,} callers get 429.")
    return LAG.ok(f"Events that wait to be handled: {told}.")


def expired_finding(books: Books) -> Finding:
    if not books.expired:
        return EXPIRED.ok("No flow has lost events to the retention of a log.")
    places = ", ".join(f"{one.flow} in partition {one.partition}" for one in books.expired[:8])
    more = f" and {len(books.expired) - 8} more" if len(books.expired) > 8 else ""
    known, unseen = sum(one.events for one in books.expired), sum(one.unseen for one in books.expired)
    told = f", and up to {unseen:,} positions that nobody has seen" if unseen else ""
    return EXPIRED.broken(
        f"The log has dropped events before they were handled: {places}{more} stand. Of known events "
        f"{known:,} handlings are lost{told}."
    )


def dead_finding(books: Books, letters: Sequence[Held], now_us: int) -> Finding:
    count = sum(line.dead for line in books.sums)
    if not count:
        return DEAD.ok("There are no dead letters.")
    oldest = min((letter.held_us for letter in letters), default=now_us)
    return DEAD.warn(
        f"{count:,} events are dead letters, the oldest for {_age(oldest, now_us)}: where the flow says hold, each "
        "stops its key until somebody redrives or discards it."
    )


def calls_finding(books: Books, dead: Sequence[DeliveryRow], now_us: int) -> Finding:
    counts = books.deliveries
    if counts["dead"]:
        oldest = min((row.created_us for row in dead), default=now_us)
        return CALLS.warn(
            f"{counts['dead']:,} outside calls were given up, the oldest {_age(oldest, now_us)} ago: whether the "
            "target has done them is not known."
        )
    return CALLS.ok(f"{counts['pending']:,} outside calls wait, none was given up.")


def start_findings(starts: Sequence[StartRow], here: StartRow) -> Iterator[Finding]:
    if not starts:
        yield STARTED.ok("No engine was ever started on this store.")
        return
    last = starts[-1]
    pairs = (
        ("release", last.release, here.release),
        ("estate", last.estate_hash[:6], here.estate_hash[:6]),
        ("settings", last.settings_hash[:6], here.settings_hash[:6]),
    )
    other = [f"{name} {was}, here it is {now}" for name, was, now in pairs if was != now]
    if other:
        yield STARTED.warn(f"The last start was with other parts than lie here: {'; '.join(other)}.")
    else:
        yield STARTED.ok(f"The last start was with the estate, settings and release that lie here ({here.release}).")
    if last.at_us > here.at_us:
        yield TIME.warn(
            f"The last start is {_age(here.at_us, last.at_us)} in the future of this clock: it was set back, or "
            "another machine's is ahead. Schedules and retries go by it."
        )
    else:
        yield TIME.ok("The clock has not gone back behind the last start.")


def _age(then_us: int, now_us: int) -> str:
    return in_words(max(0, now_us - then_us))
