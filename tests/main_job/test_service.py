"""The demo systems over HTTP: signature, key, and each kind of bad luck."""

from __future__ import annotations

import time
from pathlib import Path

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from demo.systems import service as service_module
from demo.systems.books import Books
from demo.systems.faults import Fault, Luck
from demo.systems.service import Service
from demo.systems.signature import SignatureVerifier
from demo.systems.trade import routes
from main_job.test_signature import SECRET, signed

BODY = b'{"order_id": "1", "amount": "5.00", "currency": "GBP"}'


class Scripted(Luck):
    def __init__(self, *faults: Fault) -> None:
        self._faults = list(faults)

    def draw(self, key: str) -> Fault:
        return self._faults.pop(0) if self._faults else Fault.NONE


class Caller:
    def __init__(self, server: TestServer, session: aiohttp.ClientSession, books: Books) -> None:
        self.url = f"http://{server.host}:{server.port}/charges"
        self.session = session
        self.books = books

    async def charge(self, key: str = '"k"', **headers: str) -> tuple[int, object]:
        fresh = {**signed(BODY, int(time.time())), "Idempotency-Key": key, **headers}
        limit = aiohttp.ClientTimeout(total=0.5)
        async with self.session.post(self.url, data=BODY, headers=fresh, timeout=limit) as response:
            return response.status, await response.json()

    @property
    def charges(self) -> int:
        return len(self.books.entries("1", "charge"))


async def calling(folder: Path, *faults: Fault):  # type: ignore[no-untyped-def]
    books = Books(folder / "payments.db")
    service = Service(books, Scripted(*faults), SignatureVerifier(SECRET))
    async with TestServer(service.application(routes("payments", 1, 0))) as server, aiohttp.ClientSession() as session:
        yield Caller(server, session, books)
    books.close()


async def test_a_good_call_twice_is_one_charge(tmp_path: Path) -> None:
    async for caller in calling(tmp_path):
        first = await caller.charge()
        assert first == (201, {"payment_id": "ch_1"})
        assert await caller.charge("k") == first  # quoted or bare, it is the same key
        assert caller.charges == 1


async def test_unsigned_and_keyless_calls_are_refused(tmp_path: Path) -> None:
    async for caller in calling(tmp_path):
        assert (await caller.charge(**{"webhook-signature": "v1,AAAA"}))[0] == 401
        assert (await caller.charge(""))[0] == 400
        assert caller.charges == 0


async def test_errors_come_before_any_effect(tmp_path: Path) -> None:
    async for caller in calling(tmp_path, Fault.ERROR, Fault.BUSY):
        assert (await caller.charge())[0] == 500
        assert (await caller.charge())[0] == 503
        assert caller.charges == 0
        assert (await caller.charge())[0] == 201


@pytest.mark.parametrize("fault", [Fault.LOST_ANSWER, Fault.HANG])
async def test_lost_answers_come_after_the_effect(
    fault: Fault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_module, "HANG_SECONDS", 0.8)
    async for caller in calling(tmp_path, fault):
        with pytest.raises((aiohttp.ClientError, TimeoutError)):
            await caller.charge()
        assert caller.charges == 1
        assert (await caller.charge()) == (201, {"payment_id": "ch_1"})
        assert caller.charges == 1


def test_luck_is_by_seed() -> None:
    def draws(seed: int) -> list[Fault]:
        luck = Luck(seed, 1.0)
        return [luck.draw(f"key{n % 50}") for n in range(2000)]

    assert draws(1) == draws(1) != draws(2)
    assert set(draws(1)) == set(Fault)
    assert {Luck(1, 0).draw(str(n)) for n in range(100)} == {Fault.NONE}
