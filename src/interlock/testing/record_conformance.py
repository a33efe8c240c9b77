"""The promises of `ports.record_reader.RecordReader`, one check each."""

from __future__ import annotations

from interlock.model.carried import Carried
from interlock.model.handling import HandlingState
from interlock.model.hashing import KeyHasher
from interlock.model.record import DeliveryState, Held, Tally
from interlock.model.step import CursorMove, Put, Step, StepResult
from interlock.testing.conformance import Harness, Suite
from interlock.testing.fake_clock import START_US
from interlock.testing.samples import (
    FLOW,
    SECOND_US,
    TYPE,
    append,
    commit,
    delivered,
    delivery,
    event,
    events,
    failed,
    handling,
    held,
    mark,
    refusal,
    start,
    submit,
)
from interlock.testing.steps import DEAD, DONE, PARKED, owned

RECORD_CHECKS = Suite("RecordReader")
proves = RECORD_CHECKS.proves
SKIPPED, DISCARDED = HandlingState.SKIPPED, HandlingState.DISCARDED


@proves("find_events")
async def events_are_found_by_id_correlation_and_business_key(harness: Harness) -> None:
    store = await harness.open()
    hasher = KeyHasher(store.secret)
    keyed = event(1, 1)._replace(business=hasher.digest("ORD-1") + hasher.digest("CUST-7"))
    follower = event(2, 2)._replace(correlation="e000001", causation="e000001")
    alike = event(3, 3)._replace(business=b"\x00" * 4 + hasher.digest("ORD-1") + b"\x00" * 4)
    await append(store, [keyed, follower, alike, event(4)])
    record = await harness.record()
    found = {
        term: [row.event for row in await record.find_events(term)]
        for term in ("e000001", "ORD-1", "CUST-7", "e000004", "ORD-", "e00000")
    }
    await record.close()
    if not store.capabilities.fused_log:
        keyed, follower = keyed._replace(body=b""), follower._replace(body=b"")
    assert found == {
        "e000001": [keyed, follower],
        "ORD-1": [keyed],
        "CUST-7": [keyed],
        "e000004": [event(4) if store.capabilities.fused_log else event(4)._replace(body=b"")],
        "ORD-": [],
        "e00000": [],
    }


@proves("find_events")
async def events_are_found_in_a_long_log(harness: Harness) -> None:
    """Long enough that an adapter which indexes sealed segments has sealed some."""
    store = await harness.open(limit_pending=100_000)
    hasher = KeyHasher(store.secret)
    for first in range(0, 40_000, 1000):
        batch = [event(n, n % 4)._replace(business=hasher.digest(f"ORD-{n}")) for n in range(first, first + 1000)]
        await append(store, batch)
    record = await harness.record()
    for number in (0, 1, 20_000, 32_767, 32_768, 39_999):
        for term in (f"ORD-{number}", event(number).id):
            assert [row.event.id for row in await record.find_events(term)] == [event(number).id]
    numbers = range(0, 40_000, 500)
    terms = [term for number in numbers for term in (f"ORD-{number}", event(number).id)]
    assert [row.event.id for row in await record.find_events(*terms)] == [event(number).id for number in numbers]
    for step in (9, 8_000):  # many at once, and few
        known = {(event(0).source, event(number).id) for number in range(0, 40_000, step)}
        strange = {(event(0).source, f"x{number}") for number in range(0, 1_000, step)}
        assert await record.recorded(known | strange) == known
    await record.close()


@proves("find_events")
async def events_of_several_terms_are_found_once_each(harness: Harness) -> None:
    store = await harness.open()
    follower = event(2, 2)._replace(correlation="e000001", causation="e000001")
    await append(store, [event(1, 1), follower, event(3, 3), event(4)])
    record = await harness.record()
    found = [row.event.id for row in await record.find_events("e000001", "e000002", "e000004", "e00000")]
    assert sorted(found) == ["e000001", "e000002", "e000004"]
    assert await record.find_events() == []
    await record.close()


@proves("recorded")
async def identities_are_told_from_others_with_the_same_id(harness: Harness) -> None:
    store = await harness.open()
    here, there = event(1), event(1, 2)._replace(source="/elsewhere")
    follower = event(2, 2)._replace(correlation="e000003", causation="e000003")
    await append(store, [here, there, follower])
    record = await harness.record()
    asked = [(here.source, "e000001"), ("/elsewhere", "e000001"), ("/nowhere", "e000001"), (here.source, "e000003")]
    assert await record.recorded(asked) == {*asked[:2]}
    assert await record.recorded([]) == set()
    await record.close()


@proves("handlings_of")
async def handlings_and_failures_of_an_event(harness: Harness) -> None:
    store, epoch = await owned(harness)
    epoch = await store.acquire(start(), {FLOW: [TYPE], "ledger": [TYPE]})
    parked = [Step(handling=handling(1, PARKED), failed=failed(1, n), hold=held(1, PARKED)) for n in (1, 2)]
    dead = Step(handling=handling(1, DEAD), failed=failed(1, 3), hold=held(1, DEAD))
    other = Step(handling=handling(1, flow="ledger"))
    await submit(store, commit(epoch, *parked, dead, other, Step(handling=handling(1, partition=1))))
    record = await harness.record()
    rows = await record.handlings_of(0, 1)
    assert sorted(rows) == [handling(1, DEAD), handling(1, flow="ledger")]
    assert await record.failures_of(0, 1) == [failed(1, n) for n in (1, 2, 3)]
    assert await record.failures_of(1, 1) == []
    assert await record.handlings_of(2, 1) == []
    await record.close()


@proves("deliveries_of")
async def deliveries_and_their_attempts(harness: Harness) -> None:
    store, epoch = await owned(harness)
    one, two = delivery("d1"), delivery("d2")._replace(position=2, body=None, trace="00-t")
    await submit(store, commit(epoch, Step(result=StepResult(calls=(one, two)))))
    tried = [delivered(one, DeliveryState.PENDING, 1, None), delivered(one, DeliveryState.DEAD, 2, 503)]
    for row in tried:
        await submit(store, commit(epoch, Step(delivery=row)))
    record = await harness.record()
    assert await record.deliveries_of(0, 1) == [tried[1]._replace(attempt=None)]
    assert await record.attempts_of("d1") == [row.attempt for row in tried]
    assert await record.attempts_of("d2") == []
    assert await record.find_delivery("d2") == two
    assert await record.find_delivery("d3") is None
    assert await record.dead_deliveries(10) == [tried[1]._replace(attempt=None)]
    counts = await record.delivery_counts()
    assert {state: total for state, total in counts.items() if total} == {"pending": 1, "dead": 1}
    await record.close()


@proves("values")
async def values_are_paged_in_order_of_their_keys(harness: Harness) -> None:
    store, epoch = await owned(harness)
    keys = ["b", "a/2", "a/10", "ä", "Z"]
    puts = tuple(Put("story", key, key.encode()) for key in keys)
    await submit(store, commit(epoch, Step(result=StepResult(puts=(*puts, Put("other", "c", b"c"))))))
    await submit(store, commit(epoch, Step(result=StepResult(puts=(Put("story", "b", None),)))))
    record = await harness.record()
    page = await record.values("story", "", 2)
    rest = await record.values("story", page[-1][0], 10)
    assert page + rest == [(key, key.encode()) for key in ("Z", "a/10", "a/2", "ä")]
    assert await record.values("nothing", "", 10) == []
    await record.close()


@proves("dead_letters")
async def dead_letters_are_listed_per_flow(harness: Harness) -> None:
    store, epoch = await owned(harness)
    epoch = await store.acquire(start(), {FLOW: [TYPE], "ledger": [TYPE]})
    dead = [Step(handling=handling(n, DEAD), hold=held(n, DEAD)) for n in (1, 2, 3)]
    other = Step(handling=handling(4, DEAD, flow="ledger"), hold=held(4, DEAD)._replace(flow="ledger"))
    parked = Step(handling=handling(5, PARKED), hold=held(5, PARKED))
    await submit(store, commit(epoch, *dead, other, parked))
    record = await harness.record()
    assert [row.position for row in await record.dead_letters(FLOW, 10)] == [1, 2, 3]
    assert [row.flow for row in await record.dead_letters("ledger", 10)] == ["ledger"]
    assert sorted(row.position for row in await record.dead_letters(None, 10)) == [1, 2, 3, 4]
    assert len(await record.dead_letters(None, 2)) == 2
    assert await record.dead_letters("unknown", 10) == []
    assert (await record.dead_letters(FLOW, 1))[0] == held(1, DEAD)
    await record.close()


@proves("carried")
async def contract_versions_are_counted_where_they_are_carried(harness: Harness) -> None:
    store, epoch = await owned(harness)
    old, new = [event(n) for n in (1, 2, 3)], [event(n)._replace(version="1.1.0") for n in (4, 5)]
    (first, *_), later = await append(store, old), (await append(store, new))[0]
    keeping = [
        Step(handling=handling(first.position, DEAD), hold=held(first.position, DEAD)),
        Step(handling=handling(later.position, PARKED), hold=carrying(held(later.position, PARKED), "1.1.0")),
    ]
    call = delivery("d1")._replace(partition=first.partition, position=first.position)
    done = delivery("d2")._replace(partition=later.partition, position=later.position)
    gone = delivery("d3")._replace(partition=later.partition, position=later.position)
    await submit(store, commit(epoch, *keeping, Step(result=StepResult(calls=(call, done, gone)))))
    for row in (delivered(done, DeliveryState.SUCCEEDED, 1, 200), delivered(gone, DeliveryState.DEAD, 1, 503)):
        await submit(store, commit(epoch, Step(delivery=row)))
    record = await harness.record()
    assert await record.carried() == [
        Carried(TYPE, "1.0.0", "dead_letters", FLOW, 1),
        Carried(TYPE, "1.0.0", "log", "", 3),
        Carried(TYPE, "1.0.0", "pending_calls", call.flow, 1),
        Carried(TYPE, "1.1.0", "dead_calls", call.flow, 1),
        Carried(TYPE, "1.1.0", "log", "", 2),
        Carried(TYPE, "1.1.0", "parked", FLOW, 1),
    ]
    await record.close()


def carrying(row: Held, version: str) -> Held:
    return row._replace(event=row.event._replace(version=version))


@proves("cursor")
async def the_cursor_of_a_flow_begins_at_the_head_and_is_kept_by_a_restart(harness: Harness) -> None:
    store = await harness.open()
    await append(store, events(0, 3))
    heads = [store.head(partition) for partition in (0, 1)]
    epoch = await store.acquire(start(), {FLOW: [TYPE]})
    later = (await append(store, events(10, 2)))[-1].position
    record = await harness.record()
    before = [await record.cursor(FLOW, partition) for partition in (0, 1)]
    await submit(store, commit(epoch, cursors=[CursorMove(FLOW, 0, later)]))
    await store.acquire(start(), {FLOW: [TYPE]})
    after = [await record.cursor(FLOW, partition) for partition in (0, 1)]
    unknown = await record.cursor("ledger", 0)
    await record.close()
    assert before[0] == heads[0]
    assert before[1] is not None
    assert before[1] >= heads[1]
    assert (after, unknown) == ([later, before[1]], None)


@proves("unpublished")
async def nothing_waits_to_be_published_once_all_has_arrived(harness: Harness) -> None:
    store, epoch = await owned(harness)
    await submit(store, commit(epoch, Step(result=StepResult(emits=(event(1),)))))
    record = await harness.record()
    assert await record.unpublished() == 0
    await record.close()


@proves("starts")
async def each_start_is_recorded(harness: Harness) -> None:
    store, epoch = await owned(harness)
    later = start()._replace(at_us=START_US + 5, settings_hash="other")
    second = await store.acquire(later, {})
    record = await harness.record()
    assert await record.starts() == [start()._replace(epoch=epoch), later._replace(epoch=second)]
    await record.close()


@proves("refusals")
async def refusals_are_aggregated(harness: Harness) -> None:
    store, epoch = await owned(harness)
    await submit(store, commit(epoch, refusals=[refusal(3, first_us=START_US + 5, last_us=START_US + 9)]))
    second = [refusal(2, first_us=START_US + 2, last_us=START_US + 7), refusal(1, pointer="/lines")]
    await submit(store, commit(epoch, refusals=second))
    record = await harness.record()
    merged = refusal(5, first_us=START_US + 2, last_us=START_US + 9)
    assert await record.refusals() == [refusal(1, pointer="/lines"), merged]
    await record.close()


@proves("sums")
async def the_books_balance_and_tallies_equal_the_rows(harness: Harness) -> None:
    store, epoch = await owned(harness)
    places = await append(store, [event(n, n % 4)._replace(time_us=START_US + n * SECOND_US) for n in range(40)])
    await append(store, [event(100)._replace(type="orders.OrderCancelled")])
    states = [DONE, DONE, SKIPPED, PARKED, DEAD, DISCARDED, DEAD]
    steps = []
    for place, state in zip(places, states, strict=False):
        keep = held(place.position, state, partition=place.partition) if state in (PARKED, DEAD) else None
        steps.append(Step(handling=handling(place.position, state, partition=place.partition), hold=keep))
    await submit(store, commit(epoch, *steps))
    redriven = places[6]
    following = handling(redriven.position, PARKED, partition=redriven.partition, generation=1)
    old = mark(redriven.position, partition=redriven.partition)
    await submit(store, commit(epoch, Step(handling=following, supersede=old)))
    record = await harness.record()
    (books,) = await record.sums({FLOW: [TYPE]})
    assert books == (FLOW, 40, 33, 2, 2, 1, 1, 1)
    assert books.difference == 0
    rows = {Tally(FLOW, state, total) for state, total in ((PARKED, 2), (DONE, 2), (SKIPPED, 1), (DEAD, 1))}
    assert {row for row in await record.tallies() if row.total} == rows | {Tally(FLOW, DISCARDED, 1)}
    await record.close()


@proves("sums")
async def a_dropped_event_shows_as_a_difference(harness: Harness) -> None:
    """A cursor that passes an event without a mark is a loss, and the books must say so."""
    store, epoch = await owned(harness)
    places = await append(store, events(0, 3))
    await submit(store, commit(epoch, Step(handling=handling(places[0].position))))
    moved = CursorMove(FLOW, 0, places[1].position)
    await submit(store, commit(epoch, cursors=[moved]))
    record = await harness.record()
    (books,) = await record.sums({FLOW: [TYPE]})
    await record.close()
    assert (books.accepted, books.pending, books.done, books.difference) == (3, 1, 1, 1)


@proves("sums")
async def a_flow_is_asked_only_about_what_it_took_on(harness: Harness) -> None:
    """Events before the flow's beginning are not its own; a type taken on later counts from its cursor."""
    store = await harness.open()
    await append(store, events(0, 5))
    await store.acquire(start(), {FLOW: [TYPE]})
    await append(store, [event(n)._replace(type="orders.OrderCancelled") for n in range(10, 14)])
    await append(store, events(20, 2))
    await store.acquire(start(), {FLOW: [TYPE, "orders.OrderCancelled"]})
    record = await harness.record()
    (books,) = await record.sums({FLOW: [TYPE, "orders.OrderCancelled"]})
    await record.close()
    assert (books.accepted, books.pending, books.difference) == (6, 6, 0)
