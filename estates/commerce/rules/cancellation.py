"""Cancelled parts, gathered by the order that they belong to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from estate.contracts.orders import OrderCancelled, OrderCancelledLine
from estate.rules.money import CURRENCY, NOTHING
from estate.rules.purchases import GivenBack
from estate.rules.sheet import Sheet


def cancelled_orders(sheet: Sheet, parts: Sequence[GivenBack]) -> Iterator[OrderCancelled]:
    """One fact per affected order, in the order in which they were matched."""
    for order_id in dict.fromkeys(part.order_id for part in parts):
        own = [part for part in parts if part.order_id == order_id]
        yield OrderCancelled(
            order_id=order_id,
            cancellation=sheet.invoice,
            cancelled_at=sheet.earliest,
            currency=CURRENCY,
            lines=[
                OrderCancelledLine(sku=part.sku, quantity=part.quantity, unit_price=part.unit_price, amount=part.amount)
                for part in own
            ],
            amount=sum((part.amount for part in own), NOTHING),
        )
