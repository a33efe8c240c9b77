"""A seeded stream of orders in the form of the UCI Online Retail data, with all its sharp edges.

`python -m demo.generator --seed 7 --invoices 600 orders.csv`. The same seed gives the same file.
"""

from __future__ import annotations

import argparse
import csv
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

COLUMNS = ("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country")
FIRST_INVOICE = 600001
START = datetime(2011, 3, 1, 8, 0)  # noqa: DTZ001 - the form of the data has no zone
COUNTRIES = ("United Kingdom", "United Kingdom", "United Kingdom", "Germany", "France", "EIRE")
THINGS = ("LANTERN", "MUG", "TEA TOWEL", "GARLAND", "JIGSAW", "CANDLE", "LUNCH BOX", "BUNTING", "CAKE TIN")
LOOKS = ("RED SPOTTY", "VINTAGE", "CREAM", "SET OF 3", "RETRO", "HEART", "WOODEN", "£2 GLASS")
GUEST_SHARE = 0.25

Row = list[str]


@dataclass(frozen=True, slots=True)
class Article:
    sku: str
    description: str
    price: str


class OrderStream:
    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._number = FIRST_INVOICE
        self._moment = START
        self._articles = [self._article(index) for index in range(60)]
        self._customers = [str(12346 + index * 7) for index in range(70)]
        self._bought: dict[str, list[Row]] = {}

    def rows(self, invoices: int) -> list[Row]:
        """All rows of that many invoices, oldest first."""
        kinds = (self._order, self._cancellation, self._write_off, self._fee, self._adjustment)
        weights = (82, 12, 3, 2, 1)
        rows: list[Row] = []
        for _ in range(invoices):
            self._moment += timedelta(seconds=self._chance.randint(20, 400))
            (kind,) = self._chance.choices(kinds, weights)
            rows += kind(f"{self._number}")
            self._number += 1
        return rows

    def _article(self, index: int) -> Article:
        chance = self._chance
        sku = f"{20000 + index * 37}" + chance.choice(("", "", "A", "B", "bl"))
        price = chance.choice(("0.42", "0.85", "1.25", "2.55", "3.39", "4.95", "12.75", "0.125", "1.065", "2.5", "7"))
        return Article(sku, f"{chance.choice(LOOKS)} {chance.choice(THINGS)}", price)

    def _order(self, number: str) -> list[Row]:
        chance = self._chance
        customer = "" if chance.random() < GUEST_SHARE else f"{self._skewed_customer()}.0"
        country = chance.choice(COUNTRIES)
        rows = [self._goods(number, customer, country) for _ in range(chance.randint(1, 9))]
        rows += self._sharp_edges(rows, number, customer, country)
        if customer:
            self._bought.setdefault(customer, []).extend(rows)
        return rows

    def _skewed_customer(self) -> str:
        return self._customers[int(len(self._customers) * self._chance.random() ** 2)]

    def _goods(self, number: str, customer: str, country: str) -> Row:
        article = self._articles[int(len(self._articles) * self._chance.random() ** 1.5)]
        sku = article.sku.lower() if self._chance.random() < 0.1 else article.sku
        quantity = self._chance.choice((1, 1, 2, 3, 4, 6, 6, 8, 12, 12, 24, 48))
        return self._row(number, sku, article.description, str(quantity), article.price, customer, country)

    def _sharp_edges(self, rows: list[Row], number: str, customer: str, country: str) -> list[Row]:
        chance, more = self._chance, []
        if chance.random() < 0.12:
            more.append(list(chance.choice(rows)))  # exact duplicate
        if chance.random() < 0.10:
            again = list(chance.choice(rows))
            again[3] = str(int(again[3]) + 1)  # one SKU several times
            more.append(again)
        if chance.random() < 0.08:
            later = self._goods(number, customer, country)
            later[4] = str(self._moment + timedelta(minutes=1))  # two time stamps
            more.append(later)
        odd = (
            (0.12, "POST", "POSTAGE", "1", "18.0"),
            (0.05, "DOT", "DOTCOM POSTAGE", "1", "11.17"),
            (0.02, "C2", "CARRIAGE", "1", "50.0"),
            (0.04, "M", "Manual", "1", "1.25"),
            (0.02, "gift_0001_20", "Dotcomgiftshop Gift Voucher £20.00", "1", "17.02"),
            (0.01, "DCGS0076", "SUNJAR LED NIGHT NIGHT LIGHT", "1", "16.13"),
            (0.01, "D", "Discount", "1", "5.0"),
            (0.01, "S", "SAMPLES", "1", "3.0"),
            (0.03, self._articles[3].sku, "FREE GIFT", "1", "0.0"),
            (0.01, self._articles[4].sku, "PRICE ERROR", "1", "-1.5"),
            (0.01, self._articles[5].sku, "TYPED BY HAND", "a dozen", "2.0"),
            (0.01, self._articles[6].sku, "NOTHING", "0", "2.0"),
        )
        for share, sku, description, quantity, price in odd:
            if chance.random() < share:
                more.append(self._row(number, sku, description, quantity, price, customer, country))
        return more

    def _cancellation(self, number: str) -> list[Row]:
        """Of something bought before, in part, in full or too much; or of something that nobody bought."""
        chance = self._chance
        known = [customer for customer, rows in self._bought.items() if rows]
        if not known or chance.random() < 0.08:
            return [self._row(f"C{number}", self._articles[0].sku, "NO CUSTOMER", "-1", "2.55", "", COUNTRIES[0])]
        customer = chance.choice(known)
        bought = [row for row in self._bought[customer] if row[3].isdigit() and int(row[3])]
        rows = []
        for row in chance.sample(bought, min(len(bought), chance.randint(1, 3))):
            quantity = max(1, int(int(row[3]) * chance.choice((0.25, 0.5, 1, 1, 1, 1.5))))
            rows.append(self._row(f"C{number}", row[1], row[2], str(-quantity), row[5], customer, row[7]))
        if chance.random() < 0.12:
            rows.append(self._row(f"C{number}", "D", "Discount", "-1", "4.37", customer, COUNTRIES[0]))
        if chance.random() < 0.05:
            rows.append(self._row(f"C{number}", rows[0][1], "WRONG SIGN", "1", "1.0", customer, COUNTRIES[0]))
        return rows

    def _write_off(self, number: str) -> list[Row]:
        sku = self._chance.choice(self._articles).sku
        if self._chance.random() < 0.5:
            return [self._row(number, sku, "damaged", "-12", "0.0", "", COUNTRIES[0])]
        return [self._row(number, sku, "", "20", "0.0", "", COUNTRIES[0])]  # found again: no money, no customer

    def _fee(self, number: str) -> list[Row]:
        sku, text = self._chance.choice((("BANK CHARGES", "Bank Charges"), ("AMAZONFEE", "AMAZON FEE"), ("CRUK", "")))
        return [self._row(f"C{number}", sku, text, "-1", "15.0", "", COUNTRIES[0])]

    def _adjustment(self, number: str) -> list[Row]:
        return [self._row(f"A{number}", "B", "Adjust bad debt", "1", "-11062.06", "", COUNTRIES[0])]

    def _row(
        self, number: str, sku: str, description: str, quantity: str, price: str, customer: str, country: str
    ) -> Row:
        return [number, sku, description, quantity, str(self._moment), price, customer, country]


def write(path: Path, seed: int, invoices: int) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(OrderStream(seed).rows(invoices))


def main() -> None:
    parser = argparse.ArgumentParser(prog="demo.generator", description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--invoices", type=int, default=600)
    arguments = parser.parse_args()
    write(arguments.path, arguments.seed, arguments.invoices)


if __name__ == "__main__":
    main()
