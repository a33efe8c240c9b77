from __future__ import annotations

import pytest

from interlock.adapters.memory import MemoryStore
from operate.recording import SECRET, Recording


@pytest.fixture
async def recording() -> Recording:
    made = Recording(MemoryStore(2, secret=SECRET))
    await made.start()
    return made
