"""Stock: taken for a paid order as a whole or not at all, and never below zero."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

import msgspec

from interlock import Context, Flow

from estate.contracts.inventory import StockReceived, StockReserved, StockReservedLine
from estate.contracts.orders import OrderPlaced, OrderShorted
from estate.contracts.payments import PaymentAuthorized, PaymentDeclined

inventory = Flow("inventory", owner="team-warehouse")


class Wish(msgspec.Struct):
    """What an order wants from stock while its payment is under way: units by stock code."""

    units: dict[str, int]
    currency: str
    total: Decimal


@inventory.on(StockReceived)
async def receive(stock: StockReceived, ctx: Context) -> None:
    ctx.counter("stock", stock.sku).add(stock.quantity)


@inventory.on(OrderPlaced)
async def remember(order: OrderPlaced, ctx: Context) -> None:
    units: Counter[str] = Counter()
    for line in order.lines:
        if line.kind == "goods":
            units[line.sku] += line.quantity
    ctx.put("wishes", order.order_id, Wish(units, order.currency, order.total))


@inventory.on(PaymentDeclined)
async def forget(declined: PaymentDeclined, ctx: Context) -> None:
    ctx.delete("wishes", declined.order_id)


@inventory.on(PaymentAuthorized)
async def reserve(paid: PaymentAuthorized, ctx: Context) -> None:
    """One step takes every stock code of the order: a crash cannot leave half a reservation."""
    wish = await ctx.get("wishes", paid.order_id, Wish)
    short = [sku for sku, units in wish.units.items() if await ctx.counter("stock", sku).value() < units]
    ctx.delete("wishes", paid.order_id)
    if short:
        ctx.emit(OrderShorted(order_id=paid.order_id, skus=short, currency=wish.currency, total=wish.total))
        return
    for sku, units in wish.units.items():
        ctx.counter("stock", sku).take(units)
    lines = [StockReservedLine(sku=sku, quantity=units) for sku, units in wish.units.items()]
    ctx.emit(StockReserved(order_id=paid.order_id, lines=lines))
