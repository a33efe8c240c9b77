"""Engines with a planted bug are caught, each for the right reason, within a few kills; the slow one without is not."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from .campaign import INGEST, PROCESSING, Campaign, Outcome, Profile

pytestmark = pytest.mark.faults
PLANTED = str(Path(__file__).parent / "planted.py")
KILLS = 4
SEED = "planted"


async def run(folder: Path, bug: str, profile: Profile) -> Outcome:
    outcome = await Campaign(folder, profile, SEED, (sys.executable, PLANTED, bug)).run(KILLS, settle_seconds=20)
    print(f"\n{bug}: {outcome}")
    return outcome


async def test_answer_before_commit_is_caught(tmp_path: Path) -> None:
    outcome = await run(tmp_path, "answer-before-commit", INGEST)
    assert any(verdict.lost for verdict in outcome.verdicts), outcome


async def test_mark_outside_the_commit_is_caught(tmp_path: Path) -> None:
    outcome = await run(tmp_path, "mark-outside-the-commit", PROCESSING)
    doubled = {verdict.question for verdict in outcome.verdicts if verdict.doubled}
    assert "entries are recorded in order" in doubled, outcome


async def test_answer_outside_the_commit_is_caught(tmp_path: Path) -> None:
    outcome = await run(tmp_path, "answer-outside-the-commit", PROCESSING)
    doubled = {verdict.question for verdict in outcome.verdicts if verdict.doubled}
    assert "each keyed request happens once" in doubled, outcome


async def test_slow_commits_alone_are_no_bug(tmp_path: Path) -> None:
    assert not (outcome := await run(tmp_path, "none", PROCESSING)).invalid, outcome
