"""The registry of a running engine: where it listens, what a kill leaves, and what else goes on meanwhile."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient

from interlock.app.process import Process
from interlock.estate.loader import load
from interlock.estate.starter import write_starter
from interlock.model.problems import SettingInvalid
from interlock.testing.end_with_run import start_server

PATIENCE_SECONDS = 60.0
ENOUGH = 15  # answers before each kill


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_starter(tmp_path / "shop", "shop")
    return tmp_path / "shop"


def configured(root: Path, more: str = "") -> Path:
    (root / "interlock.toml").write_text(f'[estate]\nname = "shop"\n\n[server]\nport = 0\n{more}')
    return root


@contextmanager
def running(root: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`interlock dev`, and the address that it says."""
    command = [sys.executable, "-m", "interlock.cli.main", "dev", str(root)]
    engine = start_server(command, stdout=subprocess.PIPE, text=True)
    try:
        assert engine.stdout is not None
        line = next(line for line in engine.stdout if line.startswith("listening"))
        yield engine, line.split()[2]
    finally:
        engine.kill()
        engine.wait()


def schema(number: int) -> Schema:
    return Schema(json.dumps({"type": "object", "title": str(number)}), "JSON")


def test_dev_serves_it_to_a_stock_client(root: Path) -> None:
    with running(configured(root)) as (_, url):
        client = SchemaRegistryClient({"url": f"{url}/registry"})
        assert client.get_subjects() == ["orders.OrderPlaced"]
        assert client.register_schema("a", schema(1)) == 2


async def test_path_and_port_are_settings(root: Path) -> None:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    process = Process(load(configured(root, f'\n[registry]\npath = "/schemas/v1"\nport = {port}\n')))
    await process.start()
    try:
        for url in (f"http://127.0.0.1:{port}", f"http://127.0.0.1:{process.port}/schemas/v1"):
            assert await asked(url) == ["orders.OrderPlaced"]
    finally:
        await process.stop()


async def asked(url: str) -> list[str]:
    return await asyncio.to_thread(lambda: SchemaRegistryClient({"url": url}).get_subjects())


async def test_a_port_that_is_taken_is_a_setting(root: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = Process(load(configured(root, f"\n[registry]\nport = {port}\n")))
        with pytest.raises(SettingInvalid, match=f"Cannot listen on 127.0.0.1:{port}"):
            await process.start()
    again = Process(load(configured(root)))  # nothing was left open
    await again.start()
    await again.stop()


@pytest.mark.faults
def test_what_was_answered_survives_a_kill(root: Path) -> None:
    """Ids that clients were told stand for the same schema after SIGKILL, and no id is given twice."""
    told: dict[int, str] = {}
    for round_ in range(3):
        with running(configured(root)) as (engine, url):
            client = SchemaRegistryClient({"url": f"{url}/registry", "max.retries": 0})
            for number, text in told.items():
                assert client.get_schema(number).schema_str == text

            def write(client: Any = client, round_: int = round_) -> None:
                for number in range(10_000):
                    one = schema(round_ * 100_000 + number)
                    try:
                        told[client.register_schema(f"s{number % 7}", one)] = str(one.schema_str)
                    except Exception:  # the engine is gone
                        return

            client.set_compatibility(None, "NONE")
            writer = threading.Thread(target=write)
            writer.start()
            deadline = time.monotonic() + PATIENCE_SECONDS
            while writer.is_alive() and len(told) < ENOUGH * (round_ + 1) and time.monotonic() < deadline:
                time.sleep(0.01)
            engine.send_signal(signal.SIGKILL)
            writer.join()
    assert len(told) >= 3 * ENOUGH
    with running(configured(root)) as (_, url):
        client = SchemaRegistryClient({"url": f"{url}/registry"})
        assert all(client.get_schema(number).schema_str == text for number, text in told.items())
        assert client.register_schema("new", Schema('{"title":"new"}', "JSON")) > max(told)
