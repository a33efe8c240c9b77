"""Deprecation in a document: `deprecated` says that it will end, `x-sunset` (a date, as oasdiff reads it) when."""

from __future__ import annotations

from datetime import date
from typing import Any


def sunset_of(value: Any) -> date | None:
    """The day of an `x-sunset`; None where there is none, or nothing that could be read as one."""
    if not isinstance(value, str):
        return None
    try:
        return date.fromisoformat(value[:10])
    except ValueError:
        return None


def is_over(holder: Any, today: date | None) -> bool:
    """Deprecated, and its sunset has passed. Without a today nothing is over."""
    if not isinstance(holder, dict) or holder.get("deprecated") is not True or today is None:
        return False
    sunset = sunset_of(holder.get("x-sunset"))
    return sunset is not None and sunset <= today
