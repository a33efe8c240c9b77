"""Semantic versions (semver.org 2.0.0), the part that contracts use: three numbers, no suffix."""

from __future__ import annotations

import re
from typing import NamedTuple

_PATTERN = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)", re.ASCII)


class SemanticVersion(NamedTuple):
    """Ordered as semver orders."""

    major: int
    minor: int
    patch: int

    @classmethod
    def parse(cls, text: str) -> SemanticVersion:
        """ValueError when it is none."""
        match = _PATTERN.fullmatch(text)
        if match is None:
            raise ValueError(f"no semantic version: {text}")
        return cls(*(int(part) for part in match.groups()))

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"
