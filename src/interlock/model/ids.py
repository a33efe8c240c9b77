"""Identifiers and chance, as the rest of the code may know them."""

from __future__ import annotations

from typing import Protocol


class Ids(Protocol):
    """The only source of identifiers and of randomness."""

    def new_id(self) -> str:
        """A UUIDv7 (RFC 9562 section 5.7) as text: time-ordered, so that indexes on it stay hot at one edge."""
        ...

    def chance(self) -> float:
        """Uniform in [0, 1): for jitter, never for secrets."""
        ...

    def trace_parent(self) -> str:
        """A fresh W3C `traceparent` (Trace Context level 1, section 3.2), not sampled."""
        ...
