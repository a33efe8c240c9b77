"""What the report consists of: figures of ours beside figures of a rival's, each with all its rounds."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median

TIE = 1.3
"""Differences below this factor are ties on a noisy machine (LIMITS)."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One side: the samples of its rounds, in the comparison's unit."""

    name: str
    samples: tuple[float, ...]
    cpu_us: float | None = None  # CPU time of the whole side per event, median
    servers_us: float | None = None  # the part of it that servers spent: a database, a broker

    @property
    def median(self) -> float:
        return median(self.samples)

    @property
    def spread(self) -> str:
        """Smallest and largest sample."""
        return f"{short(min(self.samples))}–{short(max(self.samples))}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """A row of the table. `ratio` above 1 always means that ours is better, also where less is better.

    note   what the rival does and does not do for it
    aim    the ratio that the issue asks for
    """

    part: str
    measure: str
    unit: str
    ours: Figure
    theirs: Figure | None = None
    note: str = ""
    aim: float | None = None
    less_is_better: bool = False

    @property
    def ratio(self) -> float | None:
        if self.theirs is None:
            return None
        better, worse = (self.theirs, self.ours) if self.less_is_better else (self.ours, self.theirs)
        return better.median / worse.median if worse.median else None

    @property
    def verdict(self) -> str:
        """Against the aim where there is one; else win, tie or loss."""
        ratio = self.ratio
        if ratio is None:
            return ""
        if self.aim is not None:
            return f"aim {self.aim:g} {'met' if ratio >= self.aim else 'MISSED'}"
        return "win" if ratio >= TIE else "loss" if ratio <= 1 / TIE else "tie"


@dataclass(slots=True)
class Findings:
    """What one part of the bench found: comparisons, and remarks such as a rival that could not run."""

    comparisons: list[Comparison] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def short(value: float) -> str:
    """Three digits that matter: 12.3 k, 456, 7.89."""
    if abs(value) >= 10_000:
        return f"{value / 1000:.1f} k"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"
