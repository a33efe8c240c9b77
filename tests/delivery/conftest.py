from __future__ import annotations

import pytest
from scripted import Bench, bench_on

try:
    from interlock.adapters.memory import MemoryStore
except SyntaxError:
    from memory_fixed import MemoryStore


@pytest.fixture
async def bench() -> Bench:
    return await bench_on(MemoryStore(2))
