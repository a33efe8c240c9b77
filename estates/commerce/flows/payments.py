"""The gateway takes the money for every order, whole, before anything else happens."""

from __future__ import annotations

from decimal import Decimal

from interlock import Context, Flow, Reply

from estate.contracts.orders import OrderPlaced
from estate.contracts.payments import PaymentAuthorized, PaymentDeclined

payments = Flow("payments", owner="team-payments")

DECLINED = 402


@payments.on(OrderPlaced)
async def charge(order: OrderPlaced, ctx: Context) -> None:
    ctx.call("payments.charge", order_id=order.order_id, amount=str(order.total), currency=order.currency)


@payments.on_reply("payments.charge")
async def note_charge(reply: Reply, ctx: Context) -> None:
    asked = reply.request
    money = {"order_id": asked["order_id"], "currency": asked["currency"], "amount": Decimal(asked["amount"])}
    if reply.ok:
        ctx.emit(PaymentAuthorized(payment_id=reply.answer["payment_id"], **money))
    elif reply.status == DECLINED:
        ctx.emit(PaymentDeclined(**money))
    else:
        ctx.reject("charge_refused", f"{asked['order_id']}: HTTP {reply.status}")
