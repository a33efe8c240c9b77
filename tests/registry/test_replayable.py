"""C12: a version is judged by what the store still carries, and that is named; also beside a running engine."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from interlock.adapters.sqlite import SqliteReader
from interlock.app.process import Process
from interlock.estate.loader import load
from interlock.model.carried import Carried, said
from tests.versions.conftest import ORDER, Shop, optional, required

SUBJECT = "orders.OrderPlaced"
FAILING = """
from interlock import Flow, RetrySchedule

from estate.contracts.orders import OrderPlaced

ledger = Flow("ledger", owner="team-orders", slo="orders-counted", retry=RetrySchedule(()))


@ledger.on(OrderPlaced)
async def book(order: OrderPlaced, ctx) -> None:
    raise ValueError("no such account")
"""


@pytest.fixture
def shop(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shop:
    shop = Shop(tmp_path / "shop", capsys)
    shop.write("interlock.toml", '[estate]\nname = "shop"\n[server]\nport = 0\n')
    shop.write("flows/ledger.py", FAILING)
    return shop


@pytest.fixture
async def engine(shop: Shop) -> AsyncIterator[Process]:
    """Has taken three orders of 1.0.0, each of which is a dead letter of the flow ledger."""
    process = Process(load(shop.root))
    await process.start()
    order = json.loads((shop.root / ORDER / "1.0.0.json").read_text())["examples"][0]
    for number in range(3):
        data = {**order, "order_id": f"ORD-{number}", "customer_id": f"C-{number}"}
        event = {"specversion": "1.0", "id": f"{number}", "source": "/t", "type": SUBJECT, "data": data}
        await posted(process, "/events", event, "application/cloudevents+json")
    await dead_letters(shop, 3)
    yield process
    await process.stop()


async def dead_letters(shop: Shop, total: int) -> None:
    """Wait for them."""
    reader = SqliteReader(load(shop.root).store_path)
    while Carried(SUBJECT, "1.0.0", "dead_letters", "ledger", total) not in await reader.carried():  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    await reader.close()


async def posted(process: Process, path: str, body: Any, media: str = "application/json") -> Any:
    data = json.dumps(body).encode()
    request = Request(f"http://127.0.0.1:{process.port}{path}", data, {"content-type": media})
    with await asyncio.to_thread(urlopen, request) as response:
        return json.loads(response.read())


async def checked(shop: Shop) -> dict[str, list[dict[str, Any]]]:
    store = str(load_path(shop))
    _, out, _ = await asyncio.to_thread(shop.run, "check", str(shop.root), "--data", store, "--json")
    found: dict[str, list[dict[str, Any]]] = {}
    for finding in json.loads(out)["findings"]:
        found.setdefault(finding["code"], []).append(finding)
    return found


def load_path(shop: Shop) -> Path:
    return shop.root / ".interlock" / "shop.db"


async def test_check_names_what_carries_the_version_that_breaks(shop: Shop, engine: Process) -> None:
    assert await checked(shop) == {}, "nothing breaks while nothing changes"
    shop.version("1.1.0", optional())
    assert "REPLAYABLE_BROKEN" not in await checked(shop)
    (shop.root / ORDER / "1.1.0.json").unlink()
    shop.version("1.1.0", required("channel"))
    (broken,) = (await checked(shop))["REPLAYABLE_BROKEN"]
    assert broken["file"] == f"{ORDER}/1.1.0.json"
    assert (
        "orders.OrderPlaced 1.0.0 is carried by 3 dead letters of flow ledger, 3 events of the log" in broken["detail"]
    )
    assert "1.1.0 refuses a document of 1.0.0: {" in broken["detail"]


async def test_a_version_between_does_not_hide_it(shop: Shop, engine: Process) -> None:
    """Each step passes by itself; only what is stored shows that 1.0.0 is not read any more."""
    shop.version("1.1.0", lambda document: document["properties"].pop("note") and None)
    shop.version("1.2.0", lambda document: None, of="1.1.0")
    shop.append(
        "waivers.toml",
        f'[[waiver]]\nrule = "BREAKING_NEEDS_MAJOR"\nplace = "{ORDER}/1.1.0.json"\nreason = "Nobody sends it."\n'
        'owner = "team-orders"\nexpires = 2999-01-01\n',
    )
    code, _, _ = await asyncio.to_thread(shop.run, "check", str(shop.root))
    assert code == 0
    found = await checked(shop)
    assert [one["file"] for one in found["REPLAYABLE_BROKEN"]] == [f"{ORDER}/1.2.0.json"]


async def test_a_version_whose_file_is_gone_is_judged_by_the_registry(shop: Shop, engine: Process) -> None:
    shop.version("1.1.0", required("channel"))
    (shop.root / ORDER / "1.0.0.json").unlink()
    (broken,) = (await checked(shop))["REPLAYABLE_BROKEN"]
    assert "orders.OrderPlaced 1.0.0 is carried by 3 dead letters" in broken["detail"]


async def test_the_running_registry_answers_by_it_too(shop: Shop, engine: Process) -> None:
    document = json.loads((shop.root / ORDER / "1.0.0.json").read_text())
    narrower = {**document, "required": [*document["required"], "note"]}
    path = f"/registry/compatibility/subjects/{SUBJECT}/versions?verbose=true"
    answer = await posted(engine, path, {"schema": json.dumps(narrower), "schemaType": "JSON"})
    assert answer["is_compatible"] is False
    assert "{carriedBy: '3 dead letters of flow ledger, 3 events of the log'}" in answer["messages"]


async def test_versions_that_are_carried_are_asked_though_the_level_would_not(shop: Shop, tmp_path: Path) -> None:
    """BACKWARD asks the last version only; 1.0.0 is stored, so it is asked as well."""
    process = Process(load(shop.root))
    await process.start()
    order = json.loads((shop.root / ORDER / "1.0.0.json").read_text())["examples"][0]
    event = {"specversion": "1.0", "id": "1", "source": "/t", "type": SUBJECT, "data": order}
    await posted(process, "/events", event, "application/cloudevents+json")
    await dead_letters(shop, 1)
    await process.stop()
    bounded = {"properties": {"note": {"maxLength": 400}}}
    shop.version("1.1.0", lambda document: document["properties"]["note"].update(bounded["properties"]["note"]))
    shop.append(
        "waivers.toml",
        f'[[waiver]]\nrule = "BREAKING_NEEDS_MAJOR"\nplace = "{ORDER}/1.1.0.json"\nreason = "Nobody sends it."\n'
        'owner = "team-orders"\nexpires = 2999-01-01\n',
    )
    process = Process(load(shop.root))
    await process.start()
    try:
        newest = json.loads((shop.root / ORDER / "1.1.0.json").read_text())
        body = {"schema": json.dumps({**newest, "title": "Again"}), "schemaType": "JSON"}
        path = f"/registry/compatibility/subjects/{SUBJECT}/versions"
        assert (await posted(process, f"{path}/latest", body)) == {"is_compatible": True}
        answer = await posted(process, f"{path}?verbose=true", body)
        assert [one for one in answer["messages"] if "Version" in one or "carried" in one] == [
            "{oldSchemaVersion: 1}",
            "{carriedBy: '1 dead letter of flow ledger, 1 event of the log'}",
        ]
    finally:
        await process.stop()


async def test_a_store_that_is_none_is_told(shop: Shop, tmp_path: Path) -> None:
    code, _, err = await asyncio.to_thread(shop.run, "check", str(shop.root), "--data", str(tmp_path / "no.db"))
    assert code == 1
    assert "No store at" in err


def test_words() -> None:
    rows = [
        Carried("t", "1", "log", "", 2),
        Carried("t", "1", "parked", "b", 1),
        Carried("t", "1", "dead_calls", "a", 1),
        Carried("t", "1", "pending_calls", "a", 4),
    ]
    expected = "4 pending calls of flow a, 1 dead call of flow a, 1 parked event of flow b, 2 events of the log"
    assert said(rows) == expected
