"""The books of the three systems, as they stand in their SQLite files. Money in whole pennies."""

from __future__ import annotations

import re
import sqlite3
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

MONEY = re.compile(r"([0-9]+)[.]([0-9]{2})")


@dataclass(frozen=True, slots=True)
class Entry:
    key: str
    order: str
    reference: str
    amount: int
    lines: tuple[tuple[str, int], ...]


@dataclass(slots=True)
class Books:
    """Entries by kind (charge, declined, refund, shipment, invoice, credit) and order; incidents by name."""

    entries: dict[str, dict[str, list[Entry]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def of(self, kind: str, order: str) -> list[Entry]:
        return self.entries[kind].get(order, [])

    def total(self, kind: str) -> int:
        return sum(entry.amount for entries in self.entries[kind].values() for entry in entries)


def read_books(folder: Path) -> Books:
    """`payments.db`, `warehouse.db` and `finance.db` in the folder."""
    books = Books()
    for system in ("payments", "warehouse", "finance"):
        path = folder / f"{system}.db"
        if not path.exists():
            raise FileNotFoundError(f"no books of {system}: {path}")
        database = sqlite3.connect(path)
        _read(books, database)
        database.close()
    return books


def _read(books: Books, database: sqlite3.Connection) -> None:
    lines: dict[int, list[tuple[str, int]]] = defaultdict(list)
    for number, sku, quantity in database.execute("SELECT number, sku, quantity FROM entry_lines"):
        lines[number].append((sku, quantity))
    rows = database.execute("SELECT number, key, kind, order_id, reference, amount FROM entries ORDER BY number")
    for number, key, kind, order, reference, amount in rows:
        entry = Entry(key, order, reference or "", _pennies(amount), tuple(lines[number]))
        books.entries[kind][order].append(entry)
    for name, total in database.execute("SELECT name, total FROM counts"):
        books.counts[name] += total


def _pennies(text: str | None) -> int:
    if text is None:
        return 0
    match = MONEY.fullmatch(text)
    if match is None:
        raise ValueError(f"an amount in the books is no money: {text!r}")
    return int(match[1]) * 100 + int(match[2])
