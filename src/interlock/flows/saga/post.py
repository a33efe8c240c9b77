"""Mailboxes: where events meet the runs that wait for them, whoever comes first."""

from __future__ import annotations

import msgspec

from interlock.flows.saga.records import Entry, Letter, Mailbox, Run, Waiter
from interlock.model.saga import MAILBOXES, mailbox_key
from interlock.model.step import Put, Read
from interlock.sdk.context import StateReader

MOST_LETTERS = 64
KEPT_US = 30 * 86_400_000_000
EMPTY = Mailbox()
_decode = msgspec.json.Decoder(Mailbox).decode


class Post:
    """The mailboxes that one handling looks at. What it changed there goes with its commit, if nobody else did."""

    def __init__(self, flow: str, state: StateReader) -> None:
        self._flow = flow
        self._state = state
        self._boxes: dict[str, tuple[int, Mailbox]] = {}
        self._changed: set[str] = set()

    async def take(self, event_type: str, key_hash: str, run: Run) -> Letter | None:
        """The oldest letter since the run began; it is the run's from now on."""
        name = mailbox_key(self._flow, event_type, key_hash)
        box = await self._box(name)
        for letter in box.letters:
            if letter.time_us >= run.start.time_us:
                kept = tuple(one for one in box.letters if one is not letter)
                self._put(name, msgspec.structs.replace(box, letters=kept))
                return letter
        return None

    async def wait(self, entry: Entry, run: Run) -> None:
        """The run's open entry waits for the next one."""
        name = mailbox_key(self._flow, entry.event_type or "", entry.event_key or "")
        box = await self._box(name)
        waiter = Waiter(run.id, run.partition, run.key_hash, entry.number)
        self._put(name, msgspec.structs.replace(box, waiters=(*box.waiters, waiter)))

    async def leave(self, entry: Entry, run: Run) -> None:
        """It waits no more."""
        name = mailbox_key(self._flow, entry.event_type or "", entry.event_key or "")
        box = await self._box(name)
        kept = tuple(one for one in box.waiters if (one.run, one.number) != (run.id, entry.number))
        if len(kept) < len(box.waiters):
            self._put(name, msgspec.structs.replace(box, waiters=kept))

    async def bring(self, event_type: str, key_hash: str, letter: Letter) -> tuple[Waiter, ...]:
        """Those who wait for it, and do so no longer. When nobody does it is kept: for a while, and not too many."""
        name = mailbox_key(self._flow, event_type, key_hash)
        box = await self._box(name)
        if box.waiters:
            self._put(name, msgspec.structs.replace(box, waiters=()))
            return box.waiters
        young = [one for one in box.letters if one.time_us > letter.time_us - KEPT_US]
        self._put(name, msgspec.structs.replace(box, letters=(*young[-MOST_LETTERS + 1 :], letter)))
        return ()

    @property
    def changed(self) -> bool:
        return bool(self._changed)

    def reads(self) -> list[Read]:
        return [Read(MAILBOXES, name, self._boxes[name][0]) for name in sorted(self._changed)]

    def puts(self) -> list[Put]:
        boxes = [(name, self._boxes[name][1]) for name in sorted(self._changed)]
        return [Put(MAILBOXES, name, None if box == EMPTY else msgspec.json.encode(box)) for name, box in boxes]

    async def _box(self, name: str) -> Mailbox:
        if name not in self._boxes:
            found = await self._state.get(MAILBOXES, name)
            self._boxes[name] = (found[1], _decode(found[0])) if found is not None else (0, EMPTY)
        return self._boxes[name][1]

    def _put(self, name: str, box: Mailbox) -> None:
        self._boxes[name] = (self._boxes[name][0], box)
        self._changed.add(name)
