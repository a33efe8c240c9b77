"""Runs that fell due while the engine was down."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from interlock.flows.schedule import missed_runs
from interlock.sdk.flow import HandlerSpec, MissedRuns


async def nothing() -> None: ...


def due(cron: str, missed: MissedRuns, last: str, now: str, zone: str = "UTC") -> list[str]:
    spec = HandlerSpec("schedule", "s", nothing, cron=cron, zone=zone, missed=missed)
    moments = missed_runs(spec, datetime.fromisoformat(last), datetime.fromisoformat(now))
    return [moment.astimezone(UTC).strftime("%m-%d %H:%M") for moment in moments]


@pytest.mark.parametrize(
    ("missed", "expected"),
    [("skip", []), ("latest", ["01-01 03:00"]), ("all", ["01-01 01:00", "01-01 02:00", "01-01 03:00"])],
)
def test_the_policy_decides(missed: MissedRuns, expected: list[str]) -> None:
    assert due("0 * * * *", missed, "2026-01-01T00:30:00+00:00", "2026-01-01T03:30:00+00:00") == expected


def test_a_run_due_at_this_very_moment_counts() -> None:
    assert due("0 * * * *", "latest", "2026-01-01T00:30:00+00:00", "2026-01-01T03:00:00+00:00") == ["01-01 03:00"]


def test_nothing_was_missed() -> None:
    assert due("0 * * * *", "latest", "2026-01-01T03:00:00+00:00", "2026-01-01T03:30:00+00:00") == []


def test_the_latest_of_very_many_is_the_last() -> None:
    assert due("* * * * *", "latest", "2025-01-01T00:00:00+00:00", "2026-01-01T00:00:30+00:00") == ["01-01 00:00"]


def test_local_time_moves_with_daylight_saving() -> None:
    found = due("30 9 * * *", "all", "2026-03-28T00:00:00+00:00", "2026-03-30T00:00:00+00:00", "Europe/London")
    assert found == ["03-28 09:30", "03-29 08:30"]
