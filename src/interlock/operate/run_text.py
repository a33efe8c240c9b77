"""Runs of sagas as text."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo

import msgspec

from interlock.flows.saga.records import Entry, Run
from interlock.model.clock import to_datetime
from interlock.model.saga import FINAL, EntryState
from interlock.operate.runs import RunStory, Version
from interlock.operate.table import table_text

_WORDS = {EntryState.OPEN: "open", EntryState.DONE: "done", EntryState.FAILED: "failed"}


def list_text(runs: Sequence[Run], zone: tzinfo | None = None) -> str:
    if not runs:
        return "no runs\n"
    rows = [
        (
            run.id,
            f"{run.flow} {run.saga} {run.version}",
            run.state.name.lower(),
            ", ".join(run.waits_for) or run.reason or "",
            _moment(run.started_us, zone),
            run.start.id,
        )
        for run in runs
    ]
    return table_text(("run", "saga", "state", "waits for, or why", "since", "event"), rows) + (
        "Next: interlock runs show <run>, then pause, resume or cancel it\n"
    )


def story_text(story: RunStory, with_payload: bool, zone: tzinfo | None = None) -> str:
    run = story.run
    lines = [
        f"{run.id}  {run.flow} {run.saga} version {run.version}: {run.state.name.lower()}",
        f"  event        {run.start.id} ({run.start.type} {run.start.version})",
        f"  began        {_moment(run.started_us, zone)}",
    ]
    if run.deadline_us is not None:
        lines.append(f"  deadline     {_moment(run.deadline_us, zone)}")
    if run.waits_for:
        lines.append(f"  waits for    {', '.join(run.waits_for)}")
    if run.reason:
        lines.append(f"  because      {run.reason}")
    lines += [_entry(entry, with_payload, zone) for entry in story.entries]
    if run.state not in FINAL:
        lines.append(
            f"Next: interlock runs cancel {run.id} --reason CODE, or see why it waits: interlock why {run.start.id}"
        )
    return "\n".join(lines) + "\n"


def versions_text(versions: Sequence[Version]) -> str:
    """What may be taken out of the code."""
    if not versions:
        return "no open runs: every old version of every saga may be taken out of the code\n"
    rows = [(one.flow, one.saga, str(one.version), str(one.open)) for one in versions]
    return table_text(("flow", "saga", "version", "open runs"), rows)


def _entry(entry: Entry, with_payload: bool, zone: tzinfo | None) -> str:
    name = entry.name if not entry.key or entry.key == "#1" else f"{entry.name} ({entry.key})"
    said = f"  {_moment(entry.at_us, zone)}  {entry.kind:<8} {name:<28} {_WORDS[entry.state]}"
    if entry.error:
        said += f": {entry.error}"
    if entry.due_us is not None and entry.state is EntryState.OPEN:
        said += f", due {_moment(entry.due_us, zone)}"
    if with_payload and entry.state is EntryState.DONE:
        said += f"  {msgspec.json.encode(entry.result).decode()}"
    return said


def _moment(at_us: int, zone: tzinfo | None) -> str:
    return to_datetime(at_us).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
