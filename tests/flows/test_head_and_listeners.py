"""Where a log says that it reaches, its listeners have been told of all before: the upkeep of a flow relies on it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from interlock.adapters.memory import MemoryStore
from interlock.adapters.sqlite import SqliteStore
from interlock.model.event import Stored
from interlock.testing.samples import append, event


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_no_head_runs_ahead_of_the_listeners(kind: str, tmp_path: Path) -> None:
    store = MemoryStore(2) if kind == "memory" else await SqliteStore.open(tmp_path / "store.db", partitions=2)
    heard = 0
    ahead: list[int] = []

    def listen(fresh: Sequence[Stored]) -> None:
        nonlocal heard
        heard = fresh[-1].position

    def look() -> None:
        ahead.extend(head for head in (store.head(0), store.head(1)) if head > heard)

    async def watch() -> None:
        while True:
            await asyncio.sleep(0)
            look()

    store.listen(listen)
    watching = asyncio.ensure_future(watch())
    for number in range(20):
        await append(store, [event(number, number % 2)])
    watching.cancel()
    await store.close()
    assert ahead == []
    assert heard == 20
