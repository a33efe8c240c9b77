"""Events of the domain inventory, generated from contracts/events/inventory.

Do not edit: change the schemas, then run `interlock generate`.
"""

# schemas: 368b96d996e82034

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import msgspec


class StockReceived(msgspec.Struct, frozen=True, kw_only=True):
    """Goods arrived; they may be sold."""

    __contract__: ClassVar[str] = "inventory.StockReceived"
    __version__: ClassVar[str] = "1.0.0"

    sku: str
    quantity: int


class StockReserved(msgspec.Struct, frozen=True, kw_only=True):
    """All goods of an order were taken from stock."""

    __contract__: ClassVar[str] = "inventory.StockReserved"
    __version__: ClassVar[str] = "1.0.0"

    order_id: str
    lines: Sequence[StockReservedLine]


class StockReservedLine(msgspec.Struct, frozen=True, kw_only=True):
    sku: str
    quantity: int
