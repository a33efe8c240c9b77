"""An embedded deployment goes to PostgreSQL and comes back: nothing is lost, done twice or forgotten."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import aiohttp
import jetstream
import postgres
import psycopg
import pytest

from faults.kill.engine import Engine

ESTATE = Path(__file__).parents[1] / "faults" / "kill" / "estate"
ENTRIES, TRANSFERS = 60, 6


class Deployment:
    """An estate with its engine, now on one kind of store, now on another."""

    def __init__(self, folder: Path, schema: str) -> None:
        self.root = folder / "estate"
        self.schema = schema
        shutil.copytree(ESTATE, self.root, ignore=shutil.ignore_patterns("__pycache__", ".interlock"))
        self._settings = (self.root / "interlock.toml").read_text()
        self.environment = {"INTERLOCK_POSTGRES": postgres.database(), "INTERLOCK_NATS": jetstream.server().url}
        self.engine = Engine(self.root, folder / "engine.log", environment=self.environment)
        self.set("sqlite")

    @property
    def file(self) -> Path:
        return self.root / ".interlock" / "kills.db"

    def set(self, place: str, schema: str = "") -> None:
        kind, _, log = place.partition("+")
        stores = f'\n[stores]\nkind = "{kind}"\nschema = "{schema or self.schema}"\nlog = "{log or "state"}"\n'
        stream = f'\n[jetstream]\nstream = "{self.schema}"\n'
        (self.root / "interlock.toml").write_text(self._settings + stores + stream)

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "interlock.cli.main", *words],
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def move(self, to: str, *more: str) -> dict[str, Any]:
        done = self.command("migrate", str(self.root), "--to", to, "--json", *more)
        assert done.returncode == 0, done.stderr
        return {row["kind"]: row for row in json.loads(done.stdout)["rows"]}

    async def run(self, first: int, count: int) -> tuple[list[str], list[Any]]:
        """Start, send entries and transfers, wait until all is handled, stop: the answers."""
        await self.engine.spawn()
        await self.engine.ready()
        try:
            async with aiohttp.ClientSession(self.engine.address) as session:
                entries = [await self._entry(session, number) for number in range(first, first + count)]
                transfers = [await self._transfer(session, number) for number in range(TRANSFERS)]
            status = await self.engine.settled(1.5)  # calls to a system that is not there are tried for longer
            assert status["balanced"], status
            assert all(not flow["pending"] and not flow["parked"] for flow in status["flows"]), status
        finally:
            assert await self.engine.stop() == 0
        return entries, transfers

    async def _entry(self, session: aiohttp.ClientSession, number: int) -> str:
        data = {
            "entry_id": f"e-{number}",
            "account": f"a{number % 7}",
            "amount": number + 1,
            "outside": number % 10 == 0,
        }
        body = {"specversion": "1.0", "id": f"e-{number}", "source": "move", "type": "ledger.EntryPosted", "data": data}
        headers = {"content-type": "application/cloudevents+json"}
        async with session.post("/events", data=json.dumps(body), headers=headers) as response:
            assert response.status == 202, await response.text()
            return str((await response.json())["status"])

    async def _transfer(self, session: aiohttp.ClientSession, number: int) -> Any:
        body = {"transfer_id": f"t-{number}", "debit": "red", "credit": "blue", "amount": 10}
        async with session.post("/transfers", json=body, headers={"idempotency-key": f'"t-{number}"'}) as response:
            return await response.json()


@pytest.fixture
def deployment(tmp_path):
    schema = f"t_{secrets.token_hex(6)}"
    yield Deployment(tmp_path, schema)
    with psycopg.connect(postgres.database(), autocommit=True) as connection:
        for name in (schema, f"{schema}_b"):
            connection.execute(f"DROP SCHEMA IF EXISTS {name} CASCADE")


async def test_there_and_back_again(deployment):
    entries, transfers = await deployment.run(0, ENTRIES)
    assert set(entries) == {"accepted"}
    assert [answer["number"] for answer in transfers] == [1, 2, 3, 4, 5, 6]

    there = deployment.move("postgres")
    assert there["event"]["rows"] == 2 * ENTRIES + TRANSFERS
    assert there["claim"]["rows"] == ENTRIES
    assert there["answer"]["rows"] == TRANSFERS
    assert there["delivery"]["rows"] == ENTRIES // 10
    refused = deployment.command("up", str(deployment.root))
    assert refused.returncode == 1
    assert "moved to schema" in refused.stderr
    for words in (["status", str(deployment.root)], ["why", "e-3", str(deployment.root)], ["dlq", "list"]):
        told = deployment.command(*words, *(["--estate", str(deployment.root)] if "list" in words else []))
        assert told.returncode == 0, told.stderr
        assert f"This store was moved to schema {deployment.schema} of env:" in told.stderr
        assert told.stdout, "as it was then"
    ordered = deployment.command("dlq", "redrive", "flow/0/1/0", "--estate", str(deployment.root))
    assert (ordered.returncode, "This store was moved to schema" in ordered.stderr) == (1, True)
    looked = deployment.command("doctor", str(deployment.root))
    assert looked.returncode == 1
    assert "broken   RECORD_READ" in looked.stdout
    assert "This store was moved to schema" in looked.stdout

    deployment.set("postgres")
    entries, again = await deployment.run(0, ENTRIES + 10)
    assert set(entries[:ENTRIES]) == {"duplicate"}, "what was accepted is known at the new place"
    assert set(entries[ENTRIES:]) == {"accepted"}
    assert again == transfers, "answers to keys are as they were"
    story = deployment.command("why", "e-3", "--estate", str(deployment.root))
    assert "record" in story.stdout, story

    occupied = deployment.command("migrate", str(deployment.root), "--to", "sqlite")
    assert occupied.returncode == 1
    assert "There is a store at" in occupied.stderr
    for left in deployment.file.parent.glob(f"{deployment.file.name}*"):
        left.unlink()
    back = deployment.move("sqlite")
    assert back["event"]["rows"] == there["event"]["rows"] + 20
    assert back["answer"] == there["answer"]

    deployment.set("sqlite")
    entries, again = await deployment.run(0, ENTRIES + 20)
    assert set(entries[: ENTRIES + 10]) == {"duplicate"}
    assert set(entries[ENTRIES + 10 :]) == {"accepted"}
    assert again == transfers


@pytest.mark.timeout(300)
async def test_to_jetstream_and_back(deployment):
    """From one machine to PostgreSQL and JetStream; then the log into the database; then home."""
    _, transfers = await deployment.run(0, ENTRIES)
    there = deployment.move("postgres+jetstream")
    deployment.set("postgres+jetstream")
    entries, again = await deployment.run(0, ENTRIES + 10)
    assert set(entries) <= {"duplicate", "accepted"}, "the log may not know them any more; the index does: see the sums"
    assert set(entries[ENTRIES:]) == {"accepted"}
    assert again == transfers

    same = deployment.command("migrate", str(deployment.root), "--to", "postgres")
    assert "Name the new one: --schema NAME" in same.stderr
    forget = ("migrate", str(deployment.root), "--forget", deployment.schema, "--schema", deployment.schema)
    assert "The estate runs on JetStream" in deployment.command(*forget).stderr
    second = f"{deployment.schema}_b"
    moved = deployment.move("postgres", "--schema", second)
    assert moved["event"]["rows"] == there["event"]["rows"] + 20, "what was sent again is no new event"
    deployment.set("postgres", second)
    assert "was not moved" in deployment.command("migrate", str(deployment.root), "--forget", deployment.schema).stderr
    entries, again = await deployment.run(0, ENTRIES + 10)
    assert set(entries) == {"duplicate"}
    assert again == transfers
    gone = deployment.command(*forget)
    assert gone.returncode == 0, gone.stderr
    assert f"deleted the stream {deployment.schema} with" in gone.stdout


async def test_a_running_engine_keeps_its_store(deployment):
    await deployment.engine.spawn()
    await deployment.engine.ready()
    try:
        refused = deployment.command("migrate", str(deployment.root), "--to", "postgres")
        assert refused.returncode == 1
        assert "already_running" in refused.stderr
    finally:
        assert await deployment.engine.stop() == 0
