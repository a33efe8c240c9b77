"""Events of the domain orders, generated from contracts/events/orders.

Do not edit: change the schemas, then run `interlock generate`.
"""

# schemas: 85c954c72eacfef5

from __future__ import annotations

import datetime
import decimal
from collections.abc import Sequence
from typing import ClassVar, Literal

import msgspec


class InvoiceImported(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice of the shop was read from an export."""

    __contract__: ClassVar[str] = "orders.InvoiceImported"
    __version__: ClassVar[str] = "1.0.0"

    invoice: str
    customer_key: str
    lines: Sequence[InvoiceImportedLine]


class InvoiceImportedLine(msgspec.Struct, frozen=True, kw_only=True):
    sku: str
    description: str
    quantity: str
    invoice_date: str
    unit_price: str
    customer: str
    country: str


class OrderCancelled(msgspec.Struct, frozen=True, kw_only=True):
    """Lines of an order were cancelled, in part or in full, or discounted later."""

    __contract__: ClassVar[str] = "orders.OrderCancelled"
    __version__: ClassVar[str] = "1.0.0"

    order_id: str
    cancellation: str
    cancelled_at: datetime.datetime
    currency: Literal["GBP"]
    lines: Sequence[OrderCancelledLine]
    amount: decimal.Decimal


class OrderCancelledLine(msgspec.Struct, frozen=True, kw_only=True):
    sku: str
    quantity: int
    unit_price: decimal.Decimal
    amount: decimal.Decimal


class OrderPlaced(msgspec.Struct, frozen=True, kw_only=True):
    """A customer ordered."""

    __contract__: ClassVar[str] = "orders.OrderPlaced"
    __version__: ClassVar[str] = "1.0.0"

    order_id: str
    customer: str | msgspec.UnsetType = msgspec.UNSET
    country: str
    placed_at: datetime.datetime
    currency: Literal["GBP"]
    lines: Sequence[OrderPlacedLine]
    total: decimal.Decimal
    duplicate_rows: int


class OrderPlacedLine(msgspec.Struct, frozen=True, kw_only=True):
    sku: str
    description: str
    quantity: int
    unit_price: decimal.Decimal
    amount: decimal.Decimal
    kind: Literal["goods", "service"]


class OrderShorted(msgspec.Struct, frozen=True, kw_only=True):
    """Stock did not suffice for a paid order; nothing of it was reserved."""

    __contract__: ClassVar[str] = "orders.OrderShorted"
    __version__: ClassVar[str] = "1.0.0"

    order_id: str
    skus: Sequence[str]
    currency: Literal["GBP"]
    total: decimal.Decimal


class RowsRefused(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of an invoice were mapped to nothing, for one stated reason."""

    __contract__: ClassVar[str] = "orders.RowsRefused"
    __version__: ClassVar[str] = "1.0.0"

    invoice: str
    reason: str
    rows: Sequence[int]
    units: int | msgspec.UnsetType = msgspec.UNSET
