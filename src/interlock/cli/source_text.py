"""How one outbox of a user's own stands, for people."""

from __future__ import annotations

from typing import Any

from interlock.app.sources import SourceState


def source_text(state: SourceState) -> str:
    """A line, and one for each refused row that it holds."""
    if state.problem is not None:
        return f"{state.name}  {state.problem.code}: {state.problem.detail}\n   {state.problem.step}\n"
    figures = state.figures
    lines = [f"{state.name}  {figures.waiting} waiting, {figures.refused} refused"]
    if figures.waiting:
        lines[0] += f", the oldest for {figures.oldest_seconds:.0f} s"
    if figures.held_bytes is not None:
        lines[0] += f"; the slot holds {figures.held_bytes / 1_048_576:.1f} MiB of the server's log"
    if figures.refused and not state.refused:
        lines[0] += "; see: interlock outbox status"
    for one in state.refused:
        attributes: dict[str, Any] = dict(one.row.attributes)
        lines.append(f"   {attributes.get('id', '')}  {attributes.get('type', '')}  {one.code}: {one.reason}")
    if state.refused and figures.refused > len(state.refused):
        lines.append(f"   and {figures.refused - len(state.refused)} more")
    if state.refused:
        lines.append("   Correct a row and set refused to NULL: it is relayed again.")
    return "\n".join(lines) + "\n"
