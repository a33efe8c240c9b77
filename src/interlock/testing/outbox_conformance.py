"""The promises of `ports.outbox.Outbox` and `ports.log_index.LogIndex`, one check each."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from typing import Any

from interlock.model.event import Appended, Event, Stored
from interlock.model.handling import HandlingState
from interlock.model.problems import StaleRead
from interlock.model.step import CursorMove, Read, Step, StepResult
from interlock.ports.event_log import Slice
from interlock.ports.expired import Expired, SeesExpired
from interlock.ports.log_index import LogIndex, Stretch
from interlock.ports.outbox import Outbox
from interlock.ports.record_reader import RecordReader
from interlock.testing.conformance import Harness, Suite
from interlock.testing.samples import FLOW, TYPE, commit, event, handling, start, submit
from interlock.testing.steps import kinds, problem_of

OUTBOX_CHECKS = Suite("Outbox")
INDEX_CHECKS = Suite("LogIndex")
proves, indexes = OUTBOX_CHECKS.proves, INDEX_CHECKS.proves
ALL = range(4)


async def state_of(harness: Harness, **limits: int) -> Any:
    """The state alone: nobody relays and indexes for it."""
    store: Any = await harness.open(**limits)
    return store.state


async def emit(state: Any, epoch: int, *events: Event) -> None:
    assert await submit(state, commit(epoch, Step(result=StepResult(emits=events)))) == [None]


async def waiting(outbox: Outbox, partitions: Collection[int] = ALL, limit: int = 100) -> list[Event]:
    return [row.event for row in await outbox.waiting(partitions, limit)]


@proves("kept")
async def an_emitted_event_waits_from_its_commit_until_it_is_published(harness: Harness) -> None:
    state = await state_of(harness)
    epoch = await state.acquire(start(), {FLOW: [TYPE]})
    bad = Step(result=StepResult(reads=(Read("orders", "a", 7),), emits=(event(9),)))
    assert kinds(await submit(state, commit(epoch, bad))) == [StaleRead]
    full = event(1, 2)._replace(body=b"\x00\xff", attributes=b"{}", correlation="c", trace=None, business=bytes(8))
    await emit(state, epoch, full)
    rows = await state.waiting(ALL, 10)
    assert [row.event for row in rows] == [full]
    record = await harness.record()
    assert await record.unpublished() == 1
    await state.published(rows)
    await state.published(rows)
    assert await state.waiting(ALL, 10) == []
    assert await record.unpublished() == 0
    await record.close()


@proves("in order")
async def rows_come_in_the_order_of_the_steps(harness: Harness) -> None:
    state = await state_of(harness)
    epoch = await state.acquire(start(), {FLOW: [TYPE]})
    for first in (0, 8, 16):
        steps = [
            Step(result=StepResult(emits=(event(n, n % 4), event(n + 100, n % 4)))) for n in range(first, first + 8)
        ]
        await submit(state, commit(epoch, *steps))
    for partition in ALL:
        mine = [event(n + more, partition) for n in range(partition, 24, 4) for more in (0, 100)]
        assert await waiting(state, [partition]) == mine
        assert await waiting(state, [partition], 5) == mine[:5]
    assert {one.partition for one in await waiting(state, [1, 3])} == {1, 3}


@proves("found late")
async def a_row_whose_commit_ends_late_is_found(harness: Any) -> None:
    """`late_row` of the harness writes a row past the adapter, and returns what ends its transaction."""
    state = await state_of(harness)
    epoch = await state.acquire(start(), {FLOW: [TYPE]})
    commit_late = await harness.late_row(event(1))
    await emit(state, epoch, event(2))
    rows = await state.waiting(ALL, 10)
    assert [row.event for row in rows] == [event(2)]
    await state.published(rows)
    await commit_late()
    late = await state.waiting(ALL, 10)
    assert [row.event for row in late] == [event(1)]
    assert late[0].row < rows[0].row


@proves("size")
async def rows_are_counted_up_to_a_bound(harness: Harness) -> None:
    state = await state_of(harness)
    epoch = await state.acquire(start(), {FLOW: [TYPE]})
    assert await state.size(10) == 0
    await emit(state, epoch, event(1, 1), event(2, 2), event(3, 2))
    assert [await state.size(most) for most in (0, 2, 3, 10)] == [0, 2, 3, 3]
    await state.published(await state.waiting([2], 10))
    assert await state.size(10) == 1


@proves("keys_waiting")
async def keys_wait_as_long_as_their_rows(harness: Harness) -> None:
    state = await state_of(harness)
    epoch = await state.acquire(start(), {FLOW: [TYPE]})
    await emit(state, epoch, event(1, 1), event(2, 2))
    asked = {(one.partition, one.key_hash) for one in (event(1, 1), event(2, 2), event(3, 3))} | {(1, 77)}
    assert await state.keys_waiting(asked) == {(1, 1), (2, 2)}
    rows = await state.waiting([1], 10)
    await state.published(rows)
    assert await state.keys_waiting(asked) == {(2, 2)}
    assert await state.keys_waiting([]) == set()


@proves("newest_row")
async def later_rows_have_higher_numbers(harness: Harness) -> None:
    state = await state_of(harness)
    epoch = await state.acquire(start(), {FLOW: [TYPE]})
    numbers = []
    for n in range(3):
        before = await state.newest_row()
        await emit(state, epoch, event(n))
        rows = await state.waiting(ALL, 10)
        assert all(row.row > before for row in rows)
        numbers += [row.row for row in rows]
        await state.published(rows)
    assert numbers == sorted(set(numbers))


@proves("on_emitted")
async def the_relay_is_woken_after_the_commit(harness: Harness) -> None:
    state = await state_of(harness)
    epoch = await state.acquire(start(), {FLOW: [TYPE]})
    woken: set[int] = set()
    state.on_emitted(woken.update)
    await emit(state, epoch, event(1, 1), event(2, 3))
    async with asyncio.timeout(30):
        while not woken >= {1, 3}:  # noqa: ASYNC110 - it is told from outside
            await asyncio.sleep(0.001)


def stretch(partition: int, after: int, *numbers: int, through: int | None = None) -> Stretch:
    """Events whose numbers are their positions too, in a log whose positions have gaps."""
    events = [Stored(number, event(number, partition)) for number in numbers]
    return Stretch(partition, after, Slice(events, through or numbers[-1]))


@indexes("whole")
async def a_stretch_is_found_and_counted_without_its_bodies(harness: Harness) -> None:
    state = await state_of(harness)
    assert await state.extend([stretch(0, 0, 3, 5), stretch(2, 0, 4, through=9)]) == [set(), set()]
    assert await state.ends() == [5, 0, 9, 0]
    record = await harness.record()
    assert [row.position for row in await record.find_events(event(5).id)] == [5]
    assert [row.event.body for row in await record.find_events(event(4).id)] == [b""]
    assert await counted(record) == 3
    await record.close()


async def counted(record: RecordReader) -> int:
    return sum(one.total for one in await record.carried() if one.place == "log")


@indexes("extend")
async def a_stretch_is_never_too_much(harness: Harness) -> None:
    """However little may be pending, since the flows wait for it."""
    state = await state_of(harness, limit_pending=10)
    assert await state.extend([stretch(0, 0, *range(1, 200))]) == [set()]
    epoch = await state.acquire(start(), {FLOW: [TYPE]})
    await emit(state, epoch, *(event(n) for n in range(300, 400)))
    await state.published(await state.waiting(ALL, 100))
    assert await waiting(state) == []


@indexes("without gaps")
async def a_stretch_that_does_not_fit_on_is_refused_whole(harness: Harness) -> None:
    state = await state_of(harness)
    await state.extend([stretch(0, 0, 3)])
    for late in ([stretch(1, 0, 1), stretch(0, 0, 3)], [stretch(0, 2, 4)], [stretch(0, 4, 6)]):
        assert isinstance(await problem_of(state.extend(late)), StaleRead)
    assert await state.ends() == [3, 0, 0, 0]
    both = [problem_of(state.extend([stretch(0, 3, 7)])) for _ in range(2)]
    assert {type(found) for found in await asyncio.gather(*both)} == {list, StaleRead}
    record = await harness.record()
    assert await counted(record) == 2
    await record.close()


@indexes("accounted")
async def what_the_log_dropped_is_told_with_what_is_known_of_it(harness: Harness) -> None:
    """Partition 1 had 3, 5 and 7 indexed, and the log has dropped all up to 6; of partition 2 nobody saw 5 to 9."""
    state = await state_of(harness)
    await state.extend([stretch(1, 0, 1), stretch(2, 0, 1)])
    epoch = await state.acquire(start(), {FLOW: [TYPE], "other": ["samples.Other"]})
    await state.extend([stretch(1, 1, 3, 5, 7), stretch(2, 1, 4)])
    record = await harness.record()
    assert isinstance(record, SeesExpired)
    assert (await state.floors(), await record.expired([FLOW])) == ({}, [])
    for _ in range(2):
        await state.note_expired(1, 6, 1_000)
        await state.note_expired(2, 9, 2_000)
    await state.note_expired(1, 4, 3_000)
    assert (await state.ends(), await state.floors()) == ([0, 7, 9, 0], {1: 6, 2: 9})
    assert [await state.unseen(1, 0, 6), await state.unseen(2, 0, 9), await state.unseen(2, 6, 8)] == [0, 5, 2]
    found = await state.indexed(1, 1, 6, [TYPE], 10)
    assert [(row.position, row.event.id, row.event.body) for row in found] == [
        (3, event(3).id, b""),
        (5, event(5).id, b""),
    ]
    assert [row.position for row in await state.indexed(1, 1, 6, [TYPE], 1)] == [3]
    assert await state.indexed(1, 1, 6, ["samples.Other"], 10) == []
    first = Expired(FLOW, 1, 1, 6, {TYPE: 2}, (event(3).id, event(5).id), 0, 1_000)
    second = Expired(FLOW, 2, 1, 9, {TYPE: 1}, (event(4).id,), 5, 2_000)
    assert await record.expired([FLOW]) == [first, second]
    assert await record.expired(["other"]) == [Expired("other", 2, 1, 9, {}, (), 5, 2_000)]
    assert isinstance(await problem_of(state.extend([stretch(2, 4, 10)])), StaleRead)
    given_up = [Step(handling=handling(n, HandlingState.DISCARDED, partition=1)) for n in (3, 5)]
    await submit(state, commit(epoch, *given_up, cursors=[CursorMove(FLOW, 2, 9)]))
    assert await record.expired([FLOW]) == []
    [books] = await record.sums({FLOW: [TYPE]})
    assert (books.accepted, books.discarded, books.difference) == (4, 2, 1), "what is passed over without a row is seen"
    await record.close()


@indexes("once")
async def a_second_one_is_a_duplicate_wherever_it_is(harness: Harness) -> None:
    state = await state_of(harness)
    first = Stretch(0, 0, Slice([Stored(1, event(1)), Stored(2, event(2)), Stored(3, event(1))], 3))
    elsewhere = Stretch(1, 0, Slice([Stored(4, event(2, 1)), Stored(5, event(5, 1))], 5))
    other = Stretch(0, 3, Slice([Stored(6, event(1, source="partner")), Stored(7, event(5))], 7))
    assert await state.extend([first, elsewhere]) == [{3}, {4}]
    assert await state.extend([other]) == [{7}]
    assert [await state.duplicates(0, 0, 7), await state.duplicates(0, 3, 6), await state.duplicates(1, 0, 9)] == [
        {3, 7},
        set(),
        {4},
    ]
    record = await harness.record()
    assert [row.position for row in await record.find_events(event(1).id)] == [1, 6]
    assert await counted(record) == 4
    await record.close()


@indexes("once")
async def a_claim_lives_for_one_bucket_at_least_and_ends(harness: Harness) -> None:
    """Also when the moments that matter stand in one and the same stretch."""
    state = await state_of(harness, dedupe_bucket_seconds=60)
    moments: Sequence[int] = (50, 110, 400, 410)
    apart = [event(1, at_seconds=moment) for moment in moments]
    found = [await state.extend([one]) for one in stretches_of([[one] for one in apart])]
    assert found == [[set()], [{2}], [set()], [{4}]]
    together = [event(2, 1, at_seconds=moment) for moment in (550, 610, 900, 910)]
    assert await state.extend(stretches_of([together], partition=1)) == [{2, 4}]


def stretches_of(parts: Sequence[Sequence[Event]], partition: int = 0) -> list[Stretch]:
    """One after the other, their events counted through."""
    made, after = [], 0
    for part in parts:
        rows = [Stored(after + nth, one) for nth, one in enumerate(part, 1)]
        made.append(Stretch(partition, after, Slice(rows, after + len(rows))))
        after += len(rows)
    return made


@indexes("places")
async def the_index_tells_where_an_event_is(harness: Harness) -> None:
    state = await state_of(harness, dedupe_bucket_seconds=60)
    await state.extend([stretch(0, 0, 3, 5), stretch(2, 0, 4)])
    later = Stretch(0, 5, Slice([Stored(6, event(6, at_seconds=4000))], 6))
    await state.extend([later])  # by now the claims of the first ones are gone
    asked = [event(3), event(4, 2), event(6), event(7), event(3, source="partner")]
    found = await state.places(asked)
    assert found == {
        (event(3).source, event(3).id): Appended(0, 3, True),
        (event(4).source, event(4).id): Appended(2, 4, True),
        (event(6).source, event(6).id): Appended(0, 6, True),
    }


@indexes("ends")
async def the_index_survives_a_reopening(harness: Harness) -> None:
    state = await state_of(harness)
    if not state.capabilities.durable:
        return
    await state.extend([stretch(0, 0, 3, 5, through=8)])
    assert (await state.extend([Stretch(0, 8, Slice([Stored(9, event(3))], 9))])) == [{9}]
    store: Any = await harness.reopen()
    index: LogIndex = store.state
    assert await index.ends() == [9, 0, 0, 0]
    assert await index.duplicates(0, 0, 9) == {9}
