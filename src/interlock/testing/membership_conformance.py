"""The promises of `ports.membership.Membership`, one check each, with two processes' stores or more."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Protocol, cast

from interlock.model.problems import Fenced, SettingInvalid
from interlock.model.record import DeliveryState
from interlock.model.step import CursorMove, Step
from interlock.ports.membership import Member, Membership
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
    failed,
    handling,
    held,
    mark,
    start,
    submit,
)
from interlock.testing.steps import DEAD, DONE, PARKED, problem_of, puts, refill

MEMBERSHIP_CHECKS = Suite("Membership")
proves = MEMBERSHIP_CHECKS.proves
LEASE_SECONDS = 60.0
ALL = range(4)


class SharedStore(Store, Membership, Protocol):
    """All three ports on one object."""


async def opened(harness: Harness) -> tuple[SharedStore, SharedStore]:
    """One new store, as two processes have it open."""
    return cast("SharedStore", await harness.open()), cast("SharedStore", await harness.beside())


async def joined(store: Membership, name: str = "host:1", flows: Sequence[str] = (FLOW,), **options: Any) -> int:
    options = {"runs_flows": True, "lease_seconds": LEASE_SECONDS} | options
    return await store.join(start(), {flow: [TYPE] for flow in flows}, name, **options)


async def two(harness: Harness) -> tuple[SharedStore, SharedStore, int, int]:
    """Two processes' views of one new store, and the epoch of a member at each."""
    first, second = await opened(harness)
    return first, second, await joined(first, "host:1"), await joined(second, "host:2")


async def silent(harness: Harness, noticing: Membership, epoch: int) -> None:
    """Time goes by in which only this member beats."""
    for _ in range(2):
        await harness.pass_time(LEASE_SECONDS * 0.6)
        await noticing.beat(epoch)


async def is_fenced(call: Any) -> bool:
    return isinstance(await problem_of(call), Fenced)


@proves("one lease")
async def a_partition_is_leased_to_one_member(harness: Harness) -> None:
    """Both want all of them, again and again, at once."""
    first, second, one, other = await two(harness)
    for _ in range(4):
        mine, others = await asyncio.gather(first.claim(one, ALL), second.claim(other, [3, 2, 1, 0]))
        assert sorted([*mine, *others]) == [*ALL]
        roster = await second.beat(other)
        assert roster.leases == dict.fromkeys(mine, one) | dict.fromkeys(others, other)
        await asyncio.gather(first.release(one, ALL), second.release(other, ALL))
        assert (await first.beat(one)).leases == {}


@proves("one lease")
async def a_leased_partition_stays_with_its_member(harness: Harness) -> None:
    """As long as it beats, however long that is."""
    first, second, one, other = await two(harness)
    assert await first.claim(one, [1, 2]) == [1, 2]
    for _ in range(5):
        await harness.pass_time(LEASE_SECONDS * 0.6)
        await first.beat(one)
        await second.beat(other)
        assert await second.claim(other, [1, 2]) == []
    assert await submit(first, commit(one, Step(handling=handling(1, partition=1)))) == [None]


@proves("fenced")
async def a_silent_member_writes_nothing_once_another_noticed(harness: Harness) -> None:
    first, second, one, other = await two(harness)
    await first.claim(one, ALL)
    assert await submit(first, commit(one, Step(handling=handling(1)))) == [None]
    await silent(harness, second, other)
    assert await second.claim(other, ALL) == [*ALL]
    late = Step(handling=handling(2), result=refill("s", 1)._replace(emits=(event(9),)))
    assert await is_fenced(submit(first, commit(one, late, cursors=[CursorMove(FLOW, 0, 2)])))
    assert await is_fenced(submit(first, commit(one, Step(result=refill("s", 1)))))
    assert await second.marks_after(FLOW, 0, 0) == {1}
    assert await second.counter("stock", "s") == 0
    assert (await second.cursors(FLOW))[0] == 0
    assert await submit(second, commit(other, late)) == [None]


@proves("fenced")
async def a_commit_with_a_partition_of_another_is_refused_whole(harness: Harness) -> None:
    """Whatever in it belongs to the partition; leased to somebody else, to nobody, or given back."""
    first, second, one, other = await two(harness)
    await first.claim(one, [0, 3])
    await first.release(one, [3])
    await second.claim(other, [1])
    good = Step(handling=handling(1), result=refill("s", 1))
    for nth in (1, 2, 3):
        for step in (
            Step(handling=handling(1, partition=nth)),
            Step(failed=failed(1, 1, partition=nth)),
            Step(handling=handling(1, PARKED, partition=nth), hold=held(1, PARKED, partition=nth)),
            Step(release=mark(1, partition=nth)),
            Step(supersede=mark(1, partition=nth)),
        ):
            assert await is_fenced(submit(first, commit(one, good, step))), (nth, step)
        assert await is_fenced(submit(first, commit(one, good, cursors=[CursorMove(FLOW, nth, 1)])))
    assert await first.counter("stock", "s") == 0
    assert await first.marks_after(FLOW, 0, 0) == set()
    assert await submit(first, commit(one, good, cursors=[CursorMove(FLOW, 0, 1)])) == [None]


@proves("fenced")
async def a_fenced_member_does_not_take_others_down(harness: Harness) -> None:
    """Commits of several members reach one store at once, among appended events."""
    first, second, one, other = await two(harness)
    gone = await joined(second, "host:3")
    await second.leave(gone)
    await first.claim(one, [0])
    await second.claim(other, [1])
    wanted = [(one, 0), (gone, 0), (other, 1), (one, 1), (other, 1), (one, 0)]
    steps = [
        commit(epoch, Step(handling=handling(nth, partition=where))) for nth, (epoch, where) in enumerate(wanted, 1)
    ]
    results = await asyncio.gather(
        *(submit(first, batch) for batch in steps), append(first, [event(1)]), return_exceptions=True
    )
    assert [isinstance(result, Fenced) for result in results] == [False, True, False, True, False, False, False]
    assert await first.marks_after(FLOW, 0, 0) == {1, 6}
    assert await second.marks_after(FLOW, 1, 0) == {3, 5}


@proves("fenced")
async def steps_of_no_partition_need_a_living_member_only(harness: Harness) -> None:
    first, second, one, other = await two(harness)
    calling = puts("a")._replace(calls=(delivery("d1"), delivery("d2")))
    request = Step(result=calling, answer=answer("scope"))
    assert await submit(first, commit(one, request, Step(result=puts("tick")))) == [None, None]
    ended = Step(delivery=delivered(delivery("d1"), DeliveryState.SUCCEEDED))
    assert await submit(second, commit(other, ended)) == [None]
    await second.leave(other)
    ended = Step(delivery=delivered(delivery("d2"), DeliveryState.SUCCEEDED))
    for step in (Step(result=puts("b")), Step(answer=answer("another")), ended):
        assert await is_fenced(submit(second, commit(other, step)))
    assert await first.get("orders", "b") is None
    assert await first.answer("another", answer("another").at_us) is None
    kept = await first.delivery("d2")
    assert kept is not None
    assert kept.state is DeliveryState.PENDING


@proves("fenced")
async def who_owns_alone_ends_all_members_and_whoever_joins_ends_it(harness: Harness) -> None:
    first, second, one, other = await two(harness)
    await first.claim(one, ALL)
    alone = await second.acquire(start(), {FLOW: [TYPE]})
    assert alone > other
    assert await is_fenced(first.beat(one))
    assert await is_fenced(submit(first, commit(one, Step(handling=handling(1)))))
    assert await submit(second, commit(alone, Step(handling=handling(1, partition=3)))) == [None]
    await harness.pass_time(LEASE_SECONDS * 100)
    assert await submit(second, commit(alone, Step(handling=handling(2, partition=3)))) == [None]
    new = await joined(first)
    assert new > alone
    assert await is_fenced(submit(second, commit(alone, Step(result=puts("a")))))
    assert await first.claim(new, ALL) == [*ALL]


@proves("for good")
async def an_epoch_that_is_gone_stays_gone(harness: Harness) -> None:
    first, second, one, other = await two(harness)
    await first.claim(one, ALL)
    await silent(harness, second, other)
    for _ in range(2):
        assert await is_fenced(first.beat(one))
        assert await is_fenced(first.claim(one, ALL))
        assert await is_fenced(submit(first, commit(one, Step(result=puts("a")))))
    await first.release(one, ALL)
    await first.leave(one)
    again = await joined(first)
    assert again > other
    assert await is_fenced(first.beat(one))
    assert (await first.beat(again)).leases == {}


@proves("for good")
async def epochs_rise(harness: Harness) -> None:
    """Also past those that left, and when several join at once."""
    first, second, *epochs = await two(harness)
    await second.leave(epochs[1])
    epochs.append(await joined(first))
    epochs += sorted(await asyncio.gather(*(joined(store) for store in (first, second) * 3)))
    assert all(earlier < later for earlier, later in pairwise(epochs))


@proves("handed over whole")
async def who_claims_finds_what_the_one_before_left(harness: Harness) -> None:
    first, second, one, other = await two(harness)
    await first.claim(one, ALL)
    parked = Step(handling=handling(3, PARKED, partition=1), hold=held(3, PARKED, partition=1))
    dead = Step(handling=handling(4, DEAD, partition=1), hold=held(4, DEAD, partition=1))
    done = [Step(handling=handling(nth, partition=1), result=puts("a")) for nth in (1, 2, 6)]
    assert not any(await submit(first, commit(one, *done, parked, dead, cursors=[CursorMove(FLOW, 1, 2)])))
    await silent(harness, second, other)
    assert await second.claim(other, [1]) == [1]
    assert (await second.cursors(FLOW))[1] == 2
    assert await second.marks_after(FLOW, 1, 2) == {3, 4, 6}
    assert [(row.position, row.state) for row in await second.held(FLOW)] == [(3, PARKED), (4, DEAD)]
    final = Step(handling=handling(3, DONE, partition=1), release=mark(3, partition=1))
    assert await submit(second, commit(other, final, cursors=[CursorMove(FLOW, 1, 6)])) == [None]
    assert (await first.cursors(FLOW))[1] == 6


@proves("handed over whole")
async def partitions_go_from_hand_to_hand_under_load(harness: Harness) -> None:
    """Nothing that was answered is missing after the hand-over, and nothing comes after it."""
    first, second, one, other = await two(harness)
    hands = [(first, one), (second, other)]
    for round_ in range(6):
        store, epoch = hands[round_ % 2]
        after, next_epoch = hands[(round_ + 1) % 2]
        assert await store.claim(epoch, [0]) == [0]
        calls = [
            asyncio.create_task(submit(store, commit(epoch, Step(handling=handling(round_ * 100 + nth)))))
            for nth in range(20)
        ]
        await asyncio.sleep(0)
        await store.release(epoch, [0])
        assert await after.claim(next_epoch, [0]) == [0]
        found = await after.marks_after(FLOW, 0, round_ * 100 - 1)
        results = await asyncio.gather(*calls, return_exceptions=True)
        applied = {round_ * 100 + nth for nth, result in enumerate(results) if result == [None]}
        assert found == applied
        assert all(result == [None] or isinstance(result, Fenced) for result in results)
        await after.release(next_epoch, [0])


@proves("join")
async def who_joins_is_recorded_and_has_nothing_yet(harness: Harness) -> None:
    first, second, one, other = await two(harness)
    roster = await first.beat(one)
    assert roster.members == (Member(one, "host:1", True), Member(other, "host:2", True))
    assert roster.leases == {}
    third = await joined(second, "host:3", runs_flows=False)
    assert (await first.beat(one)).members[2:] == (Member(third, "host:3", False),)
    assert await second.claim(third, []) == []
    record = await harness.record()
    assert [row.epoch for row in await record.starts()] == [one, other, third]
    await record.close()


@proves("join")
async def a_flow_begins_when_its_first_member_joins(harness: Harness) -> None:
    first, second = await opened(harness)
    await append(first, [event(1, 1)])
    one = await joined(first)
    begun = await first.cursors(FLOW)
    assert begun[1] == first.head(1)
    place = (await append(first, [event(2, 1)]))[0]
    other = await joined(second, flows=[FLOW, "ledger"])
    assert await second.cursors(FLOW) == begun
    assert (await second.cursors("ledger"))[1] == place.position
    await first.claim(one, [0])
    await second.claim(other, [1])
    assert await is_fenced(submit(first, commit(one, cursors=[CursorMove("ledger", 0, 9)])))
    moves = [CursorMove("ledger", 1, place.position), CursorMove(FLOW, 1, place.position)]
    assert await submit(second, commit(other, cursors=moves)) == []


@proves("join")
async def mixed_settings_and_another_estate_are_refused(harness: Harness) -> None:
    first, second, one, other = await two(harness)
    problem = await problem_of(joined(first, lease_seconds=LEASE_SECONDS * 2))
    assert isinstance(problem, SettingInvalid)
    assert "lease_seconds" in str(problem)
    foreign = start()._replace(estate="another shop")
    problem = await problem_of(second.join(foreign, {}, "x", runs_flows=True, lease_seconds=LEASE_SECONDS))
    assert isinstance(problem, SettingInvalid)
    assert "another shop" in str(problem)
    assert [member.epoch for member in (await first.beat(one)).members] == [one, other]
    await first.leave(one)
    await harness.pass_time(LEASE_SECONDS * 2)
    assert await joined(first, lease_seconds=LEASE_SECONDS * 2) > other


@proves("beat")
async def a_beat_prolongs_one_and_ends_those_whose_time_is_over(harness: Harness) -> None:
    first, second, one, other = await two(harness)
    await second.claim(other, [2])
    await harness.pass_time(LEASE_SECONDS * 0.6)
    assert len((await first.beat(one)).members) == 2
    await harness.pass_time(LEASE_SECONDS * 0.6)
    roster = await first.beat(one)
    assert [member.epoch for member in roster.members] == [one]
    assert roster.leases == {}
    assert await is_fenced(second.beat(other))


@proves("claim")
async def only_what_is_free_is_claimed(harness: Harness) -> None:
    first, second, one, other = await two(harness)
    assert await first.claim(one, [3, 1]) == [1, 3]
    assert await second.claim(other, [3, 2, 1, 0]) == [0, 2]
    assert await first.claim(one, ALL) == []
    assert await first.claim(one, [99]) == []
    assert (await first.beat(one)).leases == {0: other, 1: one, 2: other, 3: one}


@proves("release")
async def only_ones_own_is_given_back(harness: Harness) -> None:
    first, second, one, other = await two(harness)
    await first.claim(one, [0, 1])
    await second.claim(other, [2, 3])
    await first.release(one, [1, 2, 3])
    assert (await second.beat(other)).leases == {0: one, 2: other, 3: other}
    assert await submit(first, commit(one, Step(handling=handling(1)))) == [None]
    assert await second.claim(other, ALL) == [1]


@proves("leave")
async def who_leaves_gives_everything_back(harness: Harness) -> None:
    first, second, one, other = await two(harness)
    await first.claim(one, ALL)
    await first.leave(one)
    await first.leave(one)
    roster = await second.beat(other)
    assert [member.epoch for member in roster.members] == [other]
    assert roster.leases == {}
    assert await second.claim(other, ALL) == [*ALL]
    assert await is_fenced(submit(first, commit(one, Step(result=puts("a")))))
