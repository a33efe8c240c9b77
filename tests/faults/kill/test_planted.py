"""Engines with a planted bug are caught, each for its own reason, within a few kills; the slow one without is not."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from .campaign import INGEST, PROCESSING, Campaign, Outcome, Profile
from .engine import EngineFailed

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]
PLANTED = str(Path(__file__).parent / "planted.py")
KILLS, CAMPAIGNS = 3, 5  # a kill falls into the window more often than not: 15 that miss it are one in ten thousand
SEED = "planted"


async def run(folder: Path, bug: str, profile: Profile, seed: str = SEED) -> Outcome:
    outcome = await Campaign(folder / seed, profile, seed, (sys.executable, PLANTED, bug)).run(KILLS, settle_seconds=10)
    print(f"{bug}: {outcome}")
    return outcome


async def kills_until_caught(
    folder: Path, bug: str, profile: Profile, is_caught: Callable[[Outcome], bool]
) -> int | None:
    """None when the bug got through all campaigns."""
    kills = 0
    for number in range(CAMPAIGNS):
        outcome = await run(folder, bug, profile, f"{SEED}-{number}")
        kills += outcome.kills
        if is_caught(outcome):
            return kills
    return None


def doubles(question: str) -> Callable[[Outcome], bool]:
    return lambda outcome: any(verdict.question == question and verdict.doubled for verdict in outcome.verdicts)


def loses_accepted(outcome: Outcome) -> bool:
    in_log = "accepted events are in the log"
    return any(verdict.question == in_log and verdict.lost for verdict in outcome.verdicts)


async def test_answer_before_commit_is_caught(tmp_path: Path) -> None:
    assert await kills_until_caught(tmp_path, "answer-before-commit", INGEST, loses_accepted)


async def test_mark_outside_the_commit_is_caught(tmp_path: Path) -> None:
    twice = doubles("entries are recorded in order")
    assert await kills_until_caught(tmp_path, "mark-outside-the-commit", PROCESSING, twice)


@pytest.mark.slow
async def test_answer_outside_the_commit_is_caught(tmp_path: Path) -> None:
    def tells_another_story(outcome: Outcome) -> bool:
        """Done twice, or done once and then refused."""
        question = "each keyed request happens once"
        return any(verdict.question == question and not verdict.valid for verdict in outcome.verdicts)

    assert await kills_until_caught(tmp_path, "answer-outside-the-commit", PROCESSING, tells_another_story)


@pytest.mark.slow
async def test_slow_commits_alone_are_no_bug(tmp_path: Path) -> None:
    assert not (outcome := await run(tmp_path, "none", PROCESSING)).invalid, outcome


async def test_an_engine_that_ends_by_itself_fails_the_run(tmp_path: Path) -> None:
    script = "import time; print('listening on http://127.0.0.1:9', flush=True); time.sleep(0.02)"
    campaign = Campaign(tmp_path / "run", INGEST, SEED, (sys.executable, "-c", script))
    with pytest.raises(EngineFailed, match="ended by itself"):
        await campaign.run(KILLS)
