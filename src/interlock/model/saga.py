"""The life of a saga's run, as a table that *is* the behaviour, and the names under which it is stored.

A run is one execution of a saga for one starting event. Rule 1: it is in exactly one state. Rule 2: final states never
change. What a run has done stands in its journal, one entry per step, written in the commit of the step's effects; so
a run is never lost with a process, and no finished step is run again.
"""

from __future__ import annotations

from enum import IntEnum

from interlock.model.hashing import idempotency_key
from interlock.model.problems import Unexpected


class RunState(IntEnum):
    """Values are part of the storage format."""

    RUNNING = 0  # its code is at work, or will be as soon as its event is handled
    WAITING = 1  # for an answer, an event or a timer; the journal says which
    PAUSED = 2  # by a person, or begun so: what arrives is kept, its code stands
    UNDOING = 3  # finished steps are being undone, the last one first
    DIVERGED = 4  # its code does not do what the journal says it did: somebody has to look
    COMPLETED = 5
    UNDONE = 6  # it failed, and every finished step was undone
    CANCELLED = 7  # somebody ended it, and every finished step was undone
    STRANDED = 8  # it failed, and at least one step could not be undone


_ENDS = frozenset({RunState.COMPLETED, RunState.UNDONE, RunState.CANCELLED, RunState.STRANDED})
_UNDONE = _ENDS - {RunState.COMPLETED}
TRANSITIONS: dict[RunState, frozenset[RunState]] = {
    RunState.RUNNING: _ENDS
    | {RunState.RUNNING, RunState.WAITING, RunState.PAUSED, RunState.UNDOING, RunState.DIVERGED},
    RunState.WAITING: _ENDS
    | {RunState.RUNNING, RunState.WAITING, RunState.PAUSED, RunState.UNDOING, RunState.DIVERGED},
    RunState.PAUSED: _UNDONE
    | {RunState.RUNNING, RunState.WAITING, RunState.PAUSED, RunState.COMPLETED, RunState.UNDOING, RunState.DIVERGED},
    RunState.UNDOING: _UNDONE | {RunState.UNDOING, RunState.DIVERGED},
    RunState.DIVERGED: _ENDS | {RunState.RUNNING, RunState.WAITING, RunState.UNDOING, RunState.DIVERGED},
    RunState.COMPLETED: frozenset(),
    RunState.UNDONE: frozenset(),
    RunState.CANCELLED: frozenset(),
    RunState.STRANDED: frozenset(),
}

FINAL = frozenset(state for state, onward in TRANSITIONS.items() if not onward)


def moved(before: RunState, after: RunState) -> RunState:
    """`after`. Unexpected when the table has no such way: a defect of the engine, never of a saga."""
    if after not in TRANSITIONS[before]:
        raise Unexpected(f"A run would go from {before.name.lower()} to {after.name.lower()}.")
    return after


class EntryState(IntEnum):
    """Of one journal entry. Values are part of the storage format."""

    OPEN = 0  # an outside call without its answer, an event or a moment that has not come
    DONE = 1
    FAILED = 2


ENTRY_TRANSITIONS: dict[EntryState, frozenset[EntryState]] = {
    EntryState.OPEN: frozenset({EntryState.DONE, EntryState.FAILED}),
    EntryState.DONE: frozenset(),
    EntryState.FAILED: frozenset(),
}

RUNS = "interlock.run"  # those that are not over
ENDED = "interlock.ended_run"
JOURNAL = "interlock.journal"
MAILBOXES = "interlock.mailbox"
OPEN_RUNS = "interlock.open_runs"
VERSIONS = "interlock.saga_versions"
TIMER_SYSTEM, TIMER_OPERATION = "interlock", "timer"
_CALL = "run:"


def news_type(flow: str) -> str:
    """The type of the internal events that a flow's runs hear of."""
    return f"run:{flow}"


def run_id(source: str, event: str, flow: str, saga: str) -> str:
    """The same event starts a saga once, in whatever generation it is handled."""
    return idempotency_key(f"{source}\x1f{event}", flow, f"saga:{saga}")


def entry_key(run: str, number: int) -> str:
    return f"{run}/{number:06d}"


def mailbox_key(flow: str, event_type: str, key_hash: str) -> str:
    return f"{flow}/{event_type}/{key_hash}"


def call_step(run: str, number: int, name: str) -> str:
    """The step of a delivery that a run's entry waits for."""
    return f"{_CALL}{run}/{number}/{name}"


def called_by(step: str) -> tuple[str, int] | None:
    """The run and the number of its entry, of a delivery that a run waits for."""
    if not step.startswith(_CALL):
        return None
    run, number, _ = step.removeprefix(_CALL).split("/", 2)
    return run, int(number)
