"""What a run has done, in memory, while one event of it is handled."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from interlock.flows.saga.records import Entry, EntryKind
from interlock.model.problems import Diverged, Unexpected
from interlock.model.saga import ENTRY_TRANSITIONS, EntryState

ENDS = ("cancel", "deadline")
Place = tuple[str, str]  # name and loop key


class Journal:
    """Entries by place and by number. `changed` are those that no commit has carried yet.

    `end` is the entry that ended the run from outside, if one did.
    """

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._entries = list(entries)
        self._at: dict[Place, Entry] = {(entry.name, entry.key): entry for entry in self._entries}
        self._settled = max((entry.settled for entry in self._entries), default=0)
        self._changed: dict[int, Entry] = {}
        self.end = next((entry for entry in self._entries if entry.kind in ENDS), None)

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, place: Place, kind: EntryKind, arguments: str) -> Entry | None:
        """The entry at the place. Diverged when something else stands there."""
        entry = self._at.get(place)
        if entry is not None and (entry.kind, entry.arguments) != (kind, arguments):
            what = "with other arguments" if entry.kind == kind else f"as a {entry.kind}"
            raise Diverged(f"The step {place[0]} was recorded {what} than the code has now.")
        return entry

    def at(self, place: Place) -> Entry | None:
        return self._at.get(place)

    def number(self, number: int) -> Entry | None:
        return self._entries[number] if 0 <= number < len(self._entries) else None

    def next_settled(self) -> int:
        """To be given to the next entry that is done or failed. Numbers of what was not committed are left out."""
        self._settled += 1
        return self._settled

    def add(self, entry: Entry) -> None:
        """One more, which a commit has carried, or will: then mark it with `change`."""
        assert entry.number == len(self._entries)
        self._entries.append(entry)
        self._at[entry.name, entry.key] = entry

    def change(self, entry: Entry) -> None:
        """Settle an open entry, or add one; the next commit carries it."""
        if entry.number == len(self._entries):
            self.add(entry)
        else:
            before = self._entries[entry.number]
            if entry.state not in ENTRY_TRANSITIONS[before.state]:
                way = f"{before.state.name.lower()} to {entry.state.name.lower()}"
                raise Unexpected(f"The entry {entry.name} of a journal would go from {way}.")
            self._entries[entry.number] = self._at[entry.name, entry.key] = entry
        self._changed[entry.number] = entry
        if entry.kind in ENDS:
            self.end = entry

    def changed(self) -> Sequence[Entry]:
        return list(self._changed.values())

    def carried(self, entries: Iterable[Entry]) -> None:
        """They are durable."""
        for entry in entries:
            if self._changed.get(entry.number) is entry:
                del self._changed[entry.number]

    def tries_before(self, position: int) -> int:
        """How many tries of the event's handling had passed when it last got a step done: those count no longer."""
        return max((entry.tries - 1 for entry in self._entries if entry.position == position), default=0)

    def open(self) -> list[Entry]:
        return [entry for entry in self._entries if entry.state is EntryState.OPEN]


def hash_of(arguments: Any) -> str:
    """Sixteen hexadecimal digits that stand for arguments, which must be JSON data or classes of it."""
    encoded = msgspec.json.encode(arguments, order="deterministic")
    return hashlib.blake2b(encoded, digest_size=8).hexdigest()
