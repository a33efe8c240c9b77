from __future__ import annotations

from collections.abc import AsyncIterator

import postgres
import pytest
from stores import Together

from interlock.adapters.memory import MemoryStore
from interlock.adapters.postgres import PostgresReader, PostgresStore
from operate.recording import SECRET, Recording


@pytest.fixture(params=["memory", "postgres"])
async def recording(request: pytest.FixtureRequest) -> AsyncIterator[Recording]:
    if request.param == "memory":
        made = Recording(MemoryStore(2, secret=SECRET))
        await made.start()
        yield made
        return
    schema = postgres.new_schema(2)
    store = await PostgresStore.open(postgres.database(), schema=schema, partitions=2)
    reader = await PostgresReader.open(postgres.database(), schema=schema)
    made = Recording(Together(store, reader))
    await made.start()
    yield made
    await reader.close()
    await store.close()
    postgres.give_back(schema, 2)
