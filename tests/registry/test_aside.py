"""What computes long runs aside, in a process with an end: the event loop waits for none of it."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import pytest

from interlock.adapters.aside_process import AsideProcess
from interlock.adapters.memory_schemas import MemorySchemas
from interlock.registry.refusal import Refusal
from interlock.registry.registry import Registry
from interlock.registry.schema_reading import AskedSchema

OPEN, CLOSED = '{"type":"object"}', '{"type":"object","additionalProperties":false}'


@pytest.fixture
async def aside() -> AsyncIterator[AsideProcess]:
    aside = AsideProcess(30)
    yield aside
    await aside.close()


def doubling(steps: int, longest: int) -> AskedSchema:
    """Each step asks the next one twice, deeper in the document: linear to read, 2^steps to validate."""
    step = {"type": "object", "required": ["a"], "additionalProperties": False}
    places: dict[str, Any] = {"t0": {"type": "string", "maxLength": longest}}
    for at in range(1, steps):
        twice = [{"$ref": f"#/$defs/t{at - 1}"}, {"$ref": f"#/$defs/t{at - 1}"}]
        places[f"t{at}"] = {**step, "properties": {"a": {"anyOf": twice}}}
    return AskedSchema(json.dumps({"$defs": places, "$ref": f"#/$defs/t{steps - 1}"}), "JSON")


async def test_everything_that_computes_goes_aside() -> None:
    called: list[str] = []

    async def watched(call: Callable[[], Any], /) -> Any:
        assert isinstance(call, partial)
        called.append(call.func.__name__)
        return call()

    registry = Registry.on(MemorySchemas(), aside=watched)
    await registry.registration.register("a", AskedSchema(OPEN, "JSON"))
    assert await registry.registration.objections("a", AskedSchema(CLOSED, "JSON"))
    await registry.standings.of("a")
    assert set(called) == {"_made", "content", "objections", "unclassified"}


async def test_answers_and_refusals_come_back(aside: AsideProcess) -> None:
    registry = Registry.on(MemorySchemas(), aside=aside.run)
    assert (await registry.registration.register("a", AskedSchema(OPEN, "JSON"))).id == 1
    assert any(
        "oldSchemaVersion: 1" in one for one in await registry.registration.objections("a", AskedSchema(CLOSED, "JSON"))
    )
    with pytest.raises(Refusal, match="Invalid schema") as refused:
        await registry.registration.register("a", AskedSchema('{"type":7}', "JSON"))
    assert refused.value.kind.code == 42201


async def test_a_comparison_without_end_ends_and_counts_as_undecided() -> None:
    aside = AsideProcess(4)
    registry = Registry.on(MemorySchemas(), aside=aside.run)
    turns = 0

    async def engine() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0.01)
            turns += 1

    await registry.registration.register("a", doubling(17, 9))
    turning = asyncio.create_task(engine())
    found = await registry.registration.objections("a", doubling(17, 3))
    turning.cancel()
    assert "no answer within 4 seconds" in found[0]
    assert turns > 20, "the event loop went on"
    assert (await registry.registration.register("b", AskedSchema(OPEN, "JSON"))).version == 1, (
        "and the next call works"
    )
    await aside.close()


async def test_a_process_that_dies_is_no_answer(aside: AsideProcess) -> None:
    with pytest.raises(TimeoutError, match="ended without an answer"):
        await aside.run(partial(os._exit, 3))
    assert await aside.run(partial(max, 1, 2)) == 2


async def test_memory_has_an_end(aside: AsideProcess) -> None:
    with pytest.raises((MemoryError, TimeoutError)):
        await aside.run(partial(bytearray, 3 * 1024**3))
    assert await aside.run(partial(max, 1, 2)) == 2


async def test_who_stops_waiting_takes_nobody_elses_answer(aside: AsideProcess) -> None:
    await aside.run(partial(max, 1, 2))
    waiting = asyncio.create_task(aside.run(partial(time.sleep, 3)))
    await asyncio.sleep(0.05)
    waiting.cancel()
    assert await aside.run(partial(max, 3, 4)) == 4
