"""As the estate's own flow, but no event is emitted: a row for each event, and its mark, in one commit."""

from __future__ import annotations

from interlock import Context, Flow

from estate.contracts.orders import OrderPlaced

notes = Flow("notes", owner="team-bench")


@notes.on(OrderPlaced)
async def note(order: OrderPlaced, ctx: Context) -> None:
    ctx.put("orders", order.order_id, {"total": str(order.total), "lines": len(order.lines)})
