"""The HTTP client by itself, and the deliverer with it, against a real server that is faulty on purpose."""

from __future__ import annotations

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator

import pytest

from delivery.faulty_target import Behaviour, FaultyTarget, answer, cut, slow, trickle
from delivery.scripted import BODY, SECRET, Bench, row, system, until
from interlock.adapters.aiohttp_client import AiohttpClient
from interlock.delivery.webhook_signature import SigningKeys, Verdict
from interlock.model.problems import Closed, TargetUnavailable
from interlock.model.record import DeliveryState
from interlock.model.retry import RetrySchedule
from interlock.testing.fake_clock import START_US


@pytest.fixture
async def client() -> AsyncIterator[AiohttpClient]:
    made = AiohttpClient(body_bytes=10_000)
    yield made
    await made.close()


async def code_of(client: AiohttpClient, url: str, seconds: float = 2.0, method: str = "POST") -> str:
    with pytest.raises(TargetUnavailable) as caught:
        await client.send(method, url, {}, b"{}", seconds)
    assert url not in caught.value.detail
    return caught.value.detail.partition(":")[0]


async def test_an_answer_comes_whole(client: AiohttpClient) -> None:
    async with FaultyTarget(answer(201, b'{"a":1}', X_Thing="Y")) as target:
        got = await client.send("PUT", target.url + "/x?y=1", {"A": "b"}, b"body", 2)
    assert (got.status, got.body, got.headers["x-thing"]) == (201, b'{"a":1}', "Y")
    [received] = target.received
    assert (received.method, received.path, received.body) == ("PUT", "/x?y=1", b"body")
    assert received.headers["a"] == "b"
    assert "cookie" not in received.headers


async def test_redirects_are_answers(client: AiohttpClient) -> None:
    async with FaultyTarget(answer(307, location="/elsewhere")) as target:
        assert (await client.send("POST", target.url, {}, b"", 2)).status == 307
    assert len(target.received) == 1


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        (slow(5), "timeout"),
        (cut(), "disconnected"),
        (cut(after_headers=True), "disconnected"),
        (trickle(20, 1000), "body_too_large"),
        (answer(200, b"x" * 10_001), "body_too_large"),
        (answer(200, gzip.compress(b"x" * 5_000_000), content_encoding="gzip"), "body_too_large"),
    ],
)
async def test_failures_have_codes(client: AiohttpClient, behaviour: Behaviour, code: str) -> None:
    async with FaultyTarget(behaviour) as target:
        patience_seconds = 0.3 if code == "timeout" else 20  # a busy machine must not look like a slow target
        assert await code_of(client, target.url, patience_seconds) == code


async def test_nobody_there(client: AiohttpClient) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, never listening: refused
        assert await code_of(client, f"http://127.0.0.1:{taken.getsockname()[1]}") == "connect"
    assert await code_of(client, "http://does-not-exist.invalid") == "dns"
    assert await code_of(client, "not an address") == "connect"


async def test_no_hidden_resend_even_of_an_idempotent_method(client: AiohttpClient) -> None:
    """aiohttp alone would send a PUT twice when a pooled connection dies."""
    async with FaultyTarget(answer(200), cut(), answer(200)) as target:
        await client.send("PUT", target.url, {}, b"", 2)
        assert await code_of(client, target.url, method="PUT") == "disconnected"
        assert len(target.received) == 2


async def test_after_close(client: AiohttpClient) -> None:
    await client.close()
    with pytest.raises(Closed):
        await client.send("POST", "http://127.0.0.1:1", {}, b"", 1)


FAULTS: list[Behaviour] = [
    slow(5),
    answer(500),
    cut(),
    answer(503, retry_after="2"),
    cut(True),
    answer(302),
    answer(201),
]


async def test_a_delivery_gets_through_every_fault(bench: Bench, client: AiohttpClient) -> None:
    async with FaultyTarget(*FAULTS) as target:
        retry = RetrySchedule((1,) * 8, jitter=0)
        bench.systems = {"payments": system(base_url=target.url + "/v1/", timeout_seconds=0.3, retry=retry)}
        deliverer = bench.deliverer(client)
        await deliverer.start()
        deliverer.enqueue(await bench.ask(row(1)))
        await until(lambda: len(target.received) == 1 and deliverer.in_flight == 0)
        for _ in range(7):
            await bench.clock.advance(1)
            await until(lambda: deliverer.in_flight == 0)
        assert (await bench.state("d000001")).state is DeliveryState.SUCCEEDED
    attempts = await bench.store.attempts_of("d000001")
    assert [attempt.status or attempt.error for attempt in attempts] == [
        "timeout", 500, "disconnected", 503, "disconnected", 302, 201,
    ]  # fmt: skip
    assert [(attempt.at_us - START_US) // 1_000_000 for attempt in attempts] == [0, 1, 2, 3, 5, 6, 7]
    assert {received.headers["idempotency-key"] for received in target.received} == {'"key-1"'}
    assert {received.headers["webhook-id"] for received in target.received} == {"d000001"}
    for received, attempt in zip(target.received, attempts, strict=True):
        now_seconds = attempt.at_us / 1_000_000
        assert received.path == "/v1/charges"
        assert received.headers["content-type"] == "application/json"
        assert SigningKeys.parse(SECRET).verify(received.headers, received.body, now_seconds, 1) is Verdict.VALID
        assert received.body == BODY


@pytest.mark.parametrize("status", [400, 404, 410, 422])
async def test_other_4xx_are_final(bench: Bench, client: AiohttpClient, status: int) -> None:
    async with FaultyTarget(answer(status)) as target:
        bench.systems = {"payments": system(base_url=target.url)}
        deliverer = bench.deliverer(client)
        await deliverer.start()
        deliverer.enqueue(await bench.ask(row(1)))
        await until(lambda: len(target.received) == 1 and deliverer.in_flight == 0)
        await bench.clock.advance(10_000)
        assert (await bench.state("d000001")).state is DeliveryState.REFUSED
        assert len(target.received) == 1


async def test_a_slow_system_holds_up_no_other(bench: Bench, client: AiohttpClient) -> None:
    async with FaultyTarget(slow(1.0)) as crawling, FaultyTarget(answer(200)) as quick:
        bench.systems = {
            "payments": system(base_url=crawling.url, concurrency=2),
            "warehouse": system("warehouse", base_url=quick.url, concurrency=2),
        }
        deliverer = bench.deliverer(client)
        await deliverer.start()
        deliverer.enqueue(await bench.ask(*(row(n) for n in range(50))))
        deliverer.enqueue(await bench.ask(*(row(n, system="warehouse") for n in range(50, 80))))
        began = asyncio.get_running_loop().time()
        await until(lambda: len(quick.received) == 30)
        assert asyncio.get_running_loop().time() - began < 0.9
        await deliverer.drain(0)


async def test_draining_the_client_under_way_settles_nothing(bench: Bench, client: AiohttpClient) -> None:
    async with FaultyTarget(slow(5)) as target:
        bench.systems = {"payments": system(base_url=target.url)}
        deliverer = bench.deliverer(client)
        await deliverer.start()
        deliverer.enqueue(await bench.ask(row(1)))
        await until(lambda: len(target.received) == 1)
        await client.close()
        await until(lambda: deliverer.in_flight == 0)
        assert (await bench.state("d000001")).state is DeliveryState.PENDING
        assert deliverer.failure is None
