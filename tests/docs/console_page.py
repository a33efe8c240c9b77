"""A page of the docs as a script: its files, its edits, and its commands with what they print.

What the reader does stands in fenced blocks, in this order:

Write `path`: and a block         the file is written
In `path`, … : and a diff block   each `-` line is replaced by the `+` line below it
a console block                   each `$ ` line is run; the lines below it are what it prints
```sh and ```text                 installation, or output alone: not run here
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(r"(?P<lead>[^\n]*)\n\n```(?P<kind>\w+)\n(?P<text>.*?)\n```$", re.DOTALL | re.MULTILINE)
_WRITE = re.compile(r"Write `([^`]+)`.*:")
_EDIT = re.compile(r".*\bIn `([^`]+)`,.*:")


@dataclass(frozen=True)
class WriteFile:
    path: str
    text: str


@dataclass(frozen=True)
class EditFile:
    path: str
    before: str
    after: str


@dataclass(frozen=True)
class Command:
    line: str
    prints: str


Move = WriteFile | EditFile | Command


def moves_of(page: Path) -> Iterator[Move]:
    """In the order of the page."""
    for match in _FENCE.finditer(page.read_text(encoding="utf-8")):
        lead, kind, text = match["lead"], match["kind"], match["text"]
        if kind == "console":
            yield from _commands(text)
        elif kind == "diff":
            yield from _edits(_named(_EDIT, lead), text)
        elif kind in ("json", "python", "toml", "yaml"):
            yield WriteFile(_named(_WRITE, lead), text + "\n")
        elif kind not in ("sh", "text"):
            raise AssertionError(f"what does a reader do with a block of {kind}?")


def _named(pattern: re.Pattern[str], lead: str) -> str:
    match = pattern.fullmatch(lead)
    assert match is not None, f"no file is named before a block: {lead!r}"
    return match[1]


def _commands(text: str) -> Iterator[Command]:
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        line, _, prints = part.partition("\n")
        yield Command(line, prints)


def _edits(path: str, text: str) -> Iterator[EditFile]:
    lines = text.splitlines()
    for before, after in zip(lines[::2], lines[1::2], strict=True):
        assert (before[0], after[0]) == ("-", "+")
        yield EditFile(path, before[1:], after[1:])
