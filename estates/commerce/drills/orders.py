"""A few customers buy and give back, while everything breaks; in the end the books of all systems must agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from interlock import Drill
from interlock.sdk.drill import ApiCall, Chance, Effect, End, Fact, Systems

drill = Drill("orders")

GOODS = {"85123A": "2.55", "71053": "3.39", "22423": "12.75", "84029": "0.85"}
POSTAGE = "POST"
SERVICES = frozenset({POSTAGE})
ZERO = Decimal(0)


@drill.feed
def invoices(chance: Chance) -> Iterator[Fact | ApiCall]:
    """Stock for most of it; a third of the customers come over the JSON API."""
    for sku in GOODS:
        yield Fact("inventory.StockReceived", {"sku": sku, "quantity": chance.randrange(4, 16)})
    number = 536000
    for customer in range(17850, 17850 + chance.randrange(2, 4)):
        bought: list[dict[str, str]] = []
        for _ in range(chance.randrange(1, 3)):
            number += 1
            back = bool(bought) and chance.random() < 0.4
            lines = [returned(chance.choice(bought))] if back else basket(chance, customer)
            bought += [] if back else [line for line in lines if line["sku"] in GOODS]
            invoice = f"C{number}" if back else str(number)
            data = {"invoice": invoice, "customer_key": str(customer), "lines": lines}
            yield ApiCall("shop.importInvoice", data) if customer % 3 == 0 else Fact("orders.InvoiceImported", data)


def basket(chance: Chance, customer: int) -> list[dict[str, str]]:
    lines = [line(chance.choice(list(GOODS)), chance.randrange(1, 5), customer) for _ in range(chance.randrange(1, 3))]
    draw = chance.random()
    if draw < 0.1:
        return [line(POSTAGE, 1, customer)]
    if draw < 0.2:
        lines.append(line("S", 1, customer))  # a house code: its row is refused
    return lines


def line(sku: str, quantity: int, customer: int) -> dict[str, str]:
    return {
        "sku": sku,
        "description": "",
        "quantity": str(quantity),
        "invoice_date": "2010-12-01 08:26:00",
        "unit_price": GOODS.get(sku, "18.00"),
        "customer": f"{customer}.0",
        "country": "United Kingdom",
    }


def returned(bought: Mapping[str, str]) -> dict[str, str]:
    return {**bought, "quantity": "-1"}


@drill.answer("payments.charge")
def charge(asked: Mapping[str, Any], systems: Systems) -> tuple[int, Any]:
    """One order in eight is declined."""
    if int(asked["order_id"]) % 8 == 0:
        return 402, {"decline_id": f"de_{asked['order_id']}"}
    return 201, {"payment_id": f"ch_{asked['order_id']}"}


@drill.answer("payments.refund")
def refund(asked: Mapping[str, Any], systems: Systems) -> tuple[int, Any]:
    """Never more than was paid."""
    order = asked["order_id"]
    left = total(systems.effects("payments.charge"), order) - total(systems.effects("payments.refund"), order)
    if Decimal(asked["amount"]) > left:
        return 409, {"detail": f"only {left} of this order can be refunded"}
    return 201, {"refund_id": f"re_{order}_{asked['reference']}"}


@drill.answer("warehouse.ship")
def ship(asked: Mapping[str, Any], systems: Systems) -> tuple[int, Any]:
    return 201, {"shipment_id": f"sh_{asked['order_id']}"}


@drill.answer("finance.invoice")
def invoice(asked: Mapping[str, Any], systems: Systems) -> tuple[int, Any]:
    return 201, {"entry_id": f"le_{asked['order_id']}"}


@drill.answer("finance.credit")
def credit(asked: Mapping[str, Any], systems: Systems) -> tuple[int, Any]:
    return 201, {"entry_id": f"le_{asked['order_id']}_{asked['reference']}"}


@drill.invariant
def invoices_are_taken_over_once(end: End) -> Iterator[str]:
    """However often they were sent."""
    found = Counter(one["invoice"] for one in end.events("orders.InvoiceImported"))
    sent = [*end.sent("orders.InvoiceImported"), *end.sent("shop.importInvoice")]
    for one in sent:
        if found[one["invoice"]] != 1:
            yield f"invoice {one['invoice']} was taken over {found[one['invoice']]} times"


@drill.invariant
def books_are_equal(end: End) -> Iterator[str]:
    """Each order has one fate, and payments, warehouse and ledger tell the same of it."""
    for order in end.events("orders.OrderPlaced"):
        name, due = order["order_id"], Decimal(order["total"])
        charges = of(end, "payments.charge", name)
        if len(charges) != 1 or Decimal(charges[0].request["amount"]) != due:
            yield f"order {name} of {due}: {len(charges)} charges {[one.request['amount'] for one in charges]}"
            continue
        shorted = any(one.request["reference"] == "shortage" for one in of(end, "payments.refund", name))
        fate = "declined" if charges[0].status == 402 else "shorted" if shorted else "filled"
        goods = any(one["kind"] == "goods" for one in order["lines"])
        invoiced = 1 if fate == "filled" else 0
        wanted = {"warehouse.ship": invoiced if goods else 0, "finance.invoice": invoiced}
        for operation, times in wanted.items():
            done = of(end, operation, name)
            if len(done) != times:
                yield f"order {name} was {fate}: {len(done)} × {operation} instead of {times}"
        if fate == "shorted" and total(end.effects("payments.refund"), name) != due:
            yield f"order {name} was shorted: {total(end.effects('payments.refund'), name)} of {due} came back"


@drill.invariant
def what_is_given_back_is_credited(end: End) -> Iterator[str]:
    """Each refund of a cancellation has its credit note, of the same amount; and none exceeds what was paid."""
    for one in end.effects("payments.refund"):
        asked = one.request
        if one.status != 201:
            yield f"a refund of order {asked['order_id']} was refused: {one.answer}"
        elif asked["reference"] != "shortage":
            credits = [
                other.request["amount"]
                for other in of(end, "finance.credit", asked["order_id"])
                if other.request["reference"] == asked["reference"]
            ]
            if credits != [asked["amount"]]:
                yield f"refund {asked['reference']} of order {asked['order_id']}, {asked['amount']}: credits {credits}"


@drill.invariant
def stock_adds_up(end: End) -> Iterator[str]:
    """What came in is on the shelf or was shipped."""
    shipped: Counter[str] = Counter()
    for one in end.effects("warehouse.ship"):
        for parcel in one.request["lines"]:
            shipped[parcel["sku"]] += parcel["quantity"]
    received: Counter[str] = Counter()
    for arrival in end.sent("inventory.StockReceived"):
        received[arrival["sku"]] += arrival["quantity"]
    shelf = end.counters("stock")
    for sku, units in received.items():
        if shelf.get(sku, 0) + shipped[sku] != units:
            yield f"{sku}: {units} came in, {shipped[sku]} were shipped, {shelf.get(sku, 0)} are left"


def of(end: Systems, operation: str, order: str) -> list[Effect]:
    return [one for one in end.effects(operation) if one.request["order_id"] == order]


def total(effects: Any, order: str) -> Decimal:
    """What was done of an order, in money."""
    done = [one for one in effects if one.request["order_id"] == order and one.status < 300]
    return sum((Decimal(one.request["amount"]) for one in done), ZERO)
