"""The table of checks: each row once, each promise one that the page of promises makes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from interlock.app.doctor import LOOKS, all_checks
from interlock.model import diagnosis
from interlock.model.diagnosis import Check, parked_finding, skew_finding

PROMISES = Path(__file__).parents[2] / "docs/explanation/promises.md"
CLOCK = Check("CLOCK", "clocks", diagnosis.CLEAR_ERROR, "Set it.")


def test_every_check_is_there_once_and_speaks_for_a_promise() -> None:
    rows = all_checks()
    ids = [row.id for row in rows]
    headings = set(re.findall(r"^## (.+)$", PROMISES.read_text(), re.MULTILINE))
    assert len(set(ids)) == len(ids)
    assert {row.promise for row in rows} <= headings
    assert set(ids) >= LOOKS
    for row in rows:
        assert row.fix, row.id
        assert row.looks_at, row.id


@pytest.mark.parametrize(
    ("server_us", "verdict", "said"),
    [
        (5_000_000, "ok", "differ by 0 ms, give or take 1,000.0 ms"),
        (6_900_000, "ok", "differ by 1,900 ms"),  # within what the way there and back may hide
        (7_500_000, "warn", "ours is behind it"),
        (1_000_000, "warn", "ours is ahead of it"),
    ],
)
def test_skew_is_told_with_its_bound(server_us: int, verdict: str, said: str) -> None:
    found = skew_finding(CLOCK, "The server", server_us, 4_000_000, 6_000_000)
    assert (found.verdict, said in found.said) == (verdict, True), found


def test_parked_events_are_told_with_their_age() -> None:
    now = 1_800_000_000_000_000
    assert parked_finding((0, 0, None), now).verdict == "ok"
    soon, late = (parked_finding((2, 5, now - age), now) for age in (30_000_000, 3_600_000_000))
    assert (soon.verdict, late.verdict) == ("ok", "warn")
    assert "5 events of 2 keys are parked, the oldest for 3,600 seconds" in late.said
