"""What a customer bought and has not given back: a cancellation never names the invoice that it cancels."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import msgspec

from estate.rules import sku as skus
from estate.rules.money import NOTHING, line_amount, part_amount
from estate.rules.row import Row


class OpenLine(msgspec.Struct, array_like=True):
    sku: str
    unit_price: Decimal
    quantity: int


class OpenOrder(msgspec.Struct, array_like=True):
    """`left` is what of the order's total was not given back yet."""

    order_id: str
    left: Decimal
    lines: list[OpenLine]


class GivenBack(msgspec.Struct, frozen=True):
    """One part of a cancellation: units of one line of one order, or a discount on the order."""

    order_id: str
    sku: str
    quantity: int
    unit_price: Decimal
    amount: Decimal


class Purchases(msgspec.Struct, array_like=True):
    """The state row of one customer. Oldest order first."""

    orders: list[OpenOrder] = []

    def bought(self, order_id: str, total: Decimal, rows: Iterable[Row]) -> None:
        lines = [OpenLine(row.sku, row.unit_price, row.quantity) for row in rows]
        self.orders.append(OpenOrder(order_id, total, lines))

    def give_back(self, row: Row) -> tuple[list[GivenBack], int]:
        """Match one row of a cancellation. Answers the parts, and the units that nothing matched."""
        if row.sku == skus.DISCOUNT:
            return self._discount(row)
        wanted = -row.quantity
        parts: list[GivenBack] = []
        for order in reversed(self.orders):
            for line in order.lines:
                if wanted and line.sku == row.sku and line.unit_price == row.unit_price:
                    taken = min(wanted, line.quantity)
                    wanted -= taken
                    parts.append(_take(order, line, taken))
            order.lines = [line for line in order.lines if line.quantity]
        self._forget()
        return parts, wanted

    def _discount(self, row: Row) -> tuple[list[GivenBack], int]:
        """A discount goes to the most recent order that still has that much money in it."""
        quantity = -row.quantity
        amount = line_amount(quantity, row.unit_price)
        for order in reversed(self.orders):
            if order.left >= amount:
                order.left -= amount
                self._forget()
                return [GivenBack(order.order_id, row.sku, quantity, row.unit_price, amount)], 0
        return [], quantity

    def _forget(self) -> None:
        self.orders = [order for order in self.orders if order.lines or order.left > NOTHING]


def _take(order: OpenOrder, line: OpenLine, taken: int) -> GivenBack:
    """Capped by what is left of the order: a discount was given back before and is not given twice."""
    amount = min(part_amount(line.quantity, taken, line.unit_price), order.left)
    line.quantity -= taken
    order.left -= amount
    return GivenBack(order.order_id, line.sku, taken, line.unit_price, amount)
