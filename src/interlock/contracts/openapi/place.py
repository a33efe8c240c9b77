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
    text = "/".join(reversed(tokens))
    if "~" in text or text.count("/") != len(tokens) - 1:
        return pointer.join(reversed(tokens))
    return f"/{text}" if tokens else ""


def home(place: Place, depth: int = 3) -> Place:
    """The first tokens of it: the component, or the operation, that it lies in."""
    length = 0
    above = place
    while above:
        above = above[0]
        length += 1
    for _ in range(length - depth):
        place = place[0]  # type: ignore[misc] # it is as long as we counted
    return place
