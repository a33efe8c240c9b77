"""The check after each run must see every kind of loss, or no figure counts."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from bench.preload import fill
from bench.verify import main, verify, whole

COUNT = 30


@pytest.fixture
async def store(tmp_path: Path) -> Path:
    path = tmp_path / "bench.db"
    await fill(path, COUNT, handled=True, random_ids=False, acks=tmp_path / "acks")
    return path


def acknowledged(store: Path) -> list[str]:
    return [line.split()[0] for line in (store.parent / "acks").read_text().splitlines()]


async def test_a_whole_store_passes(store: Path) -> None:
    result = verify(store, acknowledged(store), handled=True)
    assert whole(result)
    assert result["acknowledged"] == COUNT
    assert main([str(store), str(store.parent / "acks"), "--handled"]) == 0


@pytest.mark.parametrize(
    ("damage", "count"),
    [
        ("DELETE FROM log WHERE position = 5", "missing"),
        ("UPDATE log SET body = x'7b7d' WHERE position = 5", "different"),
        ("DELETE FROM handling WHERE position = 5", "not_handled_once"),
        ("UPDATE handling SET state = 1 WHERE position = 5", "not_handled_once"),
        ("DELETE FROM state WHERE key IN (SELECT key FROM state LIMIT 1)", "without_state"),
        ("DELETE FROM log WHERE position = 40", "not_emitted_once"),
        (
            "UPDATE log SET causation = (SELECT causation FROM log WHERE position = 41) WHERE position = 40",
            "not_emitted_once",
        ),
    ],
)
async def test_each_kind_of_loss_is_seen(store: Path, damage: str, count: str) -> None:
    with sqlite3.connect(store) as connection:
        assert connection.execute(damage).rowcount == 1
    result = verify(store, acknowledged(store), handled=True)
    assert result[count] >= 1
    assert main([str(store), str(store.parent / "acks"), "--handled"]) == 1
