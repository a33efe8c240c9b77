"""Events of the domain finance, generated from contracts/events/finance.

Do not edit: change the schemas, then run `interlock generate`.
"""

# schemas: 2bc141c21f0b57aa

from __future__ import annotations

import decimal
from typing import ClassVar, Literal

import msgspec


class CreditPosted(msgspec.Struct, frozen=True, kw_only=True):
    """A credit note stands in the ledger."""

    __contract__: ClassVar[str] = "finance.CreditPosted"
    __version__: ClassVar[str] = "1.0.0"

    order_id: str
    reference: str
    entry_id: str
    currency: Literal["GBP"]
    amount: decimal.Decimal


class InvoicePosted(msgspec.Struct, frozen=True, kw_only=True):
    """An order stands in the ledger."""

    __contract__: ClassVar[str] = "finance.InvoicePosted"
    __version__: ClassVar[str] = "1.0.0"

    order_id: str
    entry_id: str
    currency: Literal["GBP"]
    amount: decimal.Decimal
