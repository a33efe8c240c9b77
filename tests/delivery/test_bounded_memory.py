"""Chance against the lanes: rows that come and go while stale pages of the store are being sorted in."""

from __future__ import annotations

import random

import pytest

from delivery.scripted import Bench, row, settle, system
from interlock.delivery.lane import END, Lane
from interlock.delivery.limits import DeliveryLimits
from interlock.model.record import DeliveryRow, DeliveryState
from interlock.model.retry import RetrySchedule

SYSTEMS = ("payments", "warehouse", "finance")
RETRIES = 3


@pytest.mark.parametrize("seed", range(25))
async def test_each_attempt_is_made_once_and_none_is_forgotten(bench: Bench, seed: int) -> None:
    """A delivery that succeeds at attempt n makes n attempts, however stale the pages are and however small the lanes.

    Planted bugs that this finds: dropping what came during a page (`_late`), not drawing the horizon in after a cut.
    """
    chance = random.Random(seed)
    retry = RetrySchedule((0.5,) * RETRIES, jitter=0.5)
    bench.systems = {name: system(name, retry=retry, concurrency=chance.randint(1, 4)) for name in SYSTEMS}
    bench.limits = DeliveryLimits(rows=chance.choice([6, 30]), page_rows=chance.randint(3, 9), breaker_failures=10_000)
    succeeds_at = {f"d{n:06d}": chance.randint(1, RETRIES + 1) for n in range(200)}
    bench.client.script = lambda one, nth: 200 if nth >= succeeds_at[one] else 500
    _make_stale(bench, chance)
    rows = [row(n, due_us=chance.randint(0, 5), system=chance.choice(SYSTEMS)) for n in range(200)]
    await bench.ask(*rows[:100])
    deliverer = bench.deliverer()
    await deliverer.start()
    for one in rows[100:]:
        deliverer.enqueue(await bench.ask(one))
        await bench.clock.advance(chance.choice([0, 0, 0.3]))
        assert deliverer.in_memory <= bench.limits.rows
    for _ in range(2000):
        if len(bench.client.sent) >= sum(succeeds_at.values()):
            break
        await bench.clock.advance(0.5)
    await bench.clock.advance(60)  # time for one too many
    assert set(await bench.states(succeeds_at)) == {DeliveryState.SUCCEEDED}
    assert {one: bench.client.ids.count(one) for one in succeeds_at} == succeeds_at


def _make_stale(bench: Bench, chance: random.Random) -> None:
    """Pages arrive some turns of the loop after they were read."""
    real = bench.store.pending_deliveries

    async def stale(after_due_us: int, after_id: str, limit: int, _: object) -> list[DeliveryRow]:
        page: list[DeliveryRow] = await real(after_due_us, after_id, limit)
        await settle(chance.randint(0, 60))
        return page

    bench.store.pending_deliveries = stale


def filled(limit: int) -> Lane:
    lane = Lane("payments.charge", 1, limit, 1 << 20)
    lane.begin_scan()
    lane.take_page([row(n) for n in range(4)], END)
    return lane


def test_a_cut_draws_the_horizon_in() -> None:
    lane = filled(8)
    for number in range(4, 9):
        lane.offer(row(number))
    assert (len(lane), lane.horizon) == (6, (0, "d000005"))
    lane.offer(row(7))
    assert len(lane) == 6, "beyond the horizon, so the store keeps it"
    assert not lane.wants_rows, "and it is asked for when there is room"
    while len(lane) > 2:
        lane.finish(lane.pop().id)
    assert lane.wants_rows


def test_a_row_is_known_once() -> None:
    lane = filled(8)
    lane.offer(row(1))
    assert len(lane) == 4
    out = lane.pop()
    lane.offer(out)
    assert len(lane) == 3, "it is on its way"
    lane.finish(out.id)
    lane.offer(out)
    assert len(lane) == 4


def test_a_stale_page_does_not_bring_back_what_ended_meanwhile() -> None:
    lane = Lane("payments.charge", 1, 4, 1 << 20)
    lane.begin_scan()
    lane.take_page([row(9)], END)
    out = lane.pop()
    for number in range(1, 6):
        lane.offer(row(number))  # all before it: the cut draws the horizon in past the row that is out
    assert lane.horizon < (0, out.id)
    while len(lane) > 1:
        lane.finish(lane.pop().id)
    lane.begin_scan()
    lane.finish(out.id)
    lane.take_page([row(4), row(5), out], END)
    assert [lane.pop().id for _ in range(len(lane))] == ["d000003", "d000004", "d000005"]


def test_a_page_that_is_too_much_is_cut_to_the_earliest() -> None:
    lane = Lane("payments.charge", 1, 4, 1 << 20)
    lane.begin_scan()
    lane.take_page([row(n) for n in (8, 3, 6, 1, 9, 7)], END)
    assert lane.horizon == (0, "d000006")
    assert [lane.pop().id for _ in range(len(lane))] == ["d000001", "d000003", "d000006"]
