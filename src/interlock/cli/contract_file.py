"""A contract as the command line names it: any file, JSON or YAML, or - for standard input."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

from interlock.contracts.document_text import MAX_BYTES, DocumentText, DocumentUnreadable


class InputUnreadable(Exception):
    """What the arguments name cannot be judged. `place` is a file, with its line if one is known."""

    def __init__(self, place: str, detail: str, step: str) -> None:
        super().__init__(detail)
        self.place = place
        self.detail = detail
        self.step = step

    def __str__(self) -> str:
        return f"{self.place}  {self.detail}\n   {self.step}"


class ContractFile(NamedTuple):
    """`name` is as it was given, with slashes."""

    name: str
    text: DocumentText


def read_contract(given: str) -> ContractFile:
    """Raises InputUnreadable."""
    name = "stdin" if given == "-" else Path(given).as_posix()
    try:
        return ContractFile(name, DocumentText(_content(given)))
    except OSError as error:
        step = "Give a file that exists and that this user may read."
        raise InputUnreadable(name, f"It cannot be read: {error.strerror or error}.", step) from None
    except DocumentUnreadable as problem:
        raise InputUnreadable(f"{name}:{problem.line}", problem.detail, "Correct the text at this line.") from None


def _content(given: str) -> bytes:
    """Never more than one byte beyond the limit, which the reading then refuses."""
    if given == "-":
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    with Path(given).open("rb") as file:
        return file.read(MAX_BYTES + 1)
