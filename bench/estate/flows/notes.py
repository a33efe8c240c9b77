"""What one event costs: a handler with its mark, one state row and one emitted event, in one commit."""

from __future__ import annotations

from interlock import Context, Flow

from estate.contracts.orders import OrderNoted, OrderPlaced

notes = Flow("notes", owner="team-bench")


@notes.on(OrderPlaced)
async def note(order: OrderPlaced, ctx: Context) -> None:
    ctx.put("orders", order.order_id, {"total": str(order.total), "lines": len(order.lines)})
    ctx.emit(OrderNoted(order_id=order.order_id, total=order.total))
