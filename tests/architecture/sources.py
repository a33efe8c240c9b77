"""The source files of the package, parsed once."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "interlock"


@cache
def sources() -> dict[str, ast.Module]:
    """Syntax trees by path below `src/interlock`."""
    files = sorted(PACKAGE.rglob("*.py"))
    return {file.relative_to(PACKAGE).as_posix(): ast.parse(file.read_text()) for file in files}


def room_of(path: str) -> str:
    return path.partition("/")[0]
