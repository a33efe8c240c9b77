"""What a keyed request leaves behind when the store fails under its handler: nothing, so that it can be sent again."""

from __future__ import annotations

from typing import Any

import pytest

from flows.conftest import Bench
from interlock import Context, Flow
from interlock.model.problems import StorageUnavailable

SCOPE = "anonymous\x1fPOST\x1f/orders\x1fk1"


async def test_an_unavailable_store_is_no_answer_to_keep(bench: Bench) -> None:
    flow = Flow("shop", owner="team")
    failures = [StorageUnavailable("The disk hesitates.")]

    @flow.api("shop.place")
    async def place(body: Any, ctx: Context) -> dict[str, int]:
        if failures:
            raise failures.pop()  # as ctx.get does when the store fails
        return {"placed": 1}

    await bench.run(flow)
    assert bench.engine is not None
    with pytest.raises(StorageUnavailable):
        await bench.engine.call_api("shop.place", {}, b"{}", SCOPE, None)
    assert await bench.store.answer(SCOPE, bench.clock.now_us()) is None
    answer = await bench.engine.call_api("shop.place", {}, b"{}", SCOPE, None)
    assert (answer.status, answer.body) == (200, b'{"placed":1}')
