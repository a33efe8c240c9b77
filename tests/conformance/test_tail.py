"""What the log keeps in memory for quick reads is bounded in bytes, not only in events."""

from __future__ import annotations

from interlock.adapters.tail import TAIL_BYTES, Tail
from interlock.model.event import Event, Stored

BODY = b"x" * 1_000_000


def big(position: int) -> Stored:
    body = BODY[: 1_000_000 - position % 7]
    event = Event(position % 2, f"e{position}", "s", "t", "1", 0, 0, None, None, None, b"", None, 0, None, body)
    return Stored(position, event)


def test_big_events_leave_the_tail_early() -> None:
    tail = Tail(2, 0)
    for position in range(1, 301):
        tail.add([big(position)])
    kept = [entry for part in tail._parts for entry in part]
    assert sum(len(entry.event.body) for entry in kept) <= TAIL_BYTES
    assert len(kept) > 10
    assert tail.read(0, 0, 10, 300) is None, "older ones are on disk"
    found = tail.read(0, 296, 10, 300)
    assert found is not None
    assert [entry.position for entry in found.events] == [298, 300]
    first = min(entry.position for entry in tail._parts[0])
    assert tail.read(0, first - 1, 1, 300) is not None
    assert tail.read(0, first - 3, 1, 300) is None


def test_a_commit_bigger_than_the_tail_keeps_what_fits() -> None:
    tail = Tail(2, 0)
    tail.add([big(position) for position in range(1, 201)])
    assert sum(len(entry.event.body) for part in tail._parts for entry in part) <= TAIL_BYTES
    assert tail.read(1, 197, 10, 200) is not None
