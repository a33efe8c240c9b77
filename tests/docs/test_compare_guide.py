"""The guide to `interlock diff` is followed, word for word."""

from __future__ import annotations

import sys
from pathlib import Path

from docs.console_page import Command, moves_of
from docs.reader import Reader

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "compare-contracts.md"


def test_the_page_is_true(tmp_path: Path) -> None:
    moves = list(moves_of(GUIDE))
    assert sum(isinstance(move, Command) for move in moves) == 4
    reader = Reader(tmp_path, Path(sys.executable).parent, 8700)
    for move in moves:
        reader.follow(move)
