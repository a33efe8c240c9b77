"""What each service does for a living, as decisions on its own books. Amounts are decimal text with two places."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from hashlib import sha256
from typing import Any

from demo.systems.books import Answer, Books, Decide, Entry


class Gateway:
    """Takes and gives back money. Declines a fixed share of orders, chosen by seed and order number."""

    def __init__(self, seed: int, decline_share: float) -> None:
        self._seed = seed
        self._share = decline_share

    def charge(self, books: Books, asked: Mapping[str, Any]) -> tuple[Entry | None, Answer]:
        order, amount = asked["order_id"], asked["amount"]
        if self._declines(order):
            return Entry("declined", order, None, amount), Answer(402, {"decline_id": "de_"})
        return Entry("charge", order, None, amount), Answer(201, {"payment_id": "ch_"})

    def refund(self, books: Books, asked: Mapping[str, Any]) -> tuple[Entry | None, Answer]:
        order = asked["order_id"]
        left = _sum(books, order, "charge") - _sum(books, order, "refund")
        if Decimal(asked["amount"]) > left:
            return None, Answer(409, {"detail": f"only {left} of this order can be refunded"})
        return Entry("refund", order, asked["reference"], asked["amount"]), Answer(201, {"refund_id": "re_"})

    def _declines(self, order: str) -> bool:
        draw = sha256(f"{self._seed}/decline/{order}".encode()).digest()
        return int.from_bytes(draw[:4], "big") < self._share * 2**32


def ship(books: Books, asked: Mapping[str, Any]) -> tuple[Entry | None, Answer]:
    lines = tuple((line["sku"], int(line["quantity"])) for line in asked["lines"])
    return Entry("shipment", asked["order_id"], lines=lines), Answer(201, {"shipment_id": "sh_"})


def invoice(books: Books, asked: Mapping[str, Any]) -> tuple[Entry | None, Answer]:
    return Entry("invoice", asked["order_id"], None, asked["amount"]), Answer(201, {"entry_id": "le_"})


def credit(books: Books, asked: Mapping[str, Any]) -> tuple[Entry | None, Answer]:
    order = asked["order_id"]
    if Decimal(asked["amount"]) > _sum(books, order, "invoice") - _sum(books, order, "credit"):
        return None, Answer(409, {"detail": "a credit note needs an invoice that it reduces"})
    return Entry("credit", order, asked["reference"], asked["amount"]), Answer(201, {"entry_id": "le_"})


def routes(system: str, seed: int, decline_share: float) -> dict[str, Decide]:
    gateway = Gateway(seed, decline_share)
    systems: dict[str, dict[str, Decide]] = {
        "payments": {"/charges": gateway.charge, "/refunds": gateway.refund},
        "warehouse": {"/shipments": ship},
        "finance": {"/invoices": invoice, "/credits": credit},
    }
    return systems[system]


def _sum(books: Books, order: str, kind: str) -> Decimal:
    return sum((Decimal(amount or "0") for _, amount in books.entries(order, kind)), Decimal("0.00"))
