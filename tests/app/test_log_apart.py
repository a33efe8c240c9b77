"""Engines whose log lies outside their database, as `interlock up` composes them, on real servers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import jetstream
import kafka
import postgres
import psycopg
import pytest

from interlock.app.process import Process
from interlock.app.stores import open_stores
from interlock.estate.loader import load
from interlock.estate.starter import write_starter
from interlock.model.problems import EstateInvalid, SettingInvalid
from interlock.model.step import Step, StepResult
from interlock.testing.samples import append, commit, event, submit

EVENT = event(1)._replace(
    type="orders.OrderPlaced",
    body=b'{"order_id":"o1","customer_id":"c1","total":"5.00","currency":"EUR","placed_at":"2026-01-05T14:02:11Z",'
    b'"lines":[{"sku":"a","quantity":1,"unit_price":"5.00"}]}',
)


@pytest.fixture(params=["jetstream", "kafka"])
def log(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def schema(log: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("INTERLOCK_POSTGRES", postgres.database())
    if log == "kafka":
        monkeypatch.setenv("INTERLOCK_KAFKA", kafka.server("tansu").address)
    else:
        monkeypatch.setenv("INTERLOCK_NATS", jetstream.server().url)
    name = postgres.new_schema(4, f"app {log}")
    yield name
    with psycopg.connect(postgres.database(), autocommit=True) as connection:
        for schema in (name, f"{name}_b"):
            connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")  # type: ignore[call-overload]


def estate_in(folder: Path, schema: str, log: str, **more: str) -> Path:
    write_starter(folder, "shop")
    stores = {"kind": "postgres", "schema": schema, "log": log} | more
    lines = "".join(f'{name} = "{text}"\n' for name, text in stores.items())
    (folder / "interlock.toml").write_text(
        f'[estate]\nname = "shop"\n[server]\nport = 0\n[stores]\npartitions = 4\n{lines}'
        f'[{log}]\n{"topic" if log == "kafka" else "stream"} = "{schema}"\n'
    )
    return folder


async def spent(process: Process) -> bytes:
    found = await process.store.get("spent", "c1 EUR")
    return found.value if found else b""


async def test_events_and_what_is_emitted_reach_the_flow_through_the_log(tmp_path: Path, schema: str, log: str) -> None:
    estate = load(estate_in(tmp_path / "shop", schema, log))
    process = Process(estate)
    await process.start()
    await append(process.log, [EVENT])
    emitted = Step(result=StepResult(emits=(EVENT._replace(id="e2"), EVENT._replace(id="e3"))))
    assert await submit(process.store, commit(process.engine.epoch, emitted)) == [None]
    async with asyncio.timeout(20):
        while b"15.00" not in await spent(process):  # noqa: ASYNC110 - it is asked, it does not tell
            await asyncio.sleep(0.02)
    await process.stop()
    process = Process(estate)
    await process.start()
    (books,) = await process.record.sums({"spending": ["orders.OrderPlaced"]})
    assert (books.accepted, books.done, books.difference) == (3, 3, 0)
    assert [row.event.id for row in await process.record.find_events("e3")] == ["e3"]
    await process.stop()


async def test_a_log_from_another_estate_is_refused_at_start(tmp_path: Path, schema: str, log: str) -> None:
    process = Process(load(estate_in(tmp_path / "shop", schema, log)))
    await process.start()
    await process.stop()
    other = load(estate_in(tmp_path / "other", f"{schema}_b", log))
    text = (other.root / "interlock.toml").read_text().replace(f'"{schema}_b"\n', f'"{schema}"\n')
    (other.root / "interlock.toml").write_text(text.replace(f'schema = "{schema}"', f'schema = "{schema}_b"'))
    with pytest.raises(SettingInvalid, match=r"another estate|belongs to"):
        await open_stores(load(other.root))


async def test_a_log_cannot_be_changed_under_a_state(tmp_path: Path, schema: str, log: str) -> None:
    stores = await open_stores(load(estate_in(tmp_path / "shop", schema, log)))
    await stores.close()
    text = (tmp_path / "shop" / "interlock.toml").read_text().replace(f'log = "{log}"', 'log = "state"')
    (tmp_path / "shop" / "interlock.toml").write_text(text)
    with pytest.raises(SettingInvalid, match=f'made with stores.log = "{log}", the settings say "state"'):
        await open_stores(load(tmp_path / "shop"))


@pytest.mark.parametrize("kind", ["sqlite", "memory"])
async def test_a_log_apart_needs_its_state_on_postgresql(tmp_path: Path, kind: str) -> None:
    """Told when the estate is loaded, with file and line, before anything is opened."""
    with pytest.raises(EstateInvalid, match=f'stores.kind is "{kind}"') as refused:
        load(estate_in(tmp_path / "shop", "s", "kafka", kind=kind))
    assert refused.value.errors[0]["file"] == "interlock.toml"


async def test_a_reference_that_leads_nowhere_is_named(
    tmp_path: Path, schema: str, log: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = {"kafka": "INTERLOCK_KAFKA", "jetstream": "INTERLOCK_NATS"}[log]
    monkeypatch.delenv(name)
    with pytest.raises(SettingInvalid, match=f"environment variable {name}"):
        await open_stores(load(estate_in(tmp_path / "shop", schema, log)))
