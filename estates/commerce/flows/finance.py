"""The ledger: an invoice once an order has shipped, a credit note for every refund of a cancellation."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from interlock import Context, Flow, Reply

from estate.contracts.finance import CreditPosted, InvoicePosted
from estate.contracts.fulfilment import FulfillmentShipped
from estate.contracts.inventory import StockReserved
from estate.contracts.orders import OrderPlaced, OrderShorted
from estate.contracts.payments import PaymentDeclined, PaymentRefunded

finance = Flow("finance", owner="team-finance")


class Receivable(msgspec.Struct):
    """What an order will be invoiced with, until it is."""

    amount: Decimal
    currency: str


@finance.on(OrderPlaced)
async def expect(order: OrderPlaced, ctx: Context) -> None:
    ctx.put("receivables", order.order_id, Receivable(order.total, order.currency))


@finance.on(FulfillmentShipped)
async def invoice_shipped(shipped: FulfillmentShipped, ctx: Context) -> None:
    await _invoice(shipped.order_id, ctx)


@finance.on(StockReserved)
async def invoice_services(reserved: StockReserved, ctx: Context) -> None:
    """An order of services only has nothing to ship: it is due at once."""
    if reserved.lines:
        ctx.skip("invoiced_when_shipped")
    await _invoice(reserved.order_id, ctx)


@finance.on(OrderShorted)
async def drop_shorted(shorted: OrderShorted, ctx: Context) -> None:
    ctx.delete("receivables", shorted.order_id)


@finance.on(PaymentDeclined)
async def drop_declined(declined: PaymentDeclined, ctx: Context) -> None:
    ctx.delete("receivables", declined.order_id)


@finance.on_reply("finance.invoice")
async def note_invoice(reply: Reply, ctx: Context) -> None:
    asked = reply.request
    if not reply.ok:
        ctx.reject("invoice_refused", f"{asked['order_id']}: HTTP {reply.status}")
    ctx.emit(
        InvoicePosted(
            order_id=asked["order_id"],
            entry_id=reply.answer["entry_id"],
            currency=asked["currency"],
            amount=Decimal(asked["amount"]),
        )
    )


@finance.on(PaymentRefunded)
async def credit(refunded: PaymentRefunded, ctx: Context) -> None:
    if refunded.reason == "shortage":
        ctx.skip("never_invoiced")
    ctx.call(
        "finance.credit",
        order_id=refunded.order_id,
        reference=refunded.reference,
        amount=str(refunded.amount),
        currency=refunded.currency,
    )


@finance.on_reply("finance.credit")
async def note_credit(reply: Reply, ctx: Context) -> None:
    asked = reply.request
    if not reply.ok:
        ctx.reject("credit_refused", f"{asked['order_id']}: HTTP {reply.status}")
    ctx.emit(
        CreditPosted(
            order_id=asked["order_id"],
            reference=asked["reference"],
            entry_id=reply.answer["entry_id"],
            currency=asked["currency"],
            amount=Decimal(asked["amount"]),
        )
    )


async def _invoice(order_id: str, ctx: Context) -> None:
    due = await ctx.get("receivables", order_id, Receivable)
    ctx.delete("receivables", order_id)
    ctx.call("finance.invoice", order_id=order_id, amount=str(due.amount), currency=due.currency)
