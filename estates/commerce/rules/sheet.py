"""An invoice after the rules for rows: what is left to map, and what was refused, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from estate.rules import sku as skus
from estate.rules.reasons import Reason
from estate.rules.row import RawLine, Row, customer_of, normal_customer, read_row


@dataclass(slots=True)
class Sheet:
    """`refused` holds row numbers by reason, in row order."""

    invoice: str
    customer: str | None
    country: str
    duplicates: int = 0
    rows: list[Row] = field(default_factory=list)
    refused: dict[Reason, list[int]] = field(default_factory=dict)

    @property
    def cancels(self) -> bool:
        return self.invoice.upper().startswith("C")

    @property
    def adjusts(self) -> bool:
        return self.invoice.upper().startswith("A")

    @property
    def earliest(self) -> datetime:
        moments: list[datetime] = [row.at for row in self.rows]
        return min(moments)

    def refuse(self, number: int, reason: Reason) -> None:
        self.refused.setdefault(reason, []).append(number)

    def refuse_rest(self, reason: Reason) -> None:
        for row in self.rows:
            self.refuse(row.number, reason)
        self.rows = []


def read_sheet(invoice: str, lines: Sequence[RawLine]) -> Sheet:
    """Every row ends either in `rows` or in `refused`; exact duplicates are only counted."""
    sheet = Sheet(invoice, customer_of(lines), lines[0].country)
    seen: set[tuple[str, ...]] = set()
    for number, line in enumerate(lines, 1):
        text = _text(line)
        if text in seen:
            sheet.duplicates += 1
            continue
        seen.add(text)
        found = _judge(sheet, number, line)
        if isinstance(found, Row):
            sheet.rows.append(found)
        else:
            sheet.refuse(number, found)
    if not sheet.cancels and sheet.customer is None and all(row.unit_price == 0 for row in sheet.rows):
        sheet.refuse_rest(Reason.NO_MONEY)
    if sheet.cancels and sheet.customer is None:
        sheet.refuse_rest(Reason.CANCELLATION_WITHOUT_CUSTOMER)
    return sheet


def _judge(sheet: Sheet, number: int, line: RawLine) -> Row | Reason:
    if sheet.adjusts:
        return Reason.BAD_DEBT_ADJUSTMENT
    if normal_customer(line.customer) != sheet.customer:
        return Reason.OTHER_CUSTOMER
    found = read_row(number, line)
    if isinstance(found, Row):
        return _refusal(sheet, found) or found
    return found


def _refusal(sheet: Sheet, row: Row) -> Reason | None:
    if row.sku in skus.INTERNAL:
        return Reason.INTERNAL_FEE
    if row.quantity == 0:
        return Reason.ZERO_QUANTITY
    if row.unit_price < 0:
        return Reason.NEGATIVE_PRICE
    if sheet.cancels:
        return Reason.CANCELLATION_NOT_NEGATIVE if row.quantity > 0 else None
    if row.quantity < 0:
        return Reason.STOCK_WRITE_OFF
    return Reason.DISCOUNT_OUTSIDE_CREDIT if row.sku == skus.DISCOUNT else None


def _text(line: RawLine) -> tuple[str, ...]:
    return (
        line.sku,
        line.description,
        line.quantity,
        line.invoice_date,
        line.unit_price,
        line.customer,
        line.country,
    )
