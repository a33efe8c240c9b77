"""Events of the domain ledger, generated from contracts/events/ledger.

Do not edit: change the schemas, then run `interlock generate`.
"""

# schemas: 8b17e2dcd8899176

from __future__ import annotations

from typing import ClassVar

import msgspec


class EntryPosted(msgspec.Struct, frozen=True, kw_only=True):
    """A writer has posted an entry."""

    __contract__: ClassVar[str] = "ledger.EntryPosted"
    __version__: ClassVar[str] = "1.0.0"

    entry_id: str
    account: str
    amount: int
    outside: bool


class EntryRecorded(msgspec.Struct, frozen=True, kw_only=True):
    """The entry is in its account's list."""

    __contract__: ClassVar[str] = "ledger.EntryRecorded"
    __version__: ClassVar[str] = "1.0.0"

    entry_id: str
    account: str


class TransferMade(msgspec.Struct, frozen=True, kw_only=True):
    """Money went from one account to another."""

    __contract__: ClassVar[str] = "ledger.TransferMade"
    __version__: ClassVar[str] = "1.0.0"

    transfer_id: str
    number: int
