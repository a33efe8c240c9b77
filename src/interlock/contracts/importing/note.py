"""What an import has to say about the source: one note for each thing that is not as it was."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, get_args

import msgspec

# lost: not in the contract. kept: written down there, but nothing enforces it. changed: in other words, or made up.
# missing: the source does not say what `interlock check` will ask for.
NoteKind = Literal["lost", "kept", "changed", "missing"]
NOTE_KINDS: tuple[NoteKind, ...] = get_args(NoteKind)


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """`source` is a JSON Pointer into the document, or subject and version of a registry, with a pointer after them."""

    source: str
    kind: NoteKind
    what: str
    why: str
    step: str


class Notes:
    """Collected in the order of the source; the same thing is said once."""

    def __init__(self) -> None:
        self._all: dict[Note, None] = {}

    def add(self, source: str, kind: NoteKind, what: str, why: str, step: str) -> None:
        self._all.setdefault(Note(source=source, kind=kind, what=what, why=why, step=step))

    def __iter__(self) -> Iterator[Note]:
        return iter(self._all)
