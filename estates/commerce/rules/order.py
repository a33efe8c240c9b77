"""An order, made of the rows that passed."""

from __future__ import annotations

from estate.contracts.orders import OrderPlaced, OrderPlacedLine
from estate.rules import sku as skus
from estate.rules.money import CURRENCY, NOTHING, line_amount
from estate.rules.row import Row
from estate.rules.sheet import Sheet


def placed_order(sheet: Sheet) -> OrderPlaced:
    lines = [_line(row) for row in sheet.rows]
    customer = {} if sheet.customer is None else {"customer": sheet.customer}
    return OrderPlaced(
        order_id=sheet.invoice,
        country=sheet.country,
        placed_at=sheet.earliest,
        currency=CURRENCY,
        lines=lines,
        total=sum((line.amount for line in lines), NOTHING),
        duplicate_rows=sheet.duplicates,
        **customer,
    )


def _line(row: Row) -> OrderPlacedLine:
    return OrderPlacedLine(
        sku=row.sku,
        description=row.description,
        quantity=row.quantity,
        unit_price=row.unit_price,
        amount=line_amount(row.quantity, row.unit_price),
        kind="service" if skus.is_service(row.sku) else "goods",
    )
