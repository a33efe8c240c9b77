"""Engines on PostgreSQL, as `interlock up` composes them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import postgres
import psycopg
import pytest

from interlock.app.process import Process
from interlock.app.role import Role
from interlock.app.stores import open_store
from interlock.estate.loader import load
from interlock.estate.starter import write_starter
from interlock.model.problems import AlreadyRunning, SettingInvalid, UnavailableProblem
from interlock.operate.books import read_books
from interlock.testing.samples import append, event


@pytest.fixture
def schema(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("INTERLOCK_POSTGRES", postgres.database())
    name = postgres.new_schema()
    yield name
    postgres.give_back(name)


def estate_in(folder: Path, schema: str, name: str = "shop", partitions: int = 8) -> Path:
    write_starter(folder / name, name)
    stores = f'[stores]\nkind = "postgres"\nschema = "{schema}"\npartitions = {partitions}\n'
    (folder / name / "interlock.toml").write_text(f'[estate]\nname = "{name}"\n[server]\nport = 0\n{stores}')
    return folder / name


async def test_a_second_process_joins_and_shares_the_partitions(
    schema: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("interlock.app.role.socket.gethostname", lambda: "here")
    estate = load(estate_in(tmp_path, schema))
    first, second = Process(estate, Role(member="one")), Process(estate, Role(member="two"))
    await first.start()
    await second.start()
    crews = [process.engine.crew for process in (first, second)]
    async with asyncio.timeout(10):
        while [len(crew.partitions) for crew in crews] != [4, 4]:  # noqa: ASYNC110 - it is asked, it does not tell
            await asyncio.sleep(0.05)
    seen = (await read_books(first.record, {})).members
    assert [(one.name, one.runs_flows, len(one.partitions)) for one in seen] == [
        ("here/one", True, 4),
        ("here/two", True, 4),
    ]
    assert all(0 <= one.silent_seconds < 10 for one in seen)
    await second.stop()
    async with asyncio.timeout(10):
        while len(crews[0].partitions) != 8:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert [member.name for member in crews[0].roster.members] == ["here/one"]
    await first.stop()


async def test_an_engine_whose_session_was_ended_keeps_its_place(schema: str, tmp_path: Path) -> None:
    estate = load(estate_in(tmp_path, schema))
    first = await open_store(estate)
    await first.own_alone(0.2)
    with psycopg.connect(postgres.database(), autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(l.pid) FROM pg_locks AS l WHERE locktype = 'advisory' AND granted"
        )
    async with asyncio.timeout(10):
        while not await reconnected(first):  # noqa: ASYNC110 - it is asked, it does not tell
            await asyncio.sleep(0.02)
    second = await open_store(estate)
    with pytest.raises(AlreadyRunning):
        await second.own_alone(0.2)
    await second.close()
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
