"""Money: decimal pounds with two places, rounded half up, once per line."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

CURRENCY = "GBP"
PENNY = Decimal("0.01")
NOTHING = Decimal("0.00")


def line_amount(quantity: int, unit_price: Decimal) -> Decimal:
    """Exact before the one rounding: 7 digits times 7+6 digits fit the 28 digits of the decimal context."""
    return (quantity * unit_price).quantize(PENNY, ROUND_HALF_UP)


def part_amount(open_quantity: int, taken: int, unit_price: Decimal) -> Decimal:
    """What `taken` of a line's `open_quantity` units are worth: the difference of two rounded amounts.

    So the parts of a line add up to the line, whatever the price has behind the penny.
    """
    return line_amount(open_quantity, unit_price) - line_amount(open_quantity - taken, unit_price)
