from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.edge.shop import Shop
from tests.edge.wire import Peer


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    async with Shop() as shop:
        yield shop


@pytest.fixture
async def peer(shop: Shop) -> Peer:
    return await shop.peer()
