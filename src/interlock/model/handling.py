"""The life of a handling, as a table that *is* the behaviour.

A handling is one (event, flow, generation). Rule 1: it is in exactly one state. Rule 2: final states never change;
a redrive opens the next generation instead. `pending` has no row: an event beyond the flow's cursor is pending.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple


class HandlingState(IntEnum):
    """Values are part of the storage format."""

    PENDING = 0
    PARKED = 1
    DONE = 2
    SKIPPED = 3
    DEAD = 4
    DISCARDED = 5


TRANSITIONS: dict[HandlingState, frozenset[HandlingState]] = {
    HandlingState.PENDING: frozenset(
        {
            HandlingState.PARKED,
            HandlingState.DONE,
            HandlingState.SKIPPED,
            HandlingState.DEAD,
            HandlingState.DISCARDED,  # the log dropped the event, and a person gave it up
        }
    ),
    HandlingState.PARKED: frozenset(
        {HandlingState.PARKED, HandlingState.DONE, HandlingState.SKIPPED, HandlingState.DEAD, HandlingState.DISCARDED}
    ),
    HandlingState.DONE: frozenset(),
    HandlingState.SKIPPED: frozenset(),
    HandlingState.DEAD: frozenset(),
    HandlingState.DISCARDED: frozenset(),
}

FINAL = frozenset(state for state, onward in TRANSITIONS.items() if not onward)

WORDS: dict[HandlingState, str] = {
    HandlingState.PENDING: "pending",
    HandlingState.PARKED: "parked",
    HandlingState.DONE: "done",
    HandlingState.SKIPPED: "skipped",
    HandlingState.DEAD: "dead-lettered",
    HandlingState.DISCARDED: "discarded",
}


class Mark(NamedTuple):
    """The identity of a handling: dedupe mark and record in one. Never expires."""

    flow: str
    partition: int
    position: int
    generation: int
