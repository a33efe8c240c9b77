from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import postgres
import pytest

from .proxy import Proxy


@pytest.fixture
def schema() -> Iterator[str]:
    """An empty schema of the shared database."""
    name = postgres.new_schema()
    yield name
    postgres.give_back(name)


@pytest.fixture
async def proxy(schema: str) -> AsyncIterator[Proxy]:
    """It ends before the schema is given back: what it holds back of a client would keep its locks."""
    async with Proxy(postgres.database()) as running:
        yield running
