"""The promises of `ports.state_store.StateStore`, one check each."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence

from interlock.model.handling import HandlingState
from interlock.model.problems import (
    AlreadyHandled,
    Closed,
    CounterRefused,
    Fenced,
    Problem,
    StaleRead,
    TooManyRequests,
)
from interlock.model.record import DeliveryState
from interlock.model.step import Add, CursorMove, Put, Read, Step, StepResult
from interlock.testing.conformance import Harness, Store, Suite
from interlock.testing.samples import (
    FLOW,
    TYPE,
    answer,
    append,
    commit,
    delivered,
    delivery,
    event,
    events,
    failed,
    handling,
    held,
    ids_in,
    mark,
    start,
    submit,
)

STATE_CHECKS = Suite("StateStore")
proves = STATE_CHECKS.proves

PARKED, DONE, DEAD = HandlingState.PARKED, HandlingState.DONE, HandlingState.DEAD


async def owned(harness: Harness, **limits: int) -> tuple[Store, int]:
    """A fresh store and the epoch of its owner."""
    store = await harness.open(**limits)
    return store, await store.acquire(start(), {FLOW: [TYPE]})


def puts(key: str, value: bytes | None = b"1", version: int | None = None) -> StepResult:
    reads = () if version is None else (Read("orders", key, version),)
    return StepResult(reads=reads, puts=(Put("orders", key, value),))


def take(key: str, amount: int, floor: int = 0) -> StepResult:
    return StepResult(adds=(Add("stock", key, -amount, floor, None),))


def refill(key: str, amount: int, ceiling: int | None = None) -> StepResult:
    return StepResult(adds=(Add("stock", key, amount, None, ceiling),))


def kinds(outcomes: Sequence[Problem | None]) -> list[type[Problem] | None]:
    return [None if outcome is None else type(outcome) for outcome in outcomes]


async def problem_of(call: Awaitable[object]) -> BaseException | None:
    """What the awaitable raised; None when it returned."""
    return (await asyncio.gather(call, return_exceptions=True))[0]  # type: ignore[return-value]


FULL_RESULT = StepResult(
    puts=(Put("orders", "o1", b"{}"),),
    adds=(Add("stock", "s1", 5, None, None),),
    emits=(event(100, 2),),
    calls=(delivery("d1"),),
)


async def trace_of(store: Store, position: int = 1) -> list[object]:
    """Whatever FULL_RESULT with its handling, envelope and answer leaves behind; all falsy when nothing did."""
    return [
        await store.get("orders", "o1"),
        await store.counter("stock", "s1"),
        await ids_in(store, 2),
        await store.delivery("d1"),
        await store.held(FLOW),
        await store.answer("scope", answer("scope").at_us),
        await store.marks_after(FLOW, 0, 0),
        await store.tallies(),
    ]


def full_step(result: StepResult = FULL_RESULT) -> Step:
    return Step(
        handling=handling(1, PARKED), result=result, failed=failed(1, 1), hold=held(1, PARKED), answer=answer("scope")
    )


@proves("one commit")
async def a_step_is_applied_whole(harness: Harness) -> None:
    store, epoch = await owned(harness)
    assert not any(await trace_of(store))
    assert await submit(store, commit(epoch, full_step())) == [None]
    assert all(await trace_of(store))


@proves("one commit")
async def a_step_that_fails_leaves_nothing(harness: Harness) -> None:
    """Each way to fail, with every other part present."""
    store, epoch = await owned(harness)
    await submit(store, commit(epoch, Step(handling=handling(9)), Step(answer=answer("taken"))))
    before = await trace_of(store)
    stale = FULL_RESULT._replace(reads=(Read("orders", "o1", 77),))
    short = FULL_RESULT._replace(adds=(Add("stock", "s1", 5, None, None), Add("stock", "s2", -1, 0, None)))
    for broken in (full_step(stale), full_step(short), _with(handling=handling(9)), _with(answer=answer("taken"))):
        outcomes = await submit(store, commit(epoch, broken))
        assert outcomes[0] is not None
        assert await trace_of(store) == before
        assert harness.raw_handlings() == 1


def _with(**parts: object) -> Step:
    step = full_step()
    for name, part in parts.items():
        setattr(step, name, part)
    return step


@proves("one commit")
async def the_answer_comes_after_the_commit(harness: Harness) -> None:
    """Whoever reads the storage from outside at the moment of `done` finds the handling row."""
    store, epoch = await owned(harness)
    seen: list[int] = []
    for position in range(1, 21):
        batch = commit(epoch, Step(handling=handling(position)))
        store.submit(batch, lambda outcomes, problem: seen.append(harness.raw_handlings()))
    await harness.settle()
    assert len(seen) == 20
    assert all(count > nth for nth, count in enumerate(seen))


@proves("one commit")
async def what_was_committed_survives_a_reopening(harness: Harness) -> None:
    store, epoch = await owned(harness)
    if not store.capabilities.durable:
        return
    await submit(store, commit(epoch, full_step(), cursors=[CursorMove(FLOW, 0, 1)]))
    before = await trace_of(store), await store.cursors(FLOW)
    store = await harness.reopen()
    assert (await trace_of(store), await store.cursors(FLOW)) == before
    assert await store.acquire(start(), {FLOW: [TYPE]}) > epoch
    assert (await trace_of(store), await store.cursors(FLOW)) == before


@proves("isolation of failures")
async def one_bad_step_leaves_its_batch_standing(harness: Harness) -> None:
    store, epoch = await owned(harness)
    await submit(store, commit(epoch, Step(handling=handling(2))))
    steps = [
        Step(handling=handling(1), result=puts("a")),
        Step(handling=handling(2), result=puts("b")),
        Step(handling=handling(3), result=puts("c", version=5)),
        Step(handling=handling(4), result=take("s", 1)),
        Step(handling=handling(5), result=puts("e")._replace(emits=(event(5, 1),))),
    ]
    outcomes = await submit(store, commit(epoch, *steps, cursors=[CursorMove(FLOW, 0, 5)]))
    assert kinds(outcomes) == [None, AlreadyHandled, StaleRead, CounterRefused, None]
    assert [await store.get("orders", key) is not None for key in "abcde"] == [True, False, False, False, True]
    assert await store.marks_after(FLOW, 0, 0) == {1, 2, 5}
    assert await ids_in(store, 1) == ["e000005"]
    assert (await store.cursors(FLOW))[0] == 5


@proves("checked reads")
async def a_value_that_changed_is_a_stale_read(harness: Harness) -> None:
    store, epoch = await owned(harness)
    await submit(store, commit(epoch, Step(result=puts("a", b"1", version=0))))
    seen = await store.get("orders", "a")
    assert seen is not None
    assert seen.version > 0
    assert await submit(store, commit(epoch, Step(result=puts("a", b"2", version=seen.version)))) == [None]
    assert kinds(await submit(store, commit(epoch, Step(result=puts("a", b"3", version=seen.version))))) == [StaleRead]
    assert kinds(await submit(store, commit(epoch, Step(result=puts("a", b"3", version=0))))) == [StaleRead]
    now = await store.get("orders", "a")
    assert now is not None
    assert now.value == b"2"


@proves("checked reads")
async def a_read_is_checked_against_earlier_steps_of_its_batch(harness: Harness) -> None:
    store, epoch = await owned(harness)
    steps = [Step(result=puts("a", b"%d" % number, version=0)) for number in range(3)]
    outcomes = await submit(store, commit(epoch, *steps, Step(result=puts("b", version=0))))
    assert kinds(outcomes) == [None, StaleRead, StaleRead, None]
    stored = await store.get("orders", "a")
    assert stored is not None
    assert stored.value == b"0"


@proves("checked reads")
async def a_deleted_and_rewritten_value_has_another_version(harness: Harness) -> None:
    store, epoch = await owned(harness)
    await submit(store, commit(epoch, Step(result=puts("a"))))
    first = await store.get("orders", "a")
    assert first is not None
    gone = Step(result=puts("a", None, version=first.version))
    assert await submit(store, commit(epoch, gone, Step(result=puts("b", version=0)))) == [None, None]
    assert await store.get("orders", "a") is None
    await submit(store, commit(epoch, Step(result=puts("a", version=0))))
    assert kinds(await submit(store, commit(epoch, Step(result=puts("a", version=first.version))))) == [StaleRead]


@proves("checked reads")
async def a_delete_is_seen_by_later_steps_of_its_batch(harness: Harness) -> None:
    store, epoch = await owned(harness)
    await submit(store, commit(epoch, Step(result=puts("a"))))
    first = await store.get("orders", "a")
    assert first is not None
    steps = [Step(result=puts("a", None)), Step(result=puts("a", b"2", first.version)), Step(result=puts("a", b"3", 0))]
    assert kinds(await submit(store, commit(epoch, *steps))) == [None, StaleRead, None]
    stored = await store.get("orders", "a")
    assert stored is not None
    assert stored.value == b"3"


@proves("bounded counters")
async def a_counter_never_leaves_its_bounds(harness: Harness) -> None:
    """Many concurrent steps, several to a batch: exactly as many takes as there is stock."""
    store, epoch = await owned(harness)
    await submit(store, commit(epoch, Step(result=refill("s", 100))))

    async def buyer(number: int) -> list[Problem | None]:
        return await submit(store, commit(epoch, *(Step(result=take("s", 3)) for _ in range(number % 4 + 1))))

    outcomes = [outcome for batch in await asyncio.gather(*map(buyer, range(40))) for outcome in batch]
    assert set(kinds(outcomes)) == {None, CounterRefused}
    assert outcomes.count(None) == 33
    assert await store.counter("stock", "s") == 1


@proves("bounded counters")
async def floors_ceilings_and_several_adds_of_one_step(harness: Harness) -> None:
    store, epoch = await owned(harness)
    two = StepResult(adds=(Add("stock", "s", -3, 0, None), Add("stock", "s", -3, 0, None)))
    steps = [
        Step(result=refill("s", 10, ceiling=10)),
        Step(result=refill("s", 1, ceiling=10)),
        Step(result=take("s", 5)),
        Step(result=two),
        Step(result=take("s", 6, floor=-1)),
    ]
    outcomes = await submit(store, commit(epoch, *steps))
    assert kinds(outcomes) == [None, CounterRefused, None, CounterRefused, None]
    assert await store.counter("stock", "s") == -1
    assert await store.counter("stock", "never touched") == 0


@proves("marks for ever")
async def a_final_handling_is_never_applied_again(harness: Harness) -> None:
    store, epoch = await owned(harness)
    for nth, state in enumerate((DONE, HandlingState.SKIPPED, DEAD, HandlingState.DISCARDED)):
        await submit(store, commit(epoch, Step(handling=handling(nth, state))))
        for again in (DONE, PARKED, DEAD):
            plain = Step(handling=handling(nth, again), result=puts("x"))
            cold = Step(handling=handling(nth, again), result=puts("x"), release=mark(nth), failed=failed(nth, 1))
            assert kinds(await submit(store, commit(epoch, plain, cold))) == [AlreadyHandled, AlreadyHandled]
    assert await store.get("orders", "x") is None


@proves("marks for ever")
async def a_mark_counts_within_its_own_batch(harness: Harness) -> None:
    store, epoch = await owned(harness)
    plain = Step(handling=handling(1), result=refill("s", 1))
    cold = Step(handling=handling(1), result=refill("s", 1), release=mark(1))
    assert kinds(await submit(store, commit(epoch, plain, plain, cold))) == [None, AlreadyHandled, AlreadyHandled]
    cold = Step(handling=handling(2), result=refill("s", 1), release=mark(2))
    assert kinds(await submit(store, commit(epoch, cold, cold))) == [None, AlreadyHandled]
    plain = Step(handling=handling(3), result=refill("s", 1))
    cold = Step(handling=handling(3), result=refill("s", 1), release=mark(3))
    assert kinds(await submit(store, commit(epoch, plain, cold))) == [None, AlreadyHandled]
    assert await store.counter("stock", "s") == 3
    assert [(row.state, row.total) for row in await store.tallies()] == [(DONE, 3)]


@proves("marks for ever")
async def concurrent_batches_apply_a_mark_once(harness: Harness) -> None:
    store, epoch = await owned(harness)
    step = Step(handling=handling(1), result=refill("s", 1))
    outcomes = await asyncio.gather(*(submit(store, commit(epoch, step)) for _ in range(20)))
    assert [kinds(batch)[0] for batch in outcomes].count(None) == 1
    assert await store.counter("stock", "s") == 1


@proves("marks for ever")
async def a_parked_handling_may_still_become_final(harness: Harness) -> None:
    """With and without the envelope's release, in the same batch and in a later one."""
    store, epoch = await owned(harness)
    for position, release in ((1, mark(1)), (2, None)):
        await submit(store, commit(epoch, Step(handling=handling(position, PARKED), hold=held(position, PARKED))))
        final = Step(handling=handling(position), release=release)
        assert await submit(store, commit(epoch, final)) == [None]
    for position, release in ((3, mark(3)), (4, None)):
        parked = Step(handling=handling(position, PARKED), hold=held(position, PARKED))
        final = Step(handling=handling(position), release=release)
        assert await submit(store, commit(epoch, parked, final)) == [None, None]
    assert [(row.state, row.total) for row in await store.tallies() if row.total] == [(DONE, 4)]
    again = [Step(handling=handling(position)) for position in range(1, 5)]
    assert kinds(await submit(store, commit(epoch, *again))) == [AlreadyHandled] * 4


@proves("fenced")
async def an_old_epoch_is_refused_whole(harness: Harness) -> None:
    store, old = await owned(harness)
    await submit(store, commit(old, Step(handling=handling(1))))
    new = await store.acquire(start(), {FLOW: [TYPE]})
    assert new > old
    late = commit(old, Step(handling=handling(2), result=FULL_RESULT), cursors=[CursorMove(FLOW, 0, 2)])
    assert isinstance(await problem_of(submit(store, late)), Fenced)
    assert not any((await trace_of(store))[:4])
    assert await store.marks_after(FLOW, 0, 0) == {1}
    assert (await store.cursors(FLOW))[0] == 0
    assert await submit(store, commit(new, Step(handling=handling(2)))) == [None]


@proves("fenced")
async def a_fenced_batch_does_not_take_others_down(harness: Harness) -> None:
    store, old = await owned(harness)
    new = await store.acquire(start(), {FLOW: [TYPE]})
    calls = [submit(store, commit((new, old)[nth % 2], Step(handling=handling(nth)))) for nth in range(10)]
    results = await asyncio.gather(*calls, append(store, [event(1)]), return_exceptions=True)
    assert [isinstance(result, Fenced) for result in results] == [bool(nth % 2) for nth in range(10)] + [False]
    assert await store.marks_after(FLOW, 0, -1) == {0, 2, 4, 6, 8}


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


@proves("cursors only of the owner")
async def cursors_move_with_their_batch(harness: Harness) -> None:
    store, epoch = await owned(harness)
    before = await store.cursors(FLOW)
    moves = [CursorMove(FLOW, 1, before[1] + 7), CursorMove(FLOW, 3, before[3] + 9)]
    assert await submit(store, commit(epoch, cursors=moves)) == []
    assert await store.cursors(FLOW) == before | {1: before[1] + 7, 3: before[3] + 9}
    fenced = commit(epoch - 1, Step(handling=handling(1)), cursors=[CursorMove(FLOW, 1, 99)])
    assert isinstance(await problem_of(submit(store, fenced)), Fenced)
    assert (await store.cursors(FLOW))[1] == before[1] + 7
    assert await store.marks_after(FLOW, 0, 0) == set()


@proves("cursors only of the owner")
async def a_cursor_that_is_not_owned_refuses_its_batch_whole(harness: Harness) -> None:
    store, old = await owned(harness)
    epoch = await store.acquire(start(), {"ledger": [TYPE]})
    assert epoch > old
    for flow in (FLOW, "unknown"):
        moved = commit(epoch, Step(handling=handling(1, flow="ledger")), cursors=[CursorMove(flow, 0, 5)])
        good = commit(epoch, Step(result=refill("s", 1)), cursors=[CursorMove("ledger", 0, 2)])
        refused, outcomes = await asyncio.gather(submit(store, moved), submit(store, good), return_exceptions=True)
        assert isinstance(refused, Fenced)
        assert outcomes == [None]
    assert await store.marks_after("ledger", 0, 0) == set()
    assert (await store.cursors("ledger"))[0] == 2
    assert await store.counter("stock", "s") == 2


@proves("bounded")
async def beyond_the_limit_of_steps_the_caller_is_told(harness: Harness) -> None:
    store, epoch = await owned(harness, limit_pending=10)
    answers: list[Problem | None] = []
    for position in range(1, 16):
        batch = commit(epoch, Step(handling=handling(position)))
        store.submit(batch, lambda _, problem: answers.append(problem))
    assert answers == []
    await harness.settle()
    refused = [problem for problem in answers if problem is not None]
    assert len(answers) == 15
    assert len(refused) == 5
    assert all(isinstance(problem, TooManyRequests) for problem in refused)
    assert harness.raw_handlings() == 10
    assert await submit(store, commit(epoch, Step(handling=handling(99)))) == [None]


@proves("submit")
async def outcomes_are_told_once_and_never_before_submit_returns(harness: Harness) -> None:
    store, epoch = await owned(harness)
    told: list[int] = []
    returned: list[int] = []

    def caller(number: int) -> None:
        def done(outcomes: Sequence[Problem | None] | None, problem: Problem | None) -> None:
            assert number in returned
            assert (outcomes is None) != (problem is None)
            told.append(number)
            if number % 3 == 0:
                raise RuntimeError("a caller's own mistake must not reach the others")

        store.submit(commit(epoch, Step(handling=handling(number))), done)
        returned.append(number)

    asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
    try:
        for number in range(30):
            caller(number)
        await harness.settle()
    finally:
        asyncio.get_running_loop().set_exception_handler(None)
    assert sorted(told) == list(range(30))


@proves("submit")
async def steps_apply_in_their_order(harness: Harness) -> None:
    store, epoch = await owned(harness)
    steps = [Step(result=puts("a", b"%d" % number)._replace(emits=(event(number),))) for number in range(50)]
    await submit(store, commit(epoch, *steps))
    stored = await store.get("orders", "a")
    assert stored is not None
    assert stored.value == b"49"
    assert await ids_in(store, 0) == [event(number).id for number in range(50)]


@proves("submit")
async def emitted_events_are_heard_once_when_the_log_is_fused(harness: Harness) -> None:
    store, epoch = await owned(harness)
    if not store.capabilities.fused_log:
        return
    heard: list[str] = []
    store.listen(lambda fresh: heard.extend(stored.event.id for stored in fresh))
    good = Step(result=StepResult(emits=(event(1), event(2, 1))))
    bad = Step(result=StepResult(reads=(Read("orders", "a", 5),), emits=(event(3),)))
    await submit(store, commit(epoch, good, bad))
    await harness.settle()
    assert heard == ["e000001", "e000002"]


@proves("one commit")
async def a_failed_attempt_is_kept_with_any_outcome(harness: Harness) -> None:
    store, epoch = await owned(harness)
    steps = [Step(handling=handling(n), failed=failed(n, 1)) for n in (1, 2)]
    assert await submit(store, commit(epoch, *steps, Step(failed=failed(3, 1)))) == [None] * 3
    record = await harness.record()
    assert [await record.failures_of(0, n) for n in (1, 2, 3)] == [[failed(n, 1)] for n in (1, 2, 3)]
    await record.close()


@proves("held")
async def held_envelopes_are_replaced_listed_and_released(harness: Harness) -> None:
    store, epoch = await owned(harness)
    kept = [held(position, PARKED, partition=partition) for partition in (1, 0) for position in (5, 3)]
    steps = [Step(handling=handling(row.position, PARKED, partition=row.partition), hold=row) for row in kept]
    await submit(store, commit(epoch, *steps))
    listed = await store.held(FLOW)
    assert [(row.partition, row.position) for row in listed] == [(0, 3), (0, 5), (1, 3), (1, 5)]
    assert await store.held("another") == []
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
    for call in late:
        assert isinstance(await problem_of(call), Closed)
    await store.close()
