"""Where something stands, as linked tokens: a comparison passes far more places than it reports."""

from __future__ import annotations

from interlock.contracts import pointer

Place = tuple[()] | tuple["Place", str]
"""() is the root; else (where the parent stands, the own token)."""


def deeper(place: Place, *tokens: str) -> Place:
    for token in tokens:
        place = (place, token)
    return place


def read(place: Place) -> str:
    """The JSON Pointer."""
    tokens: list[str] = []
    while place:
        place, token = place
        tokens.append(token)
    return pointer.join(reversed(tokens))
