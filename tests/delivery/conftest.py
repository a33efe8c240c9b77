from __future__ import annotations

import pytest

from delivery.scripted import Bench, bench_on
from interlock.adapters.memory import MemoryStore


@pytest.fixture
async def bench() -> Bench:
    return await bench_on(MemoryStore(2))
