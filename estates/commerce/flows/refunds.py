"""Money goes back when an order was cancelled or could not be filled, and only once the order's own fate is settled.

A cancellation may overtake its order: it then waits in the order's row until the order is invoiced. An order that was
shorted is refunded whole, and one whose payment was declined never cost anything: their cancellations end there.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

from interlock import Context, Flow, Reply

from estate.contracts.finance import InvoicePosted
from estate.contracts.orders import OrderCancelled, OrderShorted
from estate.contracts.payments import PaymentDeclined, PaymentRefunded

refunds = Flow("refunds", owner="team-payments")

SHORTAGE = "shortage"


class Waiting(msgspec.Struct):
    cancellation: str
    amount: Decimal
    currency: str


class Settlement(msgspec.Struct):
    """invoiced: cancellations are refunded at once; closed: there is nothing to give back any more."""

    state: Literal["open", "invoiced", "closed"] = "open"
    waiting: list[Waiting] = []


@refunds.on(OrderCancelled)
async def refund_cancelled(cancelled: OrderCancelled, ctx: Context) -> None:
    if not cancelled.amount:
        ctx.skip("nothing_to_refund")
    settlement = await ctx.get("settlements", cancelled.order_id, Settlement) or Settlement()
    if settlement.state == "closed":
        ctx.skip("order_was_closed")
    wanted = Waiting(cancelled.cancellation, cancelled.amount, cancelled.currency)
    if settlement.state == "invoiced":
        _refund(cancelled.order_id, wanted, ctx)
        return
    settlement.waiting.append(wanted)
    ctx.put("settlements", cancelled.order_id, settlement)


@refunds.on(InvoicePosted)
async def release_waiting(invoice: InvoicePosted, ctx: Context) -> None:
    settlement = await ctx.get("settlements", invoice.order_id, Settlement) or Settlement()
    for wanted in settlement.waiting:
        _refund(invoice.order_id, wanted, ctx)
    ctx.put("settlements", invoice.order_id, Settlement("invoiced"))


@refunds.on(OrderShorted)
async def refund_shorted(shorted: OrderShorted, ctx: Context) -> None:
    ctx.put("settlements", shorted.order_id, Settlement("closed"))
    if shorted.total:
        _refund(shorted.order_id, Waiting(SHORTAGE, shorted.total, shorted.currency), ctx)


@refunds.on(PaymentDeclined)
async def close_declined(declined: PaymentDeclined, ctx: Context) -> None:
    ctx.put("settlements", declined.order_id, Settlement("closed"))


@refunds.on_reply("payments.refund")
async def note_refund(reply: Reply, ctx: Context) -> None:
    asked = reply.request
    if not reply.ok:
        ctx.reject("refund_refused", f"{asked['order_id']}: HTTP {reply.status}")
    ctx.emit(
        PaymentRefunded(
            order_id=asked["order_id"],
            reference=asked["reference"],
            reason="shortage" if asked["reference"] == SHORTAGE else "cancellation",
            refund_id=reply.answer["refund_id"],
            currency=asked["currency"],
            amount=Decimal(asked["amount"]),
        )
    )


def _refund(order_id: str, wanted: Waiting, ctx: Context) -> None:
    ctx.call(
        "payments.refund",
        step=f"refund-{wanted.cancellation}",
        order_id=order_id,
        reference=wanted.cancellation,
        amount=str(wanted.amount),
        currency=wanted.currency,
    )
