"""What the quick check leaves out is there, and nothing else is named."""

from __future__ import annotations

from pathlib import Path

from left_out import LONG, PATIENT, SERVERS

TESTS = Path(__file__).parents[1]


def test_no_row_is_stale() -> None:
    assert [row for row in (*SERVERS, *PATIENT, *LONG) if not (TESTS / row).exists()] == []
