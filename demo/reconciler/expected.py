"""What should have happened, from the rows alone. Money in whole pennies."""

from __future__ import annotations

import csv
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from pathlib import Path

COLUMNS = ("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country")
HOUSE_CODES = {"BANK CHARGES", "AMAZONFEE", "CRUK", "S", "B"}
NOT_SHIPPED = {"POST", "DOT", "C2", "M"}
MOMENTS = ("%Y-%m-%d %H:%M:%S", "%m/%d/%Y %H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S")


@dataclass(slots=True)
class Item:
    """A row of an invoice. `open_units` shrinks as cancellations match it."""

    number: int
    code: str
    units: int
    price: Fraction
    open_units: int = 0

    @property
    def is_goods(self) -> bool:
        return self.code not in NOT_SHIPPED and not self.code.startswith("GIFT_")


@dataclass(slots=True)
class Order:
    """total, left: pennies. refunds: pennies by cancelling invoice."""

    number: str
    items: list[Item]
    total: int
    left: int
    refunds: Counter[str] = field(default_factory=Counter)

    @property
    def goods(self) -> Counter[str]:
        goods: Counter[str] = Counter()
        for item in self.items:
            if item.is_goods:
                goods[item.code] += item.units
        return goods


@dataclass(slots=True)
class Refusal:
    rows: list[int] = field(default_factory=list)
    units: int = 0

    def text(self, invoice: str) -> str:
        """As the dead letter says it."""
        units = f" units {self.units}" if self.units else ""
        return f"{invoice} rows {','.join(map(str, self.rows))}{units}"


@dataclass(slots=True)
class Expected:
    """refusals by (invoice, reason); cancelled: (order, cancelling invoice) pairs, also those worth nothing."""

    orders: dict[str, Order] = field(default_factory=dict)
    refusals: dict[tuple[str, str], Refusal] = field(default_factory=lambda: defaultdict(Refusal))
    cancelled: set[tuple[str, str]] = field(default_factory=set)
    rows: int = 0
    invoices: int = 0
    duplicates: int = 0

    def refuse(self, invoice: str, reason: str, number: int, units: int = 0) -> None:
        refusal = self.refusals[invoice, reason]
        refusal.rows.append(number)
        refusal.units += units

    def by_reason(self) -> Counter[str]:
        """Dead letters to expect: one for each invoice and reason."""
        return Counter(reason for _, reason in self.refusals)

    def rows_by_reason(self) -> Counter[str]:
        rows: Counter[str] = Counter()
        for (_, reason), refusal in self.refusals.items():
            rows[reason] += len(refusal.rows)
        return rows


def pennies(units: int, price: Fraction) -> int:
    """Rounded half up; never called with negatives."""
    exact = units * price * 100
    return (2 * exact.numerator + exact.denominator) // (2 * exact.denominator)


def read_rows(source: Path) -> Iterator[dict[str, str]]:
    files = sorted(source.glob("*.csv")) if source.is_dir() else [source]
    for file in files:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            yield from csv.DictReader(stream)


def expect(source: Path) -> Expected:
    invoices: dict[str, list[dict[str, str]]] = defaultdict(list)
    expected = Expected()
    for row in read_rows(source):
        invoices[row["InvoiceNo"]].append(row)
        expected.rows += 1
    expected.invoices = len(invoices)
    history: dict[str, list[Order]] = defaultdict(list)
    for number, rows in invoices.items():
        _account(expected, history, number, rows)
    return expected


def _account(expected: Expected, history: dict[str, list[Order]], invoice: str, rows: list[dict[str, str]]) -> None:
    buyer = _buyer(rows[0])
    unique: dict[tuple[str, ...], int] = {}
    for number, row in enumerate(rows, 1):
        unique.setdefault(tuple(row[column] for column in COLUMNS), number)
    expected.duplicates += len(rows) - len(unique)
    credit = invoice[:1] in "cC"
    items = []
    for number in unique.values():
        outcome = _classify(invoice, credit, buyer, rows[number - 1], number)
        if isinstance(outcome, str):
            expected.refuse(invoice, outcome, number)
        else:
            items.append(outcome)
    if credit and buyer:
        _give_back(expected, history[buyer], invoice, items)
        return
    blanket = "cancellation_without_customer" if credit else ""
    if not credit and not buyer and not any(item.price for item in items):
        blanket = "no_money"
    if blanket:
        for item in items:
            expected.refuse(invoice, blanket, item.number)
    elif items:
        total = sum(pennies(item.units, item.price) for item in items)
        order = Order(invoice, items, total, total)
        expected.orders[invoice] = order
        if buyer:
            history[buyer].append(order)


def _buyer(row: dict[str, str]) -> str:
    return re.sub(r"\.0$", "", row["CustomerID"].strip())


def _classify(invoice: str, credit: bool, buyer: str, row: dict[str, str], number: int) -> Item | str:
    """The item, or the reason why there is none. First reason wins."""
    code = row["StockCode"].strip().upper()
    units, price = row["Quantity"].strip(), row["UnitPrice"].strip()
    if invoice[:1] in "aA":
        return "bad_debt_adjustment"
    if _buyer(row) != buyer:
        return "other_customer"
    if not 1 <= len(code) <= 40:
        return "unreadable_sku"
    if not re.fullmatch("-?[0-9]{1,7}", units) or not re.fullmatch("-?[0-9]{1,7}([.][0-9]{1,6})?", price):
        return "unreadable_number"
    if not _is_moment(row["InvoiceDate"].strip()):
        return "unreadable_date"
    return _judge(credit, Item(number, code, int(units), Fraction(price)))


def _judge(credit: bool, item: Item) -> Item | str:
    if item.code in HOUSE_CODES:
        return "internal_fee"
    if not item.units:
        return "zero_quantity"
    if item.price < 0:
        return "negative_price"
    if credit and item.units > 0:
        return "cancellation_not_negative"
    if not credit and item.units < 0:
        return "stock_write_off"
    if not credit and item.code == "D":
        return "discount_outside_credit"
    item.units = abs(item.units)
    item.open_units = item.units
    return item


def _is_moment(text: str) -> bool:
    for form in MOMENTS:
        try:
            datetime.strptime(text, form)  # noqa: DTZ007 - only whether it can be read
        except ValueError:
            continue
        return True
    return False


def _give_back(expected: Expected, orders: list[Order], invoice: str, items: list[Item]) -> None:
    for item in items:
        if item.code == "D":
            missing = _discount(expected, orders, invoice, item)
        else:
            missing = _return_goods(expected, orders, invoice, item)
        if missing:
            expected.refuse(invoice, "cancellation_unmatched", item.number, missing)


def _discount(expected: Expected, orders: list[Order], invoice: str, item: Item) -> int:
    worth = pennies(item.units, item.price)
    for order in orders[::-1]:
        if order.left >= worth and (order.left or any(bought.open_units for bought in order.items)):
            _refund(expected, order, invoice, worth)
            return 0
    return item.units


def _return_goods(expected: Expected, orders: list[Order], invoice: str, item: Item) -> int:
    missing = item.units
    for order in orders[::-1]:
        for bought in order.items:
            if bought.code != item.code or bought.price != item.price:
                continue
            back = min(missing, bought.open_units)
            if not back:
                continue
            before = pennies(bought.open_units, bought.price)
            bought.open_units -= back
            missing -= back
            worth = before - pennies(bought.open_units, bought.price)
            _refund(expected, order, invoice, min(worth, order.left))
    return missing


def _refund(expected: Expected, order: Order, invoice: str, worth: int) -> None:
    order.left -= worth
    order.refunds[invoice] += worth
    expected.cancelled.add((order.number, invoice))
