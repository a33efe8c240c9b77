"""Guides that are made of commands are followed, word for word."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from docs.console_page import Command, moves_of
from docs.reader import Reader

from interlock.testing.server_process import free_port

GUIDES = Path(__file__).parents[2] / "docs" / "guides"


@pytest.mark.journey
@pytest.mark.parametrize("guide", ["new", "compare-contracts", "import", "lint", "simulate-your-estate"])
def test_the_guide_is_true(guide: str, tmp_path: Path) -> None:
    moves = list(moves_of(GUIDES / f"{guide}.md"))
    assert sum(isinstance(move, Command) for move in moves) > 3
    reader = Reader(tmp_path, Path(sys.executable).parent, free_port())
    try:
        for move in moves:
            reader.follow(move)
    finally:
        reader.stop_engine()
