"""The deliverer on a memory store, a scripted target and a clock that the test moves."""

from __future__ import annotations

import asyncio
import base64

import msgspec
import pytest

from delivery.scripted import BODY, SECRET, TRACE, Bench, row, settle, system, until
from interlock.delivery.limits import DeliveryLimits
from interlock.delivery.targets import targets_of
from interlock.delivery.webhook_signature import SigningKeys, Verdict
from interlock.model.problems import Fenced, SettingInvalid, StorageUnavailable, TooManyRequests
from interlock.model.record import DeliveryState, StartRow
from interlock.model.retry import RetrySchedule
from interlock.ports.http_client import HttpAnswer
from interlock.sdk.reply import Reply
from interlock.testing.fake_clock import START_US

S = DeliveryState


async def test_success_is_one_signed_call_one_attempt_and_one_reply(bench: Bench) -> None:
    bench.client.script = lambda _id, _n: HttpAnswer(201, {}, b'{"charge":"ch_1"}')
    deliverer = bench.deliverer()
    await deliverer.start()
    deliverer.enqueue(await bench.ask(row(1)))
    await settle()
    settled = await bench.state("d000001")
    assert (settled.state, settled.attempts, settled.body) == (S.SUCCEEDED, 1, None)
    [attempt] = await bench.store.attempts_of("d000001")
    assert (attempt.attempt, attempt.status, attempt.error) == (1, 201, None)
    [sent] = bench.client.sent
    assert sent["idempotency-key"] == '"key-1"'
    assert sent["traceparent"] == TRACE
    assert sent["content-type"] == "application/json"
    assert SigningKeys.parse(SECRET).verify(sent, BODY, START_US / 1_000_000) is Verdict.VALID
    assert bench.client.urls == ["http://payments.test/charges"]
    [stored] = (await bench.store.read(0, 0, 10)).events
    event = stored.event
    assert (event.id, event.source, event.type) == ("d000001", "system:payments", "reply:payments.charge")
    assert (event.correlation, event.causation, event.key_hash, event.trace) == ("c1", "d000001", 1, TRACE)
    reply = msgspec.json.decode(event.body, type=Reply)
    assert reply == Reply("payments.charge", 201, {"amount": "12.10"}, {"charge": "ch_1"})


async def test_refusal_is_final_and_replied(bench: Bench) -> None:
    bench.client.script = lambda _id, _n: HttpAnswer(402, {}, b"card declined")
    deliverer = bench.deliverer()
    await deliverer.start()
    deliverer.enqueue(await bench.ask(row(1)))
    await settle()
    assert (await bench.state("d000001")).state is S.REFUSED
    [stored] = (await bench.store.read(0, 0, 10)).events
    reply = msgspec.json.decode(stored.event.body, type=Reply)
    assert (reply.status, reply.ok, reply.answer) == (402, False, None)


async def test_no_reply_without_a_flow_that_waits_for_it(bench: Bench) -> None:
    bench.replies = frozenset()
    deliverer = bench.deliverer()
    await deliverer.start()
    deliverer.enqueue(await bench.ask(row(1)))
    await settle()
    assert (await bench.state("d000001")).state is S.SUCCEEDED
    assert (await bench.store.read(0, 0, 10)).events == []


async def test_retries_keep_key_and_id_and_follow_the_schedule(bench: Bench) -> None:
    bench.client.script = lambda _id, nth: 503 if nth == 1 else "timeout" if nth == 2 else 200
    deliverer = bench.deliverer()
    await deliverer.start()
    deliverer.enqueue(await bench.ask(row(1)))
    await settle()
    pending = await bench.state("d000001")
    assert (pending.state, pending.attempts, pending.due_us) == (S.PENDING, 1, START_US + 5_000_000)
    await bench.clock.advance(4.9)
    assert len(bench.client.sent) == 1
    await bench.clock.advance(0.1)
    assert len(bench.client.sent) == 2
    await bench.clock.advance(300)
    assert (await bench.state("d000001")).state is S.SUCCEEDED
    attempts = await bench.store.attempts_of("d000001")
    assert [(a.attempt, a.status, a.error) for a in attempts] == [(1, 503, None), (2, None, "timeout"), (3, 200, None)]
    first, second, third = bench.client.sent
    for name in ("idempotency-key", "webhook-id", "traceparent"):
        assert first[name] == second[name] == third[name]
    assert int(second["webhook-timestamp"]) - int(first["webhook-timestamp"]) == 5
    assert first["webhook-signature"] != second["webhook-signature"]


async def test_an_exhausted_schedule_is_a_dead_letter_without_a_reply(bench: Bench) -> None:
    bench.client.script = lambda _id, _n: 500
    deliverer = bench.deliverer()
    await deliverer.start()
    deliverer.enqueue(await bench.ask(row(1)))
    await bench.clock.advance(1000)
    dead = await bench.state("d000001")
    assert (dead.state, dead.attempts, dead.body) == (S.DEAD, 3, BODY)
    assert len(await bench.store.attempts_of("d000001")) == 3
    assert (await bench.store.read(0, 0, 10)).events == []


@pytest.mark.parametrize(("asked", "seconds"), [("60", 60), ("1", 5), ("Thu, 01 Jan 2026 00:01:00 GMT", 60)])
async def test_retry_after_lengthens_the_wait_only(bench: Bench, asked: str, seconds: int) -> None:
    bench.client.script = lambda _id, _n: HttpAnswer(429, {"retry-after": asked}, b"")
    deliverer = bench.deliverer()
    await deliverer.start()
    deliverer.enqueue(await bench.ask(row(1)))
    await settle()
    assert (await bench.state("d000001")).due_us == START_US + seconds * 1_000_000


async def test_jitter_spreads_retries(bench: Bench) -> None:
    bench.systems = {"payments": system(retry=RetrySchedule((10,), jitter=0.5))}
    bench.limits = DeliveryLimits(breaker_failures=1000)
    bench.client.script = lambda _id, _n: 500
    deliverer = bench.deliverer()
    await deliverer.start()
    rows = await bench.ask(*(row(n) for n in range(40)))
    deliverer.enqueue(rows)
    await settle(500)
    due = {(await bench.state(one.id)).due_us - START_US for one in rows}
    assert len(due) == 40
    assert 5_000_000 <= min(due) < 8_000_000 < 12_000_000 < max(due) <= 15_000_000


async def test_restart_takes_up_what_is_pending_in_order(bench: Bench) -> None:
    bench.systems = {"payments": system(concurrency=1)}
    bench.limits = DeliveryLimits(page_rows=7)
    numbers = [5, 3, 9, 1, 7, *range(20, 60)]
    await bench.ask(*(row(n, due_us=1000 - n) for n in numbers))
    deliverer = bench.deliverer()
    await deliverer.start()
    await settle(2000)
    assert bench.client.ids == [f"d{n:06d}" for n in sorted(numbers, reverse=True)]
    assert set(await bench.states(bench.client.ids)) == {S.SUCCEEDED}


async def test_memory_is_bounded_and_nothing_is_left_behind(bench: Bench) -> None:
    bench.systems = {"payments": system(concurrency=3), "warehouse": system("warehouse", concurrency=3)}
    bench.limits = DeliveryLimits(rows=40, page_rows=10)
    await bench.ask(*(row(n) for n in range(300)))
    deliverer = bench.deliverer()
    await deliverer.start()
    most = 0
    for number in range(300, 500):  # a flood that comes while the store is being read
        deliverer.enqueue(await bench.ask(row(number, system="payments" if number % 2 else "warehouse")))
        await settle(2)
        most = max(most, deliverer.in_memory)
    for _ in range(400):
        await settle(20)
        most = max(most, deliverer.in_memory)
    assert most <= 40
    assert sorted(bench.client.ids) == [f"d{n:06d}" for n in range(500)]
    assert deliverer.in_flight == 0


async def test_large_bodies_count_too(bench: Bench) -> None:
    bench.systems = {"payments": system(concurrency=2)}
    bench.limits = DeliveryLimits(rows=1000, body_bytes=100_000, page_rows=5)
    rows = await bench.ask(*(row(n, body=b'"' + b"x" * 30_000 + b'"') for n in range(50)))
    deliverer = bench.deliverer()
    await deliverer.start()
    deliverer.enqueue(rows)
    most = 0
    for _ in range(200):
        await settle(10)
        most = max(most, deliverer.in_memory)
    assert most <= 3
    assert sorted(bench.client.ids) == [one.id for one in rows]


async def test_concurrency_per_operation_and_in_total(bench: Bench) -> None:
    bench.systems = {name: system(name, concurrency=4) for name in ("payments", "warehouse", "finance")}
    bench.limits = DeliveryLimits(concurrency=10)
    bench.client.gate.clear()
    deliverer = bench.deliverer()
    await deliverer.start()
    deliverer.enqueue(await bench.ask(*(row(n) for n in range(20))))
    await settle()
    assert bench.client.out == 4
    deliverer.enqueue(await bench.ask(*(row(n, system="warehouse") for n in range(20, 40))))
    deliverer.enqueue(await bench.ask(*(row(n, system="finance") for n in range(40, 60))))
    await settle()
    assert (bench.client.out, deliverer.in_flight) == (10, 10)
    bench.client.gate.set()
    await settle(2000)
    assert len(bench.client.sent) == 60
    assert bench.client.most_out == 10


async def test_the_breaker_spares_the_system_and_the_attempts(bench: Bench) -> None:
    bench.systems = {"payments": system(concurrency=1), "warehouse": system("warehouse")}
    bench.limits = DeliveryLimits(breaker_failures=3, breaker_seconds=60, breaker_ceiling_seconds=1000)
    down = True
    bench.client.script = lambda delivery, _n: 500 if down and delivery < "d000100" else 200
    deliverer = bench.deliverer()
    await deliverer.start()
    deliverer.enqueue(await bench.ask(*(row(n) for n in range(10))))
    deliverer.enqueue(await bench.ask(row(100, system="warehouse")))
    await bench.clock.advance(29)
    assert bench.client.ids.count("d000100") == 1, "another system is not held up"
    assert len(bench.client.sent) == 3 + 1
    assert deliverer.breakers() == {"payments": "open", "warehouse": "closed"}
    assert sum([(await bench.state(f"d{n:06d}")).attempts for n in range(10)]) == 3
    while len(bench.client.sent) == 3 + 1:
        await bench.clock.advance(1)
    assert 30 <= bench.clock.monotonic_us() / 1_000_000 <= 91, "half the pause to one and a half"
    await bench.clock.advance(58)
    assert len(bench.client.sent) == 3 + 1 + 1, "one probe, and twice the pause after it failed"
    down = False
    await bench.clock.advance(1000)
    assert deliverer.breakers()["payments"] == "closed"
    assert set(await bench.states(f"d{n:06d}" for n in range(10))) == {S.SUCCEEDED}


async def test_a_store_that_hesitates_costs_no_second_call(bench: Bench) -> None:
    real, problems = bench.store.submit, [StorageUnavailable("Locked."), TooManyRequests("Full."), None]

    def hesitant(commit, done):  # type: ignore[no-untyped-def]
        problem = problems.pop(0)
        if problem is None:
            real(commit, done)
        else:
            done(None, problem)

    deliverer = bench.deliverer()
    await deliverer.start()
    rows = await bench.ask(row(1))
    bench.store.submit = hesitant
    deliverer.enqueue(rows)
    await bench.clock.advance(10)
    assert problems == []
    assert len(bench.client.sent) == 1
    assert (await bench.state("d000001")).state is S.SUCCEEDED


async def test_a_newer_owner_stops_it(bench: Bench) -> None:
    deliverer = bench.deliverer()
    told = []
    deliverer.on_failure = told.append
    await deliverer.start()
    rows = await bench.ask(row(1), row(2))
    await bench.store.acquire(StartRow(0, 0, "test", "shop", "aa", "bb"), {})
    deliverer.enqueue(rows[:1])
    await settle()
    assert isinstance(deliverer.failure, Fenced)
    assert told == [deliverer.failure]
    assert (await bench.state("d000001")).state is S.PENDING
    deliverer.enqueue(rows[1:])
    await settle()
    assert bench.client.ids == ["d000001"], "nothing more leaves"


async def test_drain_waits_and_then_breaks_off(bench: Bench) -> None:
    bench.client.gate.clear()
    deliverer = bench.deliverer()
    await deliverer.start()
    deliverer.enqueue(await bench.ask(row(1)))
    await settle()
    draining = asyncio.create_task(deliverer.drain(10))
    await bench.clock.advance(9)
    assert not draining.done()
    deliverer.enqueue(await bench.ask(row(2)))
    await bench.clock.advance(1)
    await draining
    assert deliverer.in_flight == 0
    assert bench.client.ids == ["d000001"]
    assert await bench.states(["d000001", "d000002"]) == [S.PENDING, S.PENDING], "tried again after a restart"


async def test_drain_lets_what_is_out_end(bench: Bench) -> None:
    bench.client.gate.clear()
    deliverer = bench.deliverer()
    await deliverer.start()
    deliverer.enqueue(await bench.ask(row(1)))
    await settle()
    draining = asyncio.create_task(deliverer.drain(10))
    await settle()
    bench.client.gate.set()
    await until(draining.done)
    assert (await bench.state("d000001")).state is S.SUCCEEDED


async def test_an_operation_that_the_estate_lost_is_a_dead_letter(bench: Bench) -> None:
    deliverer = bench.deliverer()
    await deliverer.start()
    deliverer.enqueue(await bench.ask(row(1, system="fax")))
    await settle()
    assert (await bench.state("d000001")).state is S.DEAD
    [attempt] = await bench.store.attempts_of("d000001")
    assert attempt.error == "unknown_operation"


async def test_a_row_that_cannot_be_sent_holds_up_nobody(bench: Bench) -> None:
    deliverer = bench.deliverer()
    await deliverer.start()
    deliverer.enqueue(await bench.ask(row(1, idempotency_key="naïve"), row(2)))
    await bench.clock.advance(1000)
    assert await bench.states(["d000001", "d000002"]) == [S.DEAD, S.SUCCEEDED]
    assert {a.error for a in await bench.store.attempts_of("d000001")} == {"unexpected"}


async def test_a_forged_trace_context_is_not_passed_on(bench: Bench) -> None:
    deliverer = bench.deliverer()
    await deliverer.start()
    deliverer.enqueue(await bench.ask(row(1, trace="00-x\r\nevil: 1")))
    await settle()
    assert "traceparent" not in bench.client.sent[0]


async def test_a_hostile_answer_is_no_json(bench: Bench) -> None:
    bench.client.script = lambda _id, _n: HttpAnswer(200, {}, b"[" * 500 + b"]" * 500)
    deliverer = bench.deliverer()
    await deliverer.start()
    deliverer.enqueue(await bench.ask(row(1)))
    await settle()
    [stored] = (await bench.store.read(0, 0, 10)).events
    assert msgspec.json.decode(stored.event.body, type=Reply).answer is None


async def test_no_secret_and_no_body_in_log_or_repr(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    bench.client.script = lambda _id, _n: 500
    bench.limits = DeliveryLimits(breaker_failures=1)
    deliverer = bench.deliverer()
    await deliverer.start()
    deliverer.enqueue(await bench.ask(row(1), row(2, idempotency_key="naïve")))
    await bench.clock.advance(1000)
    shown = caplog.text + repr(deliverer) + repr(vars(deliverer)["_targets"])
    assert "breaker_opened" in shown
    key = SECRET.removeprefix("whsec_")
    for secret in (key, base64.b64decode(key).hex(), "12.10"):
        assert secret not in shown


async def test_a_missing_secret_is_said_at_once(bench: Bench) -> None:
    with pytest.raises(SettingInvalid, match="PAYMENTS_SECRET"):
        targets_of(bench.systems, {})
