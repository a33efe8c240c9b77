"""What runs in the background of the log, and raises what nobody foresaw, is heard of."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from interlock.adapters.jetstream.hearing import Hearing
from interlock.adapters.jetstream.publisher import Publisher
from interlock.model.lasting_task import problem_in
from interlock.testing.samples import append, event

from .conftest import Opener


class Planted(Exception):
    pass


async def planted(*arguments: Any) -> None:
    raise Planted


@pytest.mark.parametrize("broken", [(Hearing, "_session"), (Publisher, "_publish")], ids=["hearing", "publisher"])
async def test_a_task_that_breaks(opener: Opener, broken: tuple[type, str], monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context))
    monkeypatch.setattr(*broken, planted)
    monkeypatch.setattr("interlock.adapters.jetstream.publisher.GIVE_UP_SECONDS", 0.1)
    monkeypatch.setattr("interlock.adapters.jetstream.publisher.ACK_SECONDS", 0.1)
    log = await opener()
    waiting = asyncio.create_task(append(log, [event(1)]))
    async with asyncio.timeout(10):
        while not told:  # noqa: ASYNC110 - no event tells it
            await asyncio.sleep(0.005)
    problem = problem_in(told[0])
    assert problem is not None
    assert "NATS" in problem.detail
    assert isinstance(told[0]["exception"], Planted)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
