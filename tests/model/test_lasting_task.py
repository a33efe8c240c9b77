from __future__ import annotations

import asyncio
from typing import Any

from interlock.model.lasting_task import lasting, problem_in
from interlock.model.problems import Fenced, Unexpected


async def test_an_end_that_nobody_foresaw_is_told() -> None:
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context))

    async def broken(error: Exception) -> None:
        raise error

    async def at_rest() -> None:
        await asyncio.sleep(0)

    cancelled = lasting(asyncio.Event().wait(), "one that is ended")  # type: ignore[arg-type]
    tasks = [lasting(broken(error), "pump") for error in (KeyError("a secret"), Fenced("over"))]
    done = lasting(at_rest(), "one that is done")
    await asyncio.wait([*tasks, done])
    cancelled.cancel()
    await asyncio.wait([cancelled])
    await asyncio.sleep(0)
    first, second = (problem_in(context) for context in told)
    assert isinstance(first, Unexpected)
    assert "The pump broke" in first.detail
    assert isinstance(second, Fenced)
    assert problem_in({"message": "anything else", "exception": KeyError()}) is None
