"""The pages that a newcomer follows are followed here, word for word."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from docs.console_page import Command, moves_of
from docs.reader import Reader, masked

from interlock.testing.server_process import free_port

ROOT = Path(__file__).parents[2]


@pytest.mark.journey
@pytest.mark.parametrize(
    ("page", "heart"),
    [
        ("docs/tutorial/first-ten-minutes.md", "interlock why"),
        ("README.md", "interlock why"),
        ("docs/guides/change-a-contract-safely.md", "interlock gate"),
        ("docs/guides/registry.md", "python produce.py"),
    ],
)
def test_the_page_is_true(page: str, heart: str, tmp_path: Path) -> None:
    moves = list(moves_of(ROOT / page))
    assert any(isinstance(move, Command) and move.line.startswith(heart) for move in moves)
    reader = Reader(tmp_path, Path(sys.executable).parent, free_port())
    try:
        for move in moves:
            reader.follow(move)
    finally:
        reader.stop_engine()


def test_masks_hide_no_difference_that_matters() -> None:
    assert masked("  10:00:00.001  accepted  partition 3 @ 8") == masked("  23:59:59.000  accepted  partition 1 @ 41")
    assert masked("flow/0/5/0  redriven as flow/0/5/1") == masked("flow/7/1/0  redriven as flow/7/1/1")
    assert masked("flow/0/5/0") != masked("flow/0/5/1")
    assert masked("done in 3 ms, 1 retry") != masked("done in 3 ms, 2 retries")
    assert masked('"status":"accepted"') != masked('"status":"duplicate"')
