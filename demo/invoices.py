"""The export, grouped into invoices. Nothing is interpreted here but the column names."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FIELDS = {
    "StockCode": "sku",
    "Description": "description",
    "Quantity": "quantity",
    "InvoiceDate": "invoice_date",
    "UnitPrice": "unit_price",
    "CustomerID": "customer",
    "Country": "country",
}


class UnreadableExport(Exception):
    """The file is no export in UCI form."""


@dataclass(slots=True)
class Invoice:
    number: str
    lines: list[dict[str, str]] = field(default_factory=list)

    @property
    def customer_key(self) -> str:
        """Spreadsheets made `17850.0` of 17850: one customer must stay one key."""
        customer = self.lines[0]["customer"].strip().removesuffix(".0")
        return customer or f"guest-{self.number}"

    @property
    def data(self) -> dict[str, Any]:
        return {"invoice": self.number, "customer_key": self.customer_key, "lines": self.lines}


def files_of(source: Path) -> list[Path]:
    files = sorted(source.glob("*.csv")) if source.is_dir() else [source]
    if not files or not all(file.is_file() for file in files):
        raise UnreadableExport(f"no CSV file at {source}")
    return files


def read_invoices(source: Path) -> list[Invoice]:
    """In the order of their first rows; files of a folder by name."""
    invoices: dict[str, Invoice] = {}
    for number, line in _lines(source):
        invoices.setdefault(number, Invoice(number)).lines.append(line)
    return list(invoices.values())


def _lines(source: Path) -> Iterator[tuple[str, dict[str, str]]]:
    for file in files_of(source):
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            missing = {"InvoiceNo", *FIELDS} - set(reader.fieldnames or ())
            if missing:
                raise UnreadableExport(f"{file}: no column {', '.join(sorted(missing))}")
            for row in reader:
                if not row["InvoiceNo"]:
                    raise UnreadableExport(f"{file}:{reader.line_num}: a row without InvoiceNo")
                yield row["InvoiceNo"], {name: row[column] or "" for column, name in FIELDS.items()}
