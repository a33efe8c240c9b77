"""Events of the domain orders, generated from contracts/events/orders.

Do not edit: change the schemas, then run `interlock generate`.
"""

# schemas: 477fce3307b8bf4e

from __future__ import annotations

import datetime
import decimal
from collections.abc import Sequence
from typing import ClassVar, Literal

import msgspec


class OrderNoted(msgspec.Struct, frozen=True, kw_only=True):
    """An order was written down."""

    __contract__: ClassVar[str] = "orders.OrderNoted"
    __version__: ClassVar[str] = "1.0.0"

    order_id: str
    total: decimal.Decimal


class OrderPlaced(msgspec.Struct, frozen=True, kw_only=True):
    """A customer ordered."""

    __contract__: ClassVar[str] = "orders.OrderPlaced"
    __version__: ClassVar[str] = "1.0.0"

    order_id: str
    customer: str
    placed_at: datetime.datetime
    currency: Literal["EUR", "GBP", "USD"]
    lines: Sequence[OrderPlacedLine]
    total: decimal.Decimal


class OrderPlacedLine(msgspec.Struct, frozen=True, kw_only=True):
    sku: str
    quantity: int
    unit_price: decimal.Decimal
