"""Opening stock for a run: enough of most articles, too little of some, chosen by seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from hashlib import sha256

from demo.invoices import Invoice

LONGEST_SKU = 40


def opening_stock(invoices: Iterable[Invoice], seed: int, scarce_share: float) -> dict[str, int]:
    """Units by upper-case SKU: at least what the rows ask for, or half of that for scarce ones."""
    stock: Counter[str] = Counter()
    for invoice in invoices:
        for line in invoice.lines:
            sku = line["sku"].strip().upper()
            if line["quantity"].isascii() and line["quantity"].isdigit() and 0 < len(sku) <= LONGEST_SKU:
                stock[sku] += int(line["quantity"])
    return {
        sku: max(1, units // 2) if _is_scarce(sku, seed, scarce_share) else units
        for sku, units in sorted(stock.items())
        if units
    }


def _is_scarce(sku: str, seed: int, share: float) -> bool:
    return int.from_bytes(sha256(f"{seed}/scarce/{sku}".encode()).digest()[:4], "big") < share * 2**32
