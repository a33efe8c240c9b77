"""The reader's day, for commands that show times."""

from __future__ import annotations

from datetime import date

from interlock.adapters.system import SystemClock
from interlock.model.clock import to_datetime


def today() -> date:
    """In this machine's zone."""
    return to_datetime(SystemClock().now_us()).astimezone().date()


def now_text() -> str:
    """In UTC, to the second, as build servers write it: 2026-11-24T14:02:11."""
    return to_datetime(SystemClock().now_us()).strftime("%Y-%m-%dT%H:%M:%S")
