"""Puts right in files what can be put right without changing what is valid."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from interlock.contracts.document_text import DocumentText, DocumentUnreadable
from interlock.contracts.lint.repair import REPAIRS, Asked, repaired
from interlock.estate.lint import Linted

# One repair may uncover another: two equal elements beside a third.
PASSES = 4


def fix(lint: Callable[[], Linted], asked: Asked) -> dict[str, int]:
    """How many places of which files were put right. `lint` is run again until nothing more can be."""
    fixed: dict[str, int] = {}
    for _ in range(PASSES):
        flaws: dict[str, list[tuple[str, str]]] = {}
        for one in lint().findings:
            if one.code in REPAIRS:
                flaws.setdefault(one.file, []).append((one.code, one.pointer))
        counts = {file: count for file, found in flaws.items() if (count := _fix_file(Path(file), found, asked))}
        for file, count in counts.items():
            fixed[file] = fixed.get(file, 0) + count
        if not counts:
            break
    return fixed


def _fix_file(path: Path, flaws: list[tuple[str, str]], asked: Asked) -> int:
    try:
        text = DocumentText(path.read_bytes())
    except DocumentUnreadable:
        return 0  # it was read a moment ago: somebody else is at it
    after, count = repaired(text, flaws, asked)
    if count:
        _write(path, after.encode())
    return count


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all: a file beside it takes its place."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(path.stat().st_mode)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
