"""The promises of `ports.event_log.EventLog`, one check each."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from interlock.model.event import Appended, Stored
from interlock.model.problems import Closed, EventsExpired, Problem, TooManyRequests
from interlock.ports.event_log import EventLog
from interlock.testing.conformance import Forgets, Harness, NotApplicable, Suite, elapse
from interlock.testing.samples import append, event, events, ids_in

LOG_CHECKS = Suite("EventLog")
proves = LOG_CHECKS.proves


@proves("durable")
async def positions_come_after_the_commit(harness: Harness) -> None:
    """Whoever reads the storage from outside at the moment of `done` finds the events."""
    log = await harness.open()
    seen: list[int] = []
    waiter = asyncio.get_running_loop().create_future()

    def done(appended: Sequence[Appended] | None, problem: Problem | None) -> None:
        seen.append(harness.raw_events())
        if len(seen) == 5:
            waiter.set_result(None)

    for number in range(5):
        log.append(events(number * 3, 3), done)
    await asyncio.wait_for(waiter, 10)
    assert all(count >= 3 * (calls + 1) for calls, count in enumerate(seen))


@proves("durable")
async def events_survive_a_reopening(harness: Harness) -> None:
    log = await harness.open()
    needs_durability(log)
    placed = [await append(log, events(number * 10, 10, number)) for number in range(4)]
    log = await harness.reopen()
    for partition, places in enumerate(placed):
        part = await log.read(partition, 0, 100)
        assert [(row.position, row.event) for row in part.events] == [
            (place.position, event(partition * 10 + nth, partition)) for nth, place in enumerate(places)
        ]
    later = await append(log, [event(1000)])
    assert later[0].position > max(place.position for places in placed for place in places)


@proves("ordered")
async def positions_rise_in_the_order_of_the_calls(harness: Harness) -> None:
    """Concurrent writers, many calls in flight, batches across partitions."""
    log = await harness.open()

    async def writer(name: int) -> None:
        for round_ in range(20):
            first = name * 1000 + round_ * 10
            batch = [event(first + nth, nth % 4) for nth in range(8)]
            places = await append(log, batch)
            assert [place.partition for place in places] == [nth % 4 for nth in range(8)]

    await asyncio.gather(*(writer(name) for name in range(8)))
    for partition in range(4):
        found = await ids_in(log, partition, page=7)
        assert len(found) == len(set(found)) == 8 * 20 * 2
        for name in range(8):
            mine = [text for text in found if int(text[1:]) // 1000 == name]
            assert mine == sorted(mine)


@proves("ordered")
async def calls_of_one_turn_keep_their_order(harness: Harness) -> None:
    log = await harness.open()
    places: list[Appended] = []

    def done(appended: Sequence[Appended] | None, problem: Problem | None) -> None:
        assert problem is None
        places.extend(appended or ())

    for number in range(300):
        log.append([event(number)], done)
    await harness.settle()
    assert len(places) == 300
    assert await ids_in(log, 0) == [event(number).id for number in range(300)]


@proves("deduplicated")
async def a_log_that_does_not_dedupe_says_so(harness: Harness) -> None:
    """Then a resend has a place of its own and is never called a duplicate, so that whoever reads can judge by the
    first place; its documentation says it, and no window is promised."""
    log = await harness.open()
    if log.log_capabilities.dedupes:
        raise NotApplicable("the log dedupes")
    first, again = (await append(log, [event(1, 2)]))[0], (await append(log, [event(1, 2)]))[0]
    assert not first.duplicate
    assert not again.duplicate
    assert again.position > first.position
    assert await ids_in(log, 2) == ["e000001", "e000001"]
    assert log.log_capabilities.dedupe_seconds == 0
    assert "dedupe" in (type(log).__doc__ or "")


@proves("deduplicated")
async def a_resent_event_gets_the_place_of_the_first(harness: Harness) -> None:
    log = await harness.open()
    needs_dedupe(log)
    first = (await append(log, [event(1, 2)]))[0]
    again = (await append(log, [event(1, 3)]))[0]
    assert not first.duplicate
    assert again == Appended(2, first.position, True)
    assert await ids_in(log, 2) == ["e000001"]
    assert await ids_in(log, 3) == []


@proves("deduplicated")
async def duplicates_within_a_call_and_between_calls_in_flight(harness: Harness) -> None:
    log = await harness.open()
    needs_dedupe(log)
    twice, other = await asyncio.gather(append(log, [event(1), event(2), event(1)]), append(log, [event(2), event(3)]))
    assert [place.duplicate for place in twice] == [False, False, True]
    assert twice[2].position == twice[0].position
    assert [place.duplicate for place in other] == [True, False]
    assert other[0].position == twice[1].position
    assert await ids_in(log, 0) == ["e000001", "e000002", "e000003"]


@proves("deduplicated")
async def another_source_is_another_identity(harness: Harness) -> None:
    log = await harness.open()
    needs_dedupe(log)
    places = await append(log, [event(1), event(1, source="partner"), event(1, source="")])
    assert [place.duplicate for place in places] == [False, False, False]
    assert (await append(log, [event(1, source="")]))[0].position == places[2].position


@proves("deduplicated")
async def the_window_is_at_least_one_bucket_and_ends(harness: Harness) -> None:
    log = await harness.open(dedupe_bucket_seconds=60)
    needs_dedupe(log)
    await append(log, [event(1, at_seconds=50)])
    await elapse(harness, 30)
    assert (await append(log, [event(1, at_seconds=110)]))[0].duplicate
    await elapse(harness, 350)
    assert not (await append(log, [event(1, at_seconds=400)]))[0].duplicate


@proves("deduplicated")
async def claims_survive_a_reopening(harness: Harness) -> None:
    log = await harness.open()
    needs_dedupe(log)
    needs_durability(log)
    first = (await append(log, [event(1, 2)]))[0]
    log = await harness.reopen()
    assert (await append(log, [event(1, 2), event(2, 2)]))[0] == first._replace(duplicate=True)


@proves("all or nothing")
async def a_refused_call_appends_none_of_its_events(harness: Harness) -> None:
    log = await harness.open(limit_pending=10)
    problem = await _problem_of(append(log, events(0, 11)))
    assert isinstance(problem, TooManyRequests)
    await harness.settle()
    assert harness.raw_events() == 0
    assert await ids_in(log, 0) == []
    assert len(await append(log, events(0, 10))) == 10


@proves("all or nothing")
async def the_events_of_a_call_appear_together(harness: Harness) -> None:
    log = await harness.open()
    batches: list[list[str]] = []
    log.listen(lambda fresh: batches.append([stored.event.id for stored in fresh]))
    await asyncio.gather(*(append(log, events(number * 100, 50)) for number in range(10)))
    await harness.settle()
    for number in range(10):
        mine = {row.id for row in events(number * 100, 50)}
        assert [len(mine & set(batch)) for batch in batches if mine & set(batch)] == [50]


@proves("visible")
async def done_means_readable(harness: Harness) -> None:
    log = await harness.open()
    for number in range(50):
        place = (await append(log, [event(number, 1)]))[0]
        assert log.head(1) >= place.position
        part = await log.read(1, place.position - 1, 10)
        assert [stored.event for stored in part.events] == [event(number, 1)]
        assert part.through >= place.position


@proves("visible")
async def events_come_back_as_they_were(harness: Harness) -> None:
    """Whatever other attributes a producer gave them: none may take the place of one of ours."""
    log = await harness.open()
    attributes = (
        b'{"time":"2020-01-01T00:00:00Z","dataschema":"urn:other/9.9.9","subject":"\xc3\xa9","sampled":true,"rank":3,'
        b'"key":"k","business":"b","version":"9","partition":"3"}'
    )
    sent = event(1, 2, at_seconds=77)._replace(
        attributes=attributes, correlation="c \u00e9", causation="x", business=bytes(range(16)), key_hash=-(1 << 63)
    )
    plain = event(2, 2)
    await append(log, [sent, plain])
    found = [stored.event for stored in (await log.read(2, 0, 10)).events]
    assert found == [sent, plain]


@proves("bounded")
async def beyond_the_limit_the_caller_is_told_at_once(harness: Harness) -> None:
    log = await harness.open(limit_pending=10)
    answers: list[Problem | None] = []
    for number in range(15):
        log.append([event(number)], lambda _, problem: answers.append(problem))
    assert answers == []
    await harness.settle()
    refused = [problem for problem in answers if problem is not None]
    assert len(answers) == 15
    assert len(refused) == 5
    assert all(isinstance(problem, TooManyRequests) and problem.retry_after_seconds for problem in refused)
    assert harness.raw_events() == 10
    await append(log, [event(100)])


@proves("append")
async def done_is_called_once_and_never_before_append_returns(harness: Harness) -> None:
    log = await harness.open()
    calls: list[int] = []
    returned: list[int] = []

    def caller(number: int) -> None:
        def done(appended: Sequence[Appended] | None, problem: Problem | None) -> None:
            assert number in returned
            calls.append(number)
            if number % 3 == 0:
                raise RuntimeError("a caller's own mistake must not reach the others")

        log.append([event(number)], done)
        returned.append(number)

    asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
    try:
        for number in range(30):
            caller(number)
        await harness.settle()
        await append(log, [event(100)])
    finally:
        asyncio.get_running_loop().set_exception_handler(None)
    assert sorted(calls) == list(range(30))


@proves("read")
async def a_slice_says_how_far_it_reaches(harness: Harness) -> None:
    log = await harness.open()
    await append(log, [event(number, number % 4) for number in range(400)])
    for page in (1, 7, 1000):
        for partition in range(4):
            expected = [event(number).id for number in range(partition, 400, 4)]
            assert await ids_in(log, partition, page=page) == expected
    beyond = await log.read(0, log.head(0), 10)
    assert list(beyond.events) == []
    assert beyond.through >= log.head(0)


@proves("read")
async def every_field_comes_back_as_it_went(harness: Harness) -> None:
    log = await harness.open()
    full = event(1)._replace(
        key_hash=-(2**63),
        correlation="order-1",
        causation="e0",
        trace="00-" + "a" * 32 + "-" + "b" * 16 + "-01",
        business=bytes(range(16)),
        attributes=b'{"subject":"\xc3\xa9"}',
        scheme=7,
        key_id="k1",
        body=b"\x00\xff",
    )
    await append(log, [full])
    stored = (await log.read(0, 0, 1)).events[0]
    assert stored.event == full
    assert [type(field) for field in stored.event] == [type(field) for field in full]


@proves("head")
async def an_empty_log_has_head_zero(harness: Harness) -> None:
    log = await harness.open()
    assert [log.head(partition) for partition in range(4)] == [0, 0, 0, 0]
    assert await append(log, []) == []
    assert list((await log.read(0, 0, 10)).events) == []


@proves("listen")
async def listeners_hear_each_event_once_in_order_and_readable(harness: Harness) -> None:
    log = await harness.open()
    heard: list[Stored] = []

    def listener(fresh: Sequence[Stored]) -> None:
        assert harness.raw_events() >= len(heard) + len(fresh)
        assert all(log.head(stored.event.partition) >= stored.position for stored in fresh)
        heard.extend(fresh)

    log.listen(listener)
    await asyncio.gather(*(append(log, events(number * 10, 10, number % 4)) for number in range(20)))
    if log.log_capabilities.dedupes:
        await append(log, events(0, 10))  # duplicates are no news
    await harness.settle()
    assert len(heard) == 200
    for partition in range(4):
        mine = [stored for stored in heard if stored.event.partition == partition]
        assert mine == list((await log.read(partition, 0, 1000)).events)


@proves("follow")
async def listeners_hear_of_followed_partitions_only(harness: Harness) -> None:
    log = await harness.open()
    heard: list[tuple[int, int]] = []
    log.listen(lambda fresh: heard.extend((stored.event.partition, stored.position) for stored in fresh))
    await log.follow([1, 2])
    places = [(await append(log, [event(number, number % 4)]))[0] for number in range(40)]
    await harness.settle()
    assert sorted(heard) == sorted((place.partition, place.position) for place in places if place.partition in (1, 2))
    await log.follow([3])
    last = [place.position for place in places if place.partition == 3][-1]
    assert log.head(3) >= last
    heard.clear()
    await append(log, [event(1001, 1), event(1003, 3)])
    await harness.settle()
    assert {partition for partition, position in heard if position > last or partition == 1} == {3}


@proves("heads")
async def heads_cover_what_is_not_followed_too(harness: Harness) -> None:
    log = await harness.open()
    await log.follow([1])
    places = await append(log, [event(number, number % 4) for number in range(40)])
    heads = await log.heads()
    assert len(heads) == log.partitions
    assert all(heads[place.partition] >= place.position for place in places)


@proves("partitions")
async def partitions_and_secret_are_as_lasting_as_the_log(harness: Harness) -> None:
    log = await harness.open(partitions=3)
    secret = log.secret
    assert log.partitions == 3
    assert len(secret) >= 16
    if log.log_capabilities.durable:
        log = await harness.reopen()
        assert (log.partitions, log.secret) == (3, secret)


@proves("close")
async def close_finishes_what_was_submitted_then_refuses(harness: Harness) -> None:
    log = await harness.open()
    answers: list[Problem | None] = []
    for number in range(100):
        log.append([event(number)], lambda _, problem: answers.append(problem))
    await log.close()
    assert answers == [None] * 100
    assert isinstance(await _problem_of(append(log, [event(1000)])), Closed)
    assert isinstance(await _problem_of(log.read(0, 0, 1)), Closed)
    await log.close()


@proves("never a silent gap")
async def who_reads_from_before_a_gap_is_told(harness: Harness) -> None:
    """Read cold, as after a start: what is still in memory may be given."""
    log = await harness.open()
    if not isinstance(harness, Forgets):
        raise NotApplicable("nothing of this log ever expires")
    places = [(await append(log, [event(number, 1)]))[0].position for number in range(6)]
    await append(log, [event(10, 2)])
    await harness.settle()
    await harness.forget(1, places[3])
    if log.log_capabilities.durable:
        log = await harness.reopen()
    assert log.log_capabilities.expires
    for after in (0, places[0], places[2]):
        with expired() as caught:
            await log.read(1, after, 100)
        assert caught[0].first == places[3] + 1
    assert [row.event.id for row in (await log.read(1, places[3], 100)).events] == [event(4).id, event(5).id]
    assert [row.event.id for row in (await log.read(1, places[4], 100)).events] == [event(5).id]


@proves("never a silent gap")
async def a_partition_that_expired_whole_is_a_gap_too(harness: Harness) -> None:
    log = await harness.open()
    if not isinstance(harness, Forgets):
        raise NotApplicable("nothing of this log ever expires")
    last = [(await append(log, [event(number, 1)]))[0].position for number in range(3)][-1]
    await append(log, [event(10, 2)])
    await harness.settle()
    await harness.forget(1, last)
    if log.log_capabilities.durable:
        log = await harness.reopen()
    assert log.head(1) >= last
    with expired() as caught:
        await log.read(1, last - 1, 100)
    assert caught[0].first == last + 1
    assert not (await log.read(1, last, 100)).events
    again = (await append(log, [event(11, 1)]))[0]
    assert [row.position for row in (await log.read(1, last, 100)).events] == [again.position]


def needs_dedupe(log: EventLog) -> None:
    if not log.log_capabilities.dedupes:
        raise NotApplicable("the log does not dedupe: who reads it judges by the claims of the state store")


def needs_durability(log: EventLog) -> None:
    if not log.log_capabilities.durable:
        raise NotApplicable("the log is in memory only")


async def _problem_of(call: object) -> BaseException | None:
    """What the awaitable raised; None when it returned."""
    assert asyncio.iscoroutine(call)
    return (await asyncio.gather(call, return_exceptions=True))[0]


@contextmanager
def expired() -> Iterator[list[EventsExpired]]:
    """What was raised; AssertionError when nothing was."""
    found: list[EventsExpired] = []
    try:
        yield found
    except EventsExpired as problem:
        found.append(problem)
    assert found, "the gap was jumped in silence"
