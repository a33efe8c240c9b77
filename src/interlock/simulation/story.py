"""What happened in one schedule, a line for each event, as a reader wants it: when, who, what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

FAULT = "✗"
OUTSIDE = "world"


class Line(NamedTuple):
    at_us: int
    who: str
    what: str

    def __str__(self) -> str:
        return f"{self.at_us / 1_000_000:10.4f}  {self.who:<12} {self.what}"


class Story:
    """`kept` False: nothing is kept, for the many runs that nobody reads."""

    def __init__(self, kept: bool) -> None:
        self.kept = kept
        self.lines: list[Line] = []

    def tell(self, at_us: int, who: str, what: str) -> None:
        if self.kept:
            self.lines.append(Line(at_us, who, what))


def shortened(lines: Sequence[Line], most: int) -> list[str]:
    """All lines with a fault, and of the others the last ones, up to `most` in all."""
    if len(lines) <= most:
        return [str(line) for line in lines]
    faults = sum(line.what.startswith(FAULT) for line in lines)
    room = max(most - faults, 10)
    first_kept = len(lines) - room
    shown: list[str] = []
    left_out = 0
    for place, line in enumerate(lines):
        if place >= first_kept or line.what.startswith(FAULT):
            if left_out:
                shown.append(f"            … {left_out} lines left out …")
                left_out = 0
            shown.append(str(line))
        else:
            left_out += 1
    return shown
