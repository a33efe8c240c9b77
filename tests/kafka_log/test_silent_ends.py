"""What runs in the background of the log, and raises what nobody foresaw, is heard of."""

from __future__ import annotations

import asyncio
from typing import Any

import kafka
import pytest

from interlock.adapters.kafka.decoding import Decoder
from interlock.adapters.kafka.transactions import Transactions
from interlock.model.lasting_task import problem_in
from interlock.testing.samples import append, event, events

from .conftest import Opener


class Planted(Exception):
    pass


def planted(*arguments: Any) -> Any:
    raise Planted


async def heard_of(told: list[dict[str, Any]]) -> str:
    async with asyncio.timeout(10):
        while not told:  # noqa: ASYNC110 - it comes from a thread
            await asyncio.sleep(0.005)
    problem = problem_in(told[0])
    assert problem is not None
    assert isinstance(told[0]["exception"], Planted)
    return problem.detail


@pytest.fixture
async def told() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: found.append(context))
    return found


async def test_a_commit_that_breaks(
    mock: kafka.MockKafka, open_log: Opener, told: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    log = await open_log(mock, kafka.new_topic(mock))
    monkeypatch.setattr(Transactions, "send", planted)
    waiting = asyncio.create_task(append(log, events(0, 3)))
    assert "Kafka producer broke" in await heard_of(told)
    waiting.cancel()
    log._outgoing._idle.set()  # its calls are never answered: the process would end


async def test_a_follower_that_breaks(
    mock: kafka.MockKafka, open_log: Opener, told: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = kafka.new_topic(mock)
    log, other = await open_log(mock, topic), await open_log(mock, topic)
    monkeypatch.setattr(Decoder, "stored", planted)
    await append(other, [event(1)])
    assert "hearing of the Kafka topic broke" in await heard_of(told)
    assert log.head(0) == 0 or other.head(0) == 1
