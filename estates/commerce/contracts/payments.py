"""Events of the domain payments, generated from contracts/events/payments.

Do not edit: change the schemas, then run `interlock generate`.
"""

# schemas: bc119e1475cd4723

from __future__ import annotations

import decimal
from typing import ClassVar, Literal

import msgspec


class PaymentAuthorized(msgspec.Struct, frozen=True, kw_only=True):
    """The gateway took the money for an order."""

    __contract__: ClassVar[str] = "payments.PaymentAuthorized"
    __version__: ClassVar[str] = "1.0.0"

    order_id: str
    payment_id: str
    currency: Literal["GBP"]
    amount: decimal.Decimal


class PaymentDeclined(msgspec.Struct, frozen=True, kw_only=True):
    """The gateway refused to take the money: the order ends here."""

    __contract__: ClassVar[str] = "payments.PaymentDeclined"
    __version__: ClassVar[str] = "1.0.0"

    order_id: str
    currency: Literal["GBP"]
    amount: decimal.Decimal


class PaymentRefunded(msgspec.Struct, frozen=True, kw_only=True):
    """The gateway gave money back."""

    __contract__: ClassVar[str] = "payments.PaymentRefunded"
    __version__: ClassVar[str] = "1.0.0"

    order_id: str
    reference: str
    reason: Literal["cancellation", "shortage"]
    refund_id: str
    currency: Literal["GBP"]
    amount: decimal.Decimal
