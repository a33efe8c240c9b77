"""What a stock code stands for. Compared in upper case: the shop writes `84970s` and `84970S` for one article."""

from __future__ import annotations

CARRIAGE = frozenset({"POST", "DOT", "C2"})
MANUAL = frozenset({"M"})
DISCOUNT = "D"
VOUCHER_PREFIX = "GIFT_"
INTERNAL = frozenset({"BANK CHARGES", "AMAZONFEE", "CRUK", "S", "B"})
LONGEST = 40


def normal(sku: str) -> str:
    return sku.strip().upper()


def is_readable(sku: str) -> bool:
    return 0 < len(sku) <= LONGEST


def is_service(sku: str) -> bool:
    """Charged, but nothing that a warehouse could ship."""
    return sku in CARRIAGE or sku in MANUAL or sku.startswith(VOUCHER_PREFIX)
