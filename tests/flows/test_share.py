"""Who should have which partitions: even, the same for all, and with as few moves as can be."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from interlock.flows.share import Change, change_of, is_even, targets_of
from interlock.ports.membership import Member, Roster


def roster_of(leases: dict[int, int], *epochs: int, edges: tuple[int, ...] = ()) -> Roster:
    members = [Member(epoch, f"m{epoch}", epoch not in edges) for epoch in sorted({*epochs, *edges})]
    return Roster(tuple(members), leases)


def settled(leases: dict[int, int], partitions: int, *epochs: int) -> tuple[dict[int, int], int]:
    """The leases once each member has acted often enough, and how many partitions changed hands."""
    leases = {partition: owner for partition, owner in leases.items() if owner in epochs}
    before = dict(leases)
    for _ in range(4):
        for epoch in epochs:
            mine = [partition for partition, owner in leases.items() if owner == epoch]
            surplus, wanted = change_of(roster_of(leases, *epochs), partitions, epoch, mine)
            for partition in surplus:
                del leases[partition]
            for partition in wanted:
                assert partition not in leases
                leases[partition] = epoch
    return leases, sum(leases[partition] != owner for partition, owner in before.items())


def test_one_member_has_all_and_two_have_half() -> None:
    first, _ = settled({}, 8, 1)
    assert set(first.values()) == {1}
    second, moved = settled(first, 8, 1, 2)
    assert sorted(second.values()) == [1] * 4 + [2] * 4
    assert moved == 4


def test_a_leave_moves_only_what_was_left() -> None:
    leases, _ = settled({}, 12, 1, 2, 3, 4)
    _, moved = settled(leases, 12, 1, 3, 4)
    assert moved == 0, "those who stay keep what they have"


def test_who_runs_no_flows_gets_none() -> None:
    assert change_of(roster_of({}, 1, edges=(2,)), 8, 2, ()) == Change((), ())
    assert targets_of(roster_of({}, edges=(2,)), 8) == {}
    assert change_of(roster_of({}, 1, edges=(2,)), 8, 1, ()) == Change((), tuple(range(8)))


def test_nobody_claims_what_is_another_ones_part() -> None:
    roster = roster_of({}, 1, 2)
    one, two = change_of(roster, 8, 1, ()), change_of(roster, 8, 2, ())
    assert set(one.wanted).isdisjoint(two.wanted)


@given(st.integers(1, 40), st.integers(0, 10_000))
def test_any_story_of_joins_and_leaves_ends_even_and_moves_the_least(partitions: int, seed: int) -> None:
    chance, epochs, newest = random.Random(seed), [1], 1
    leases, _ = settled({}, partitions, 1)
    for _ in range(6):
        if len(epochs) > 1 and chance.random() < 0.5:
            epochs.remove(chance.choice(epochs))
            joined = False
        else:
            newest += 1
            epochs.append(newest)
            joined = True
        leases, moved = settled(leases, partitions, *epochs)
        assert is_even(roster_of(leases, *epochs), partitions)
        assert set(leases) == set(range(partitions))
        assert moved == (partitions // len(epochs) if joined else 0), "a newcomer gets its part, and that is all"
