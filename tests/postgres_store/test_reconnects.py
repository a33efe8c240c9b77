"""Many processes lose a server at once: they come back spread over a while, and each asks no more than it must."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import postgres
import psycopg
import pytest

from interlock.adapters.postgres import PostgresStore, connection
from interlock.model.problems import UnavailableProblem
from interlock.testing.samples import append, event

PROCESSES = 8
SPREAD_SECONDS = 1.6


@pytest.fixture
def connects(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """When each connection was tried for, in seconds of the event loop."""
    times: list[float] = []
    genuine = connection.connect

    async def noted(*arguments: Any, **options: Any) -> Any:
        times.append(asyncio.get_running_loop().time())
        return await genuine(*arguments, **options)

    monkeypatch.setattr(connection, "connect", noted)
    monkeypatch.setattr(connection, "SPREAD_SECONDS", SPREAD_SECONDS)  # more than what a busy machine spreads by itself
    return times


@pytest.fixture
async def stores(schema: str) -> AsyncIterator[list[PostgresStore]]:
    opened = [await PostgresStore.open(postgres.database(), schema=schema) for _ in range(PROCESSES)]
    for one in opened:
        await one.get("orders", "a")
    yield opened
    for one in opened:
        await one.close()


def end_sessions() -> None:
    with psycopg.connect(postgres.database(), autocommit=True) as administrator:
        administrator.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'interlock' "
            "AND datname = current_database()"
        )


def spread(times: list[float]) -> float:
    return max(times) - min(times)


async def test_writers_come_back_one_after_the_other(stores: list[PostgresStore], connects: list[float]) -> None:
    end_sessions()

    async def write(nth: int, store: PostgresStore) -> None:
        while True:
            with suppress(UnavailableProblem):
                await append(store, [event(nth)])
                return
            await asyncio.sleep(0.01)

    await asyncio.wait_for(asyncio.gather(*(write(nth, store) for nth, store in enumerate(stores))), 30)
    assert len(connects) == PROCESSES
    assert spread(connects) > SPREAD_SECONDS / 8, "by chance, less than once in a hundred thousand runs"


async def test_readers_come_back_one_after_the_other_and_once_for_all(
    stores: list[PostgresStore], connects: list[float]
) -> None:
    end_sessions()
    asked = [store.held("flow") for store in stores for _ in range(20)]
    assert await asyncio.wait_for(asyncio.gather(*asked), 30) == [[]] * len(asked)
    assert len(connects) == PROCESSES
    assert spread(connects) > SPREAD_SECONDS / 8


async def test_who_asks_a_server_that_is_away_waits_for_one_try(
    stores: list[PostgresStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = 0

    async def away(*_: Any, **__: Any) -> Any:
        nonlocal tries
        tries += 1
        await asyncio.sleep(0.2)
        raise UnavailableProblem("away")

    end_sessions()
    monkeypatch.setattr(connection, "connect", away)
    begun = asyncio.get_running_loop().time()
    found = await asyncio.gather(*(stores[0].held("flow") for _ in range(50)), return_exceptions=True)
    assert all(isinstance(one, UnavailableProblem) for one in found)
    assert tries <= 2
    assert asyncio.get_running_loop().time() - begun < 50 * 0.2
