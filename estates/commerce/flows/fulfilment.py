"""Reserved goods are shipped by the warehouse, an order in one parcel."""

from __future__ import annotations

from interlock import Context, Flow, Reply

from estate.contracts.fulfilment import FulfillmentShipped, FulfillmentShippedLine
from estate.contracts.inventory import StockReserved

fulfilment = Flow("fulfilment", owner="team-warehouse")


@fulfilment.on(StockReserved)
async def ship(reserved: StockReserved, ctx: Context) -> None:
    if not reserved.lines:
        ctx.skip("services_only")
    lines = [{"sku": line.sku, "quantity": line.quantity} for line in reserved.lines]
    ctx.call("warehouse.ship", order_id=reserved.order_id, lines=lines)


@fulfilment.on_reply("warehouse.ship")
async def note_shipment(reply: Reply, ctx: Context) -> None:
    order_id = reply.request["order_id"]
    if not reply.ok:
        ctx.reject("shipment_refused", f"{order_id}: HTTP {reply.status}")
    lines = [FulfillmentShippedLine(**line) for line in reply.request["lines"]]
    ctx.emit(FulfillmentShipped(order_id=order_id, shipment_id=reply.answer["shipment_id"], lines=lines))
