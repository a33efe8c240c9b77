"""Which contract versions what is stored still carries: what a replay or a redrive would meet."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

Place = Literal["log", "parked", "dead_letters", "pending_calls", "dead_calls"]
_WORDS: dict[Place, tuple[str, str]] = {
    "log": ("event of the log", "events of the log"),
    "parked": ("parked event", "parked events"),
    "dead_letters": ("dead letter", "dead letters"),
    "pending_calls": ("pending call", "pending calls"),
    "dead_calls": ("dead call", "dead calls"),
}


class Carried(NamedTuple):
    """`total` things of one contract version in one place; `flow` is "" for the log. Calls count by their event."""

    type: str
    version: str
    place: Place
    flow: str
    total: int


def said(carried: Iterable[Carried]) -> str:
    """3 dead letters of flow ledger, 120 events of the log: what must not be lost first, the log last."""
    order = list(_WORDS)
    parts = []
    for one in sorted(carried, key=lambda row: (row.place == "log", row.flow, order.index(row.place))):
        word = _WORDS[one.place][one.total != 1]
        parts.append(f"{one.total} {word}" + (f" of flow {one.flow}" if one.flow else ""))
    return ", ".join(parts)
