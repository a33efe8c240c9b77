"""Engines on PostgreSQL, as `interlock up` composes them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import postgres
import psycopg
import pytest

from interlock.app.process import Process
from interlock.app.stores import open_store
from interlock.estate.loader import load
from interlock.estate.starter import write_starter
from interlock.model.problems import AlreadyRunning, SettingInvalid, UnavailableProblem
from interlock.testing.samples import append, event


@pytest.fixture
def schema(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("INTERLOCK_POSTGRES", postgres.database())
    monkeypatch.setattr("interlock.app.stores.OTHER_ENGINE_SECONDS", 0.2)
    name = postgres.new_schema()
    yield name
    postgres.give_back(name)


def estate_in(folder: Path, schema: str, name: str = "shop", partitions: int = 8) -> Path:
    write_starter(folder / name, name)
    stores = f'[stores]\nkind = "postgres"\nschema = "{schema}"\npartitions = {partitions}\n'
    (folder / name / "interlock.toml").write_text(f'[estate]\nname = "{name}"\n[server]\nport = 0\n{stores}')
    return folder / name


async def test_a_second_engine_is_refused_and_the_first_goes_on(schema: str, tmp_path: Path) -> None:
    estate = load(estate_in(tmp_path, schema))
    first = Process(estate)
    await first.start()
    with pytest.raises(AlreadyRunning, match=f"Another engine runs on the schema {schema}"):
        await Process(estate).start()
    assert (await first.store.cursors("spending")) != {}
    assert (await first.record.starts())[-1].epoch == first.engine.epoch
    await first.stop()
    second = Process(estate)
    await second.start()
    await second.stop()


async def test_an_engine_whose_session_was_ended_keeps_its_place(schema: str, tmp_path: Path) -> None:
    estate = load(estate_in(tmp_path, schema))
    first = await open_store(estate)
    with psycopg.connect(postgres.database(), autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(l.pid) FROM pg_locks AS l WHERE locktype = 'advisory' AND granted"
        )
    async with asyncio.timeout(10):
        while not await reconnected(first):  # noqa: ASYNC110 - it is asked, it does not tell
            await asyncio.sleep(0.02)
    with pytest.raises(AlreadyRunning):
        await open_store(estate)
    await first.close()


async def reconnected(store: object) -> bool:
    """By appending: who was refused is told, and the session comes back."""
    try:
        await append(store, [event(1)])  # type: ignore[arg-type]
    except UnavailableProblem:
        return False
    return True


async def test_another_estate_and_another_number_of_partitions_are_refused(schema: str, tmp_path: Path) -> None:
    process = Process(load(estate_in(tmp_path, schema)))
    await process.start()
    await process.stop()
    with pytest.raises(SettingInvalid, match="belongs to the estate shop, this one is other"):
        await open_store(load(estate_in(tmp_path, schema, "other")))
    with pytest.raises(SettingInvalid, match="8 partitions"):
        await open_store(load(estate_in(tmp_path / "more", schema, partitions=16)))
