"""What any of several processes may do is done at once by two: the index is sealed once, ids are given once."""

from __future__ import annotations

import asyncio

import postgres
import psycopg
import pytest

from interlock.adapters.postgres import PostgresReader, PostgresSchemas, PostgresStore, sealing
from interlock.adapters.postgres.connection import Target
from interlock.adapters.postgres.questions import Questions
from interlock.adapters.postgres.sealing import Sealing
from interlock.model.problems import StaleRead
from interlock.ports.schema_store import SchemaContent
from interlock.testing.samples import append, event, events

STRETCH = 64


async def test_two_processes_seal_each_stretch_once(schema: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "SEAL_EVENTS", STRETCH)
    store = await PostgresStore.open(postgres.database(), schema=schema)
    for partition in range(3):
        await append(store, events(1000 * partition, 3 * STRETCH + 5, partition))
    both = [Sealing(Questions(Target(postgres.database(), schema))) for _ in range(2)]
    both_there = asyncio.Barrier(2)
    seal_one, begun = Sealing._seal_one, set[Sealing]()

    async def together(self: Sealing, partition: int, first: int) -> None:
        """Both come to the first stretch before either has written it."""
        if self not in begun:
            begun.add(self)
            await both_there.wait()
        await seal_one(self, partition, first)

    monkeypatch.setattr(Sealing, "_seal_one", together)
    for _ in range(4):
        await asyncio.gather(*(one.seal([3 * STRETCH + 5] * 3) for one in both))
    with psycopg.connect(postgres.database()) as connection:
        query = f"SELECT partition, first, last FROM {schema}.segment ORDER BY 1, 2"
        found = connection.execute(query).fetchall()  # type: ignore[call-overload]
    stretches = [(first, first + STRETCH - 1) for first in range(1, 3 * STRETCH, STRETCH)]
    assert found == [(partition, *one) for partition in range(3) for one in stretches]
    reader = await PostgresReader.open(postgres.database(), schema=schema)
    for number in (0, STRETCH, 3 * STRETCH + 4, 2000 + STRETCH - 1):
        (row,) = await reader.find_events(event(number).id)
        assert row.position == number % 1000 + 1
    await reader.close()
    for one in both:
        await one._questions.close()
    await store.close()


async def register(schemas: PostgresSchemas, subject: str, text: str) -> int:
    """As the registry does: decide on what was read, and again when it was no longer so."""
    while True:
        seen = await schemas.revision()
        try:
            return (await schemas.add("", subject, SchemaContent("AVRO", text, text.encode()), seen)).id
        except StaleRead:
            continue


async def test_two_processes_write_the_registry_and_agree_on_ids(schema: str) -> None:
    store = await PostgresStore.open(postgres.database(), schema=schema)
    both = [await PostgresSchemas.open(postgres.database(), schema=schema) for _ in range(2)]
    texts = [f'"text-{number}"' for number in range(12)]
    given = await asyncio.gather(
        *(register(schemas, f"s{nth}", text) for nth, schemas in enumerate(both) for text in texts),
        *(register(schemas, "shared", text) for schemas in both for text in texts[:4]),
    )
    first, second = given[:12], given[12:24]
    assert first == second, "one content, one id, whoever was first"
    assert sorted(first) == list(range(1, 13)), "and none is given twice or left out"
    assert given[24:28] == given[28:32] == first[:4]
    versions = await both[0].versions("shared")
    assert sorted(one.version for one in versions) == [1, 2, 3, 4]
    assert versions == await both[1].versions("shared")
    for schemas in both:
        await schemas.close()
    await store.close()
