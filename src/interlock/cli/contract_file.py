"""A contract as the command line names it: any file, JSON or YAML, or - for standard input."""

from __future__ import annotations

import os
import select
import stat
import sys
from pathlib import Path
from typing import NamedTuple

from interlock.contracts.document_text import MAX_BYTES, DocumentText, DocumentUnreadable

WRITER_SECONDS = 30


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
    with open(given, "rb", opener=_opened) as file:
        return file.read(MAX_BYTES + 1)


def _opened(path: str, flags: int) -> int:
    """A pipe may stand for a file, `<(git show …)` of a shell; opening one that nobody writes to would wait for ever.
    OSError after WRITER_SECONDS without a writer."""
    opened = os.open(path, flags | os.O_NONBLOCK)
    if stat.S_ISFIFO(os.fstat(opened).st_mode):
        pipe = select.poll()
        pipe.register(opened, select.POLLIN)
        if not pipe.poll(WRITER_SECONDS * 1000):
            os.close(opened)
            raise OSError(f"It is a pipe, and nobody has written to it for {WRITER_SECONDS} seconds")
    os.set_blocking(opened, True)
    return opened
