"""What a `ports.state_store.StateStore` keeps and gives back, method by method."""

from __future__ import annotations

from collections.abc import Awaitable

from interlock.model.handling import HandlingState
from interlock.model.problems import (
    AlreadyHandled,
    Closed,
    Problem,
)
from interlock.model.record import DeliveryState
from interlock.model.step import CursorMove, Step, StepResult
from interlock.testing.conformance import Harness, Suite
from interlock.testing.samples import (
    FLOW,
    TYPE,
    answer,
    append,
    commit,
    delivered,
    delivery,
    events,
    handling,
    held,
    mark,
    start,
    submit,
)
from interlock.testing.steps import DEAD, DONE, PARKED, kinds, owned, problem_of, puts, refill

KEEPING_CHECKS = Suite("StateStore")
proves = KEEPING_CHECKS.proves


@proves("acquire")
async def epochs_rise_also_across_a_reopening(harness: Harness) -> None:
    store, epoch = await owned(harness)
    epochs = [epoch, await store.acquire(start(), {}), await store.acquire(start(), {})]
    if store.capabilities.durable:
        store = await harness.reopen()
        epochs.append(await store.acquire(start(), {}))
    assert epochs == sorted(set(epochs))
    assert epochs[0] > 0


@proves("acquire")
async def a_new_flow_begins_at_the_head_and_a_known_one_where_it_was(harness: Harness) -> None:
    store = await harness.open()
    await append(store, events(0, 10))
    epoch = await store.acquire(start(), {FLOW: [TYPE]})
    assert await store.cursors("unknown") == {}
    cursors = await store.cursors(FLOW)
    assert set(cursors) == {0, 1, 2, 3}
    assert list((await store.read(0, cursors[0], 100)).events) == []
    last = (await append(store, events(10, 10)))[-1].position
    await submit(store, commit(epoch, cursors=[CursorMove(FLOW, 0, last)]))
    await store.acquire(start(), {FLOW: [TYPE], "ledger": [TYPE]})
    assert await store.cursors(FLOW) == cursors | {0: last}
    assert list((await store.read(0, (await store.cursors("ledger"))[0], 100)).events) == []


@proves("held")
async def held_envelopes_are_replaced_listed_and_released(harness: Harness) -> None:
    store, epoch = await owned(harness)
    kept = [held(position, PARKED, partition=partition) for partition in (1, 0) for position in (5, 3)]
    steps = [Step(handling=handling(row.position, PARKED, partition=row.partition), hold=row) for row in kept]
    await submit(store, commit(epoch, *steps))
    listed = await store.held(FLOW)
    assert [(row.partition, row.position) for row in listed] == [(0, 3), (0, 5), (1, 3), (1, 5)]
    assert await store.held(FLOW, [1, 3]) == listed[2:]
    assert await store.held(FLOW, []) == await store.held("another") == []
    later = held(3, PARKED)._replace(attempts=3, due_us=None, detail=None, overtaken=True)
    await submit(store, commit(epoch, Step(hold=later), Step(release=mark(5))))
    assert [(row.partition, row.position) for row in await store.held(FLOW)] == [(0, 3), (1, 3), (1, 5)]
    assert await store.held_one(mark(3)) == later
    assert await store.held_one(mark(5)) is None
    assert [row.attempts for row in await store.held(FLOW)] == [3, 2, 2]


@proves("held")
async def a_redrive_opens_the_next_generation_once(harness: Harness) -> None:
    store, epoch = await owned(harness)
    await submit(store, commit(epoch, Step(handling=handling(1, DEAD), hold=held(1, DEAD))))
    assert kinds(await submit(store, commit(epoch, _redrive(2)))) == [AlreadyHandled]
    assert kinds(await submit(store, commit(epoch, _redrive(1), _redrive(1)))) == [None, AlreadyHandled]
    assert kinds(await submit(store, commit(epoch, _redrive(1)))) == [AlreadyHandled]
    assert await store.held_one(mark(1)) is None
    assert [row.generation for row in await store.held(FLOW)] == [1]
    assert [(row.state, row.total) for row in await store.tallies() if row.total] == [(PARKED, 1)]
    done = Step(handling=handling(1, generation=1), release=mark(1, generation=1))
    assert await submit(store, commit(epoch, done)) == [None]
    assert [(row.state, row.total) for row in await store.tallies() if row.total] == [(DONE, 1)]
    assert await store.held(FLOW) == []


def _redrive(position: int) -> Step:
    return Step(
        handling=handling(position, PARKED, generation=1),
        hold=held(position, PARKED, generation=1),
        supersede=mark(position),
    )


@proves("marks_after")
async def marks_after_lists_the_exceptions_to_the_cursor(harness: Harness) -> None:
    store, epoch = await owned(harness)
    steps = [Step(handling=handling(position)) for position in (2, 4, 9)]
    parked = Step(handling=handling(7, PARKED), hold=held(7, PARKED))
    elsewhere = Step(handling=handling(8, partition=1))
    await submit(store, commit(epoch, *steps, parked, elsewhere))
    assert await store.marks_after(FLOW, 0, 2) == {4, 7, 9}
    assert await store.marks_after(FLOW, 1, 0) == {8}
    assert await store.marks_after("another", 0, 0) == set()


@proves("pending_deliveries")
async def pending_deliveries_come_page_by_page_in_order_of_due(harness: Harness) -> None:
    store, epoch = await owned(harness)
    rows = [delivery(f"d{number:02d}", due_us=1000 + number // 3) for number in range(20)]
    await submit(store, commit(epoch, Step(result=StepResult(calls=tuple(reversed(rows))))))
    found, due_us, last = [], 0, ""
    while page := await store.pending_deliveries(due_us, last, 7):
        found += page
        due_us, last = page[-1].due_us, page[-1].id
    assert found == rows
    ended = [DeliveryState.SUCCEEDED, DeliveryState.REFUSED, DeliveryState.DEAD]
    steps = [Step(delivery=delivered(row, state)) for row, state in zip(rows, ended, strict=False)]
    assert await submit(store, commit(epoch, *steps)) == [None] * 3
    assert await store.pending_deliveries(0, "", 100) == rows[3:]


@proves("pending_deliveries")
async def pending_deliveries_of_some_partitions(harness: Harness) -> None:
    store, epoch = await owned(harness)
    rows = [delivery(f"d{number:02d}", due_us=1000 + number)._replace(partition=number % 4) for number in range(20)]
    await submit(store, commit(epoch, Step(result=StepResult(calls=tuple(rows)))))
    mine = [row for row in rows if row.partition in (1, 2)]
    assert await store.pending_deliveries(0, "", 6, [2, 1]) == mine[:6]
    assert await store.pending_deliveries(mine[5].due_us, mine[5].id, 6, [2, 1]) == mine[6:]
    assert await store.pending_deliveries(0, "", 6, []) == []


@proves("delivery")
async def a_delivery_ends_once(harness: Harness) -> None:
    store, epoch = await owned(harness)
    row = delivery("d1")
    await submit(store, commit(epoch, Step(result=StepResult(calls=(row,)))))
    retry = delivered(row, DeliveryState.PENDING, 1, 503)._replace(due_us=row.due_us + 5_000_000)
    assert await submit(store, commit(epoch, Step(delivery=retry))) == [None]
    assert await store.delivery("d1") == retry._replace(attempt=None)
    final = Step(delivery=delivered(row, DeliveryState.SUCCEEDED, 2), result=refill("replies", 1))
    assert kinds(await submit(store, commit(epoch, final, final))) == [None, AlreadyHandled]
    assert kinds(await submit(store, commit(epoch, final))) == [AlreadyHandled]
    assert await store.counter("stock", "replies") == 1
    stranger = Step(delivery=delivered(delivery("d2"), DeliveryState.SUCCEEDED))
    assert kinds(await submit(store, commit(epoch, stranger))) == [AlreadyHandled]
    assert await store.delivery("d2") is None


@proves("delivery")
async def a_dead_delivery_may_only_be_discarded(harness: Harness) -> None:
    store, epoch = await owned(harness)
    row = delivery("d1")
    await submit(store, commit(epoch, Step(result=StepResult(calls=(row,)))))
    await submit(store, commit(epoch, Step(delivery=delivered(row, DeliveryState.DEAD, 1, None))))
    for state in (DeliveryState.PENDING, DeliveryState.SUCCEEDED, DeliveryState.DEAD):
        assert kinds(await submit(store, commit(epoch, Step(delivery=delivered(row, state, 2))))) == [AlreadyHandled]
    replaced = Step(
        delivery=row._replace(state=DeliveryState.DISCARDED, attempts=1), result=StepResult(calls=(delivery("d2"),))
    )
    assert kinds(await submit(store, commit(epoch, replaced, replaced))) == [None, AlreadyHandled]
    assert [row.id for row in await store.pending_deliveries(0, "", 10)] == ["d2"]


@proves("answer")
async def an_answer_is_stored_once_per_scope_until_it_expires(harness: Harness) -> None:
    store, epoch = await owned(harness)
    first, second = answer("scope", body=b"1"), answer("scope", body=b"2")
    outcomes = await submit(store, commit(epoch, Step(answer=first), Step(answer=second), Step(answer=answer("b"))))
    assert kinds(outcomes) == [None, AlreadyHandled, None]
    assert kinds(await submit(store, commit(epoch, Step(answer=second, result=puts("x"))))) == [AlreadyHandled]
    assert await store.get("orders", "x") is None
    assert await store.answer("scope", first.expires_us - 1) == first
    assert await store.answer("scope", first.expires_us) is None
    assert await store.answer("unknown", 0) is None
    later = answer("scope", at_us=first.expires_us, body=b"3")
    assert await submit(store, commit(epoch, Step(answer=later))) == [None]
    assert await store.answer("scope", later.at_us) == later


@proves("expire")
async def expire_drops_what_is_over_and_nothing_else(harness: Harness) -> None:
    store, epoch = await owned(harness)
    short = [answer(f"s{number}", seconds=10) for number in range(5)]
    long = answer("long", seconds=1000)
    await submit(store, commit(epoch, *(Step(answer=row) for row in [*short, long])))
    assert await store.expire(short[0].expires_us - 1) == 0
    assert await store.expire(short[0].expires_us) == 5
    assert await store.expire(short[0].expires_us) == 0
    assert await store.answer("long", long.at_us) == long


@proves("tallies")
async def tallies_follow_every_change(harness: Harness) -> None:
    store, epoch = await owned(harness)
    parked = [Step(handling=handling(n, PARKED), hold=held(n, PARKED)) for n in range(1, 7)]
    others = [Step(handling=handling(n)) for n in range(10, 20)]
    await submit(store, commit(epoch, *parked, *others, *others))
    again = [Step(handling=handling(n, PARKED), hold=held(n, PARKED)) for n in (1, 2)]
    dead = [Step(handling=handling(n, DEAD), hold=held(n, DEAD)) for n in (3, 4)]
    gone = Step(handling=handling(5, HandlingState.DISCARDED), release=mark(5))
    await submit(store, commit(epoch, *again, *dead, gone))
    counted = {row.state: row.total for row in await store.tallies() if row.total}
    assert counted == {PARKED: 3, DONE: 10, DEAD: 2, HandlingState.DISCARDED: 1}
    assert {row.flow for row in await store.tallies()} == {FLOW}


@proves("get")
async def a_value_may_be_any_bytes_under_any_key(harness: Harness) -> None:
    store, epoch = await owned(harness)
    keys = ["", "ключ", "a" * 2000, "with\u001fsign", "'; DROP TABLE state; --"]
    values = [b"", b"\x00\xff", b"{}", b"x" * 100_000, b"5"]
    await submit(store, commit(epoch, *(Step(result=puts(k, v)) for k, v in zip(keys, values, strict=True))))
    for key, value in zip(keys, values, strict=True):
        stored = await store.get("orders", key)
        assert stored is not None
        assert stored.value == value
        assert await store.get("another", key) is None


@proves("close")
async def close_finishes_the_submitted_steps_then_refuses(harness: Harness) -> None:
    store, epoch = await owned(harness)
    answers: list[Problem | None] = []
    for position in range(50):
        batch = commit(epoch, Step(handling=handling(position)))
        store.submit(batch, lambda _, problem: answers.append(problem))
    await store.close()
    assert answers == [None] * 50
    late: list[Awaitable[object]] = [
        submit(store, commit(epoch, Step(handling=handling(99)))),
        store.get("orders", "a"),
        store.counter("stock", "s"),
        store.cursors(FLOW),
        store.held(FLOW),
        store.tallies(),
        store.acquire(start(), {}),
        store.expire(0),
    ]
    told = [await problem_of(call) for call in late]  # all, also after a wrong one: none is left unawaited
    assert all(isinstance(problem, Closed) for problem in told), told
    await store.close()
