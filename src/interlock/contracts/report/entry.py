"""A finding as every format needs it, whoever found it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Gravity = Literal["error", "warning", "info"]
FORMATS = ("text", "json", "markdown", "junit", "sarif")


@dataclass(frozen=True, slots=True)
class Entry:
    """`file` is a path with slashes, `line` counts from 1, `pointer` is a JSON Pointer in the file.

    more    further lines, each whole: values, a witness, the next step
    waived  the reason why nobody has to act on it
    """

    rule: str
    gravity: Gravity
    file: str
    line: int
    message: str
    pointer: str = ""
    more: tuple[str, ...] = ()
    waived: str | None = None

    @property
    def refuses(self) -> bool:
        return self.gravity == "error" and self.waived is None

    @property
    def words(self) -> str:
        """All that there is to say, line by line."""
        return "\n".join((self.message, *self.more))


@dataclass(frozen=True, slots=True)
class Report:
    """What one run of a command has found.

    command   such as "interlock diff"
    subject   what was looked at, in a few words
    summary   the answer in one line
    files     all files that were looked at; those without an entry are sound
    purposes  of each rule that may appear, by id
    """

    command: str
    subject: str
    summary: str
    entries: tuple[Entry, ...]
    files: tuple[str, ...] = ()
    purposes: Mapping[str, str] = field(default_factory=dict)
