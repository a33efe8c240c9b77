"""What a run consists of, as it stands in the state store: JSON values of tables of our own."""

from __future__ import annotations

from typing import Literal

import msgspec

from interlock.model.saga import EntryState, RunState

EntryKind = Literal["step", "wait", "sleep", "undo", "cancel", "deadline"]


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One entry of a run's journal, at its `number`. (name, key) is unique in the run."""

    number: int
    kind: EntryKind
    name: str
    key: str
    arguments: str  # hash of the arguments, hexadecimal
    state: EntryState
    at_us: int
    settled: int = 0  # the how manieth of the run to be done or failed; 0 while it is open
    tries: int = 1  # of the handling that it was written in, this one included
    position: int = 0  # of the event that was handled then
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: str | None = None  # a code
    delivery: str | None = None  # the call whose answer it waits for, or the timer
    due_us: int | None = None
    event_type: str | None = None  # what it waits for
    event_key: str | None = None  # keyed hash of the key of what it waits for, hexadecimal


class Start(msgspec.Struct, frozen=True):
    """The event that a run began with: a copy, since logs expire."""

    position: int
    generation: int
    id: str
    source: str
    type: str
    version: str
    time_us: int
    correlation: str | None
    trace: str | None
    business: str  # hexadecimal
    body: msgspec.Raw


class Run(msgspec.Struct, frozen=True, omit_defaults=True):
    """A run as it stands after the last event that it handled."""

    id: str
    flow: str
    saga: str
    version: int
    state: RunState
    partition: int
    key_hash: int
    start: Start
    started_us: int
    updated_us: int
    deadline_us: int | None = None
    deadline_timer: str | None = None
    waits_for: tuple[str, ...] = ()  # in words: "payments.charge", "orders.Shipped", "sleep"
    reason: str | None = None  # a code: why it is undone, or diverged


class Waiter(msgspec.Struct, frozen=True):
    """Somebody in a mailbox: the entry of a run that waits for the next event there."""

    run: str
    partition: int
    key_hash: int
    number: int


class Letter(msgspec.Struct, frozen=True):
    """An event that came before anybody waited for it."""

    id: str
    time_us: int
    body: msgspec.Raw


class Mailbox(msgspec.Struct, frozen=True, omit_defaults=True):
    """What waits for whom: of one flow, one type of event, one key."""

    waiters: tuple[Waiter, ...] = ()
    letters: tuple[Letter, ...] = ()
