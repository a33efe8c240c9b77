"""A power cut at any moment leaves every acknowledged event and step, whole. And the test can tell if not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from interlock.adapters.sqlite import batch, committer, file, sql
from interlock.model.problems import StorageCorrupt

from .power_cut import scenario

pytestmark = pytest.mark.faults
SEEDS = range(60)
PLANTED_SEEDS = range(1000, 1030)


@pytest.fixture(autouse=True)
def _early_checkpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that cuts fall into checkpoints and into a WAL that starts over, too."""
    monkeypatch.setattr(file, "CHECKPOINT_PAGES", 40)


@pytest.mark.parametrize("first", SEEDS[::10])
async def test_nothing_acknowledged_is_lost_and_nothing_is_half_done(tmp_path: Path, first: int) -> None:
    for seed in range(first, first + 10):
        await scenario(tmp_path / str(seed), seed)


@pytest.mark.slow
@pytest.mark.timeout(3600)
async def test_many_more_power_cuts(tmp_path: Path) -> None:
    for seed in range(10_000, 12_000):
        await scenario(tmp_path / str(seed), seed)


async def caught_at(tmp_path: Path, **options: Any) -> int | None:
    """The first seed at which a planted bug is found out."""
    for seed in PLANTED_SEEDS:
        try:
            await scenario(tmp_path / str(seed), seed, **options)
        except (AssertionError, StorageCorrupt):
            return seed
    return None


@pytest.mark.parametrize("synchronous", ["OFF", "NORMAL"])
async def test_missing_fsync_is_caught(tmp_path: Path, synchronous: str) -> None:
    assert await caught_at(tmp_path, synchronous=synchronous) is not None


async def test_answer_before_commit_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pump = committer.Committer._pump

    def eager(self: committer.Committer) -> None:
        pump(self)
        told, self._running = self._running, [Told() for _ in self._running]
        committer.tell_each(told, None)

    monkeypatch.setattr(committer.Committer, "_pump", eager)
    assert await caught_at(tmp_path) is not None


class Told:
    """Work whose caller has its answer already."""

    weight = 0

    def finish(self, problem: object) -> None:
        pass


async def test_mark_outside_the_commit_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flush = batch.Batch.flush

    def split(self: batch.Batch) -> None:
        marks, self._handled = self._handled, []
        flush(self)
        self._connection.execute("COMMIT")
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany(sql.HANDLE, marks)

    monkeypatch.setattr(batch.Batch, "flush", split)
    assert await caught_at(tmp_path) is not None
