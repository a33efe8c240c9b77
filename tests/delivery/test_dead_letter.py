"""Sending a dead-lettered delivery again, and giving one up."""

from __future__ import annotations

import pytest

from delivery.scripted import BODY, Bench, row, settle
from interlock.delivery.dead_letter import discard, redrive
from interlock.flows.dead_letter_log import DeadLetterLog
from interlock.model.problems import BusinessConflict, NotFound
from interlock.model.record import DeliveryState
from interlock.testing.seeded_ids import SeededIds


async def dead(bench: Bench) -> None:
    bench.client.script = lambda _id, _n: 500
    deliverer = bench.deliverer()
    await deliverer.start()
    deliverer.enqueue(await bench.ask(row(1)))
    await bench.clock.advance(1000)
    await deliverer.drain(0)


async def test_each_is_told_once_it_is_one(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.client.script = lambda _id, _n: 500
    deliverer = bench.deliverer()
    letters = DeadLetterLog(bench.clock)
    deliverer.on_dead_letter = letters.delivery
    await deliverer.start()
    deliverer.enqueue(await bench.ask(*(row(number) for number in range(1, 25))))
    await bench.clock.advance(10_000)
    await deliverer.drain(0)
    letters.end()
    single = [record for record in caplog.records if record.msg == "delivery.dead_letter"]
    assert len(single) == 20
    told = vars(single[0])
    assert (told["status"], told["code"], told["attempts"]) == (500, None, 3)
    assert told["delivery"].startswith("d0000")
    (rest,) = [record for record in caplog.records if record.msg == "delivery.dead_letters"]
    assert (vars(rest)["count"], vars(rest)["code"]) == (4, "500")


async def test_a_redrive_is_a_new_delivery_with_the_same_key(bench: Bench) -> None:
    await dead(bench)
    bench.client.script = lambda _id, _n: 200
    deliverer = bench.deliverer()
    await deliverer.start()
    fresh = await redrive(bench.store, bench.clock, SeededIds(2), bench.epoch, "d000001")
    deliverer.enqueue([fresh])
    await settle()
    assert await bench.states(["d000001", fresh.id]) == [DeliveryState.DISCARDED, DeliveryState.SUCCEEDED]
    assert {sent["idempotency-key"] for sent in bench.client.sent} == {'"key-1"'}
    assert bench.client.ids[-1] == fresh.id != "d000001"
    assert (await bench.state(fresh.id)).attempts == 1
    assert len(await bench.store.attempts_of("d000001")) == 3, "the first one's attempts stay on record"


async def test_only_dead_ones_and_only_once(bench: Bench) -> None:
    await dead(bench)
    await discard(bench.store, bench.clock, SeededIds(2), bench.epoch, "d000001")
    assert (await bench.state("d000001")).body == BODY
    with pytest.raises(BusinessConflict, match="discarded"):
        await redrive(bench.store, bench.clock, SeededIds(2), bench.epoch, "d000001")
    with pytest.raises(BusinessConflict):
        await discard(bench.store, bench.clock, SeededIds(2), bench.epoch, "d000001")
    with pytest.raises(NotFound):
        await discard(bench.store, bench.clock, SeededIds(2), bench.epoch, "nope")
