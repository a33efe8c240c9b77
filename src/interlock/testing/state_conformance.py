"""The promises of `ports.state_store.StateStore`, one check each."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from interlock.model.handling import HandlingState
from interlock.model.problems import (
    AlreadyHandled,
    CounterRefused,
    Fenced,
    Problem,
    StaleRead,
    TooManyRequests,
)
from interlock.model.step import Add, CursorMove, Put, Read, Step, StepResult
from interlock.testing.conformance import Harness, Store, Suite
from interlock.testing.samples import (
    FLOW,
    TYPE,
    answer,
    append,
    commit,
    delivery,
    event,
    failed,
    handling,
    held,
    ids_in,
    mark,
    start,
    submit,
)
from interlock.testing.steps import DEAD, DONE, PARKED, kinds, owned, problem_of, puts, refill, take

STATE_CHECKS = Suite("StateStore")
proves = STATE_CHECKS.proves


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
async def a_failed_attempt_is_recorded_once(harness: Harness) -> None:
    """Who sends a step again, because the answer to it was lost, is told so: also where the handling is not final."""
    store, epoch = await owned(harness)
    parked = Step(handling=handling(1, PARKED), hold=held(1, PARKED), failed=failed(1, 1))
    assert await submit(store, commit(epoch, parked)) == [None]
    assert kinds(await submit(store, commit(epoch, parked))) == [AlreadyHandled]
    assert await submit(store, commit(epoch, Step(handling=handling(1, PARKED), failed=failed(1, 2)))) == [None]


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
