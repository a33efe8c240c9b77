"""The report of an import: what stands where, and what could not be carried, as Markdown."""

from __future__ import annotations

from collections.abc import Iterable

from interlock.contracts.importing.note import NOTE_KINDS, Note, NoteKind

_HEADS: dict[NoteKind, str] = {
    "lost": "Not carried",
    "kept": "Written down, but enforced by nothing",
    "changed": "Said in other words, or made up",
    "missing": "What `interlock check` will ask for",
}


def markdown(title: str, contracts: Iterable[tuple[str, str]], notes: Iterable[Note]) -> str:
    """`contracts` are (path, source). Made of source and options alone, so that importing again gives the same text."""
    every = list(notes)
    lines = [f"# {title}", "", "| contract | from |", "|---|---|"]
    lines += [f"| `{path}` | {_cell(source)} |" for path, source in contracts]
    for kind in NOTE_KINDS:
        some = [note for note in every if note.kind == kind]
        if some:
            lines += ["", f"## {_HEADS[kind]} ({len(some)})", ""]
            lines += ["| where | what | why | what to do |", "|---|---|---|---|"]
            lines += [_row(note) for note in some]
    if not every:
        lines += ["", "Everything was carried as it was."]
    return "\n".join(lines) + "\n"


def _row(note: Note) -> str:
    return f"| `{_cell(note.source)}` | {_cell(note.what)} | {_cell(note.why)} | {_cell(note.step)} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
