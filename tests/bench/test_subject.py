"""Our system under test, started as the bench starts it: preloaded rows equal those that edge and engine write."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from bench.parts.latency import moments, percentiles, read_stamps
from bench.subjects.interlock import Interlock
from bench.turn import wait_until_done

LOG = (
    "SELECT type, version, CASE WHEN source LIKE 'flow:%' THEN source ELSE 'producer' END, correlation IS NULL, "
    "causation IS NULL, trace IS NULL, length(business), attributes, scheme, key_id, length(body), length(id) FROM log"
)
HANDLING = "SELECT generation, state, attempts, error, superseded FROM handling"
STATE = "SELECT name.text, length(key), CAST(value AS TEXT) FROM state JOIN name ON name.id = tbl"


@pytest.fixture
def ours(tmp_path: Path) -> Interlock:
    return Interlock(tmp_path / "ours")


def rows(store: Path, statement: str) -> set[Any]:
    """Distinct rows; whether an event is traced is chance."""
    with sqlite3.connect(store) as connection:
        found = {row[:5] + row[6:] if statement is LOG else row for row in connection.execute(statement)}
    connection.close()
    return found


def test_preloaded_rows_equal_written_ones(ours: Interlock, tmp_path: Path) -> None:
    ours.start()
    try:
        ours.load(50, connections=4)
        wait_until_done(ours, 50)
    finally:
        ours.kill()
    assert ours.verify(handled=True)["acknowledged"] == 50
    filled = Interlock(tmp_path / "filled")
    filled.preload(50, handled=True)
    for statement in (LOG, HANDLING, STATE):
        assert rows(filled.store, statement) == rows(ours.store, statement)


def test_what_waits_in_the_log_is_handled_at_the_start(ours: Interlock) -> None:
    ours.preload(50)
    ours.start()
    try:
        assert wait_until_done(ours, 50) > ours.first_ns() > 0
    finally:
        ours.kill()
    ours.verify(handled=True)


def test_each_commit_is_stamped(ours: Interlock) -> None:
    stamps = ours.place / "stamps"
    ours.start(stamps)
    try:
        ours.load(30, rate=300, connections=4)
        wait_until_done(ours, 30)
    finally:
        ours.stop()
    spans = percentiles(moments(ours.acknowledged), {f"O-{one}": at for one, at in read_stamps(stamps).items()})
    assert 0 < spans["sent → handled p50"] <= spans["sent → handled p99"] < 5000
    assert spans["accepted → handled p99"] <= spans["sent → handled p99"]
