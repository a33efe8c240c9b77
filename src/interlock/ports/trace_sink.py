"""Port: where sampled spans go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol


class Span(NamedTuple):
    """A finished span. Ids as in W3C Trace Context; times in microseconds since the epoch."""

    trace_parent: str
    name: str
    start_us: int
    duration_us: int
    attributes: Mapping[str, str | int]
    error: str | None


class TraceSink(Protocol):
    """Takes spans of sampled traces. Must return at once and never raise; may drop, and counts what it drops."""

    def record(self, span: Span) -> None: ...

    @property
    def dropped(self) -> int: ...
