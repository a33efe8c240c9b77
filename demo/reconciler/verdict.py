"""The comparison: books against what should have happened. Every difference is named, by kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from demo.reconciler.books import Books, Entry
from demo.reconciler.expected import Expected, Order

SHORTAGE = "shortage"


@dataclass(slots=True)
class Verdict:
    """differences: (kind, text). fates: how many orders ended in which way."""

    differences: list[tuple[str, str]] = field(default_factory=list)
    fates: Counter[str] = field(default_factory=Counter)

    @property
    def agrees(self) -> bool:
        return not self.differences

    def differ(self, kind: str, text: str) -> None:
        self.differences.append((kind, text))


def compare(expected: Expected, books: Books, opening: Mapping[str, int]) -> Verdict:
    """`opening`: stock by SKU before the first order."""
    verdict = Verdict()
    shipped = _shipped(books)
    for order in expected.orders.values():
        _order(verdict, order, books, opening, shipped)
    _strangers(verdict, expected, books)
    _double_keys(verdict, books)
    for sku, quantity in shipped.items():
        if quantity > opening.get(sku, 0):
            verdict.differ("oversold", f"{sku}: shipped {quantity} of {opening.get(sku, 0)}")
    return verdict


def compare_refusals(verdict: Verdict, expected: Expected, counted: Mapping[str, int]) -> None:
    """Dead letters by reason, as the engine lists them, against the refusals of the rules."""
    wanted = expected.by_reason()
    for reason in sorted(wanted.keys() | counted.keys()):
        if wanted[reason] != counted.get(reason, 0):
            verdict.differ(
                "dead_letters", f"{reason}: {counted.get(reason, 0)} dead letters, {wanted[reason]} refusals"
            )


def compare_details(verdict: Verdict, expected: Expected, told: Collection[tuple[str, str]]) -> None:
    """told: reason and text ("<invoice> rows 1,2") of each dead letter."""
    wanted = {(reason, refusal.text(invoice)) for (invoice, reason), refusal in expected.refusals.items()}
    for reason, text in sorted(set(told) - wanted):
        verdict.differ("dead_letters", f"no rule refuses as {reason}: {text}")
    for reason, text in sorted(wanted - set(told)):
        verdict.differ("dead_letters", f"no dead letter says {reason}: {text}")


def _order(verdict: Verdict, order: Order, books: Books, opening: Mapping[str, int], shipped: Counter[str]) -> None:
    charges, declines = books.of("charge", order.number), books.of("declined", order.number)
    if len(charges) + len(declines) != 1:
        verdict.differ("charged_once", f"{order.number}: {len(charges)} charges, {len(declines)} declines")
        return
    _same(verdict, "charged_amount", order.number, [(charges + declines)[0].amount], [order.total])
    if declines:
        fate = "declined"
        _nothing_more(verdict, order.number, books, ("refund", "shipment", "invoice", "credit"))
    elif any(entry.reference == SHORTAGE for entry in books.of("refund", order.number)) or _zero_short(order, books):
        fate = "shorted"
        _shorted(verdict, order, books, opening, shipped)
    else:
        fate = "filled"
        _filled(verdict, order, books)
    verdict.fates[fate] += 1


def _zero_short(order: Order, books: Books) -> bool:
    """An order that cost nothing leaves no refund when it is short: only the missing shipment shows it."""
    return order.total == 0 and bool(order.goods) and not books.of("shipment", order.number)


def _filled(verdict: Verdict, order: Order, books: Books) -> None:
    goods, shipments = order.goods, books.of("shipment", order.number)
    if len(shipments) != bool(goods):
        verdict.differ("shipped_once", f"{order.number}: {len(shipments)} shipments")
    elif goods and Counter(dict(shipments[0].lines)) != goods:
        verdict.differ("shipped_quantities", f"{order.number}: {dict(shipments[0].lines)} instead of {dict(goods)}")
    invoices = books.of("invoice", order.number)
    if len(invoices) != 1:
        verdict.differ("invoiced_once", f"{order.number}: {len(invoices)} invoices")
    else:
        _same(verdict, "invoiced_amount", order.number, [invoices[0].amount], [order.total])
    wanted = sorted((reference, amount) for reference, amount in order.refunds.items() if amount)
    for kind in ("refund", "credit"):
        _same(verdict, f"{kind}s", order.number, _pairs(books.of(kind, order.number)), wanted)


def _shorted(verdict: Verdict, order: Order, books: Books, opening: Mapping[str, int], shipped: Counter[str]) -> None:
    """Stock only shrinks: what was short then is still short of it at the end."""
    if not any(opening.get(sku, 0) - shipped[sku] < units for sku, units in order.goods.items()):
        verdict.differ("needless_shortage", f"{order.number}: everything it wanted is still in stock")
    wanted = [(SHORTAGE, order.total)] if order.total else []
    _same(verdict, "shortage_refund", order.number, _pairs(books.of("refund", order.number)), wanted)
    _nothing_more(verdict, order.number, books, ("shipment", "invoice", "credit"))


def _nothing_more(verdict: Verdict, number: str, books: Books, kinds: tuple[str, ...]) -> None:
    for kind in kinds:
        if books.of(kind, number):
            verdict.differ(f"unwanted_{kind}", f"{number}: {len(books.of(kind, number))} too many")


def _strangers(verdict: Verdict, expected: Expected, books: Books) -> None:
    for kind, orders in books.entries.items():
        for number in orders.keys() - expected.orders.keys():
            verdict.differ("unknown_order", f"{number}: {kind} for an order that the input does not have")


def _double_keys(verdict: Verdict, books: Books) -> None:
    for kind, orders in books.entries.items():
        keys = Counter(entry.key for entries in orders.values() for entry in entries)
        for key, total in keys.items():
            if total > 1:
                verdict.differ("key_twice", f"{kind} {key}: {total} entries")


def _shipped(books: Books) -> Counter[str]:
    shipped: Counter[str] = Counter()
    for entries in books.entries["shipment"].values():
        for entry in entries:
            for sku, quantity in entry.lines:
                shipped[sku] += quantity
    return shipped


def _pairs(entries: list[Entry]) -> list[tuple[str, int]]:
    return sorted((entry.reference, entry.amount) for entry in entries)


def _same(verdict: Verdict, kind: str, number: str, found: object, wanted: object) -> None:
    if found != wanted:
        verdict.differ(kind, f"{number}: {found} instead of {wanted} (pennies)")
