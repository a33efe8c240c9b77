"""From rows of a shop's export to orders and cancellations, by the rules of docs/explanation/commerce-rules.md."""

from __future__ import annotations

from typing import Any

import msgspec

from interlock import Answer, Context, Flow

from estate.contracts.orders import InvoiceImported
from estate.rules.cancellation import cancelled_orders
from estate.rules.order import placed_order
from estate.rules.purchases import Purchases
from estate.rules.reasons import Reason
from estate.rules.refusal import refused_rows
from estate.rules.sheet import Sheet, read_sheet

importing = Flow("import-invoices", owner="team-storefront")


@importing.api("shop.importInvoice")
async def take_over(body: dict[str, Any], ctx: Context) -> Answer:
    """The same fact as over POST /events, for callers that speak plain JSON."""
    ctx.emit(msgspec.convert(body, InvoiceImported))
    return Answer({"invoice": body["invoice"], "status": "accepted"}, 202)


@importing.on(InvoiceImported)
async def map_invoice(invoice: InvoiceImported, ctx: Context) -> None:
    sheet = read_sheet(invoice.invoice, invoice.lines)
    unmatched: dict[int, int] = {}
    if sheet.rows and sheet.cancels:
        unmatched = await _cancel(sheet, ctx)
    elif sheet.rows:
        await _place(sheet, ctx)
    for reason, rows in sheet.refused.items():
        units = sum(unmatched.values()) if reason is Reason.CANCELLATION_UNMATCHED else None
        ctx.emit(refused_rows(sheet.invoice, reason, rows, units))


async def _place(sheet: Sheet, ctx: Context) -> None:
    order = placed_order(sheet)
    ctx.emit(order)
    if sheet.customer is not None:  # a guest's cancellation could not be told from another guest's
        purchases = await ctx.get("purchases", sheet.customer, Purchases) or Purchases()
        purchases.bought(order.order_id, order.total, sheet.rows)
        ctx.put("purchases", sheet.customer, purchases)


async def _cancel(sheet: Sheet, ctx: Context) -> dict[int, int]:
    """Emits the cancelled parts; answers and refuses the units that matched nothing, by row."""
    assert sheet.customer is not None  # rows without customer were refused before
    purchases = await ctx.get("purchases", sheet.customer, Purchases) or Purchases()
    parts, unmatched = [], {}
    for row in sheet.rows:
        given, rest = purchases.give_back(row)
        parts += given
        if rest:
            unmatched[row.number] = rest
            sheet.refuse(row.number, Reason.CANCELLATION_UNMATCHED)
    for cancelled in cancelled_orders(sheet, parts):
        ctx.emit(cancelled)
    if parts:
        ctx.put("purchases", sheet.customer, purchases)
    return unmatched
