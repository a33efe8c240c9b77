"""For a terminal: where, what, why it matters, the next step. The place comes first, so that editors jump there."""

from __future__ import annotations

from interlock.contracts.report.entry import Entry


def entry_text(entry: Entry) -> str:
    """Two lines or more."""
    head = f"{entry.file}:{entry.line}  {entry.rule}  {entry.gravity}"
    waived = "" if entry.waived is None else f", waived: {entry.waived}"
    return "\n   ".join((head + waived, *entry.words.split("\n")))
