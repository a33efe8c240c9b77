"""The tables of a run's life, drawn as the page docs/reference/runs.md.

python -m interlock.flows.saga.state_docs docs/reference
"""

from __future__ import annotations

import sys
from pathlib import Path

from interlock.flows.saga.desk import FITTING
from interlock.model.saga import ENTRY_TRANSITIONS, FINAL, TRANSITIONS, EntryState, RunState

_MEANINGS: dict[RunState, str] = {
    RunState.RUNNING: "its code is at work, or will be with its next event",
    RunState.WAITING: "for an answer, an event or a moment: `interlock runs show` says for which",
    RunState.PAUSED: "by a person, or begun so; what arrives is kept, its code stands",
    RunState.UNDOING: "finished steps are being undone, the last one first",
    RunState.DIVERGED: "its code does not do what its journal says: its event is a dead letter, redrive it when mended",
    RunState.COMPLETED: "it came to its end",
    RunState.UNDONE: "it failed, and every finished step that has an undo was undone",
    RunState.CANCELLED: "a person ended it, and every finished step that has an undo was undone",
    RunState.STRANDED: "it failed, and at least one step could not be undone: somebody has to",
}
_ENTRIES: dict[EntryState, str] = {
    EntryState.OPEN: "a call without its answer, an event or a moment that has not come",
    EntryState.DONE: "its result is kept, and told again whenever the code runs again",
    EntryState.FAILED: "refused, rejected, out of attempts, or too late: the code hears of it",
}

_HEAD = """# Runs of sagas

<!-- Made from src/interlock/model/saga.py. Change the tables there, then: make docs -->

A run is one execution of a saga for one event. How to write one: [sagas](../guides/sagas.md).

| state | final | meaning |
|---|---|---|
"""


def page() -> str:
    """The whole page, as Markdown."""
    states = [f"| {_word(one)} | {'yes' if one in FINAL else 'no'} | {_MEANINGS[one]} |" for one in RunState]
    arrows = [f"    {_word(a)} --> {_word(b)}" for a, onward in TRANSITIONS.items() for b in sorted(onward) if a != b]
    ends = [f"    {_word(one)} --> [*]" for one in RunState if one in FINAL]
    people = [f"| {kind} | {', '.join(_word(one) for one in sorted(fits))} |" for kind, fits in FITTING.items()]
    entries = [f"| {one.name.lower()} | {_ENTRIES[one]} | {_onward(one)} |" for one in EntryState]
    return (
        _HEAD
        + _lines(states)
        + "\n```mermaid\nstateDiagram-v2\n    [*] --> running\n    [*] --> paused\n"
        + _lines(arrows + ends)
        + "```\n\n## What people may ask of a run\n\n| command | in the states |\n|---|---|\n"
        + _lines(people)
        + "\n## Entries of its journal\n\n| state | meaning | next |\n|---|---|---|\n"
        + _lines(entries)
    )


def _word(state: RunState) -> str:
    return state.name.lower()


def _onward(state: EntryState) -> str:
    return ", ".join(one.name.lower() for one in sorted(ENTRY_TRANSITIONS[state])) or "none"


def _lines(lines: list[str]) -> str:
    return "".join(line + "\n" for line in lines)


if __name__ == "__main__":
    (Path(sys.argv[1]) / "runs.md").write_text(page(), encoding="utf-8", newline="\n")
