"""One row of an invoice, read from text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple, Protocol

from estate.rules import sku as skus
from estate.rules.reasons import Reason

QUANTITY = re.compile(r"-?[0-9]{1,7}")
# Six decimals: beyond them Python writes small decimals as 1E-7, which the contract refuses.
PRICE = re.compile(r"-?[0-9]{1,7}(\.[0-9]{1,6})?")
# The second form is how the published CSV exports of the data set write it: month first.
DATE_FORMATS = ("%Y-%m-%d %H:%M:%S", "%m/%d/%Y %H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S")


class RawLine(Protocol):
    """The columns of the export, as text."""

    @property
    def sku(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def quantity(self) -> str: ...
    @property
    def invoice_date(self) -> str: ...
    @property
    def unit_price(self) -> str: ...
    @property
    def customer(self) -> str: ...
    @property
    def country(self) -> str: ...


class Row(NamedTuple):
    """`number` counts from 1 within the invoice, duplicates included."""

    number: int
    sku: str
    description: str
    quantity: int
    unit_price: Decimal
    at: datetime


def customer_of(lines: Sequence[RawLine]) -> str | None:
    """The customer of the first row; None for a guest. Spreadsheets made `17850.0` of 17850."""
    return normal_customer(lines[0].customer)


def normal_customer(text: str) -> str | None:
    return text.strip().removesuffix(".0") or None


def read_row(number: int, line: RawLine) -> Row | Reason:
    """The row, or why it cannot be read."""
    code = skus.normal(line.sku)
    quantity, price = line.quantity.strip(), line.unit_price.strip()
    if not skus.is_readable(code):
        return Reason.UNREADABLE_SKU
    if not QUANTITY.fullmatch(quantity) or not PRICE.fullmatch(price):
        return Reason.UNREADABLE_NUMBER
    at = read_moment(line.invoice_date.strip())
    if at is None:
        return Reason.UNREADABLE_DATE
    amount = Decimal(price)
    # abs: "-0.00" is a zero price, and zero has no sign in our contracts.
    return Row(number, code, line.description, int(quantity), amount or abs(amount), at)


@lru_cache(maxsize=4096)
def read_moment(text: str) -> datetime | None:
    """The export has no zone: read as UTC."""
    for form in DATE_FORMATS:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None
