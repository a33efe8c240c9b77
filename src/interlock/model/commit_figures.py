"""How long commits take and how much they carry."""

from __future__ import annotations

from interlock.model.histogram import Histogram

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
_ITEMS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


class CommitFigures:
    """Of the commits that succeeded since the store was opened."""

    __slots__ = ("items", "seconds")

    def __init__(self) -> None:
        self.seconds = Histogram(_SECONDS)
        self.items = Histogram(_ITEMS)
