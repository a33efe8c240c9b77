from __future__ import annotations

import pytest
from recording import SECRET, Recording

from interlock.adapters.memory import MemoryStore


@pytest.fixture
async def recording() -> Recording:
    made = Recording(MemoryStore(2, secret=SECRET))
    await made.start()
    return made
