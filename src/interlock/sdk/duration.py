"""Spans of time as people write them: "90s", "15m", "2h", "5d", "1w", or seconds as a number."""

from __future__ import annotations

import re

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_FORM = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)", re.ASCII)


def seconds_of(span: str | float) -> float:
    """Seconds. ValueError for what is no span, or is negative."""
    if isinstance(span, str):
        found = _FORM.fullmatch(span.strip())
        if found is None:
            raise ValueError(f'{span!r} is no span of time: write "90s", "15m", "2h" or "5d"')
        return float(found[1]) * _UNITS[found[2]]
    if not span >= 0:
        raise ValueError("a span of time is not negative")
    return float(span)
