"""Why rows are refused. Codes are public: dead letters carry them, docs/explanation/commerce-rules.md explains them."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """The order is the order in which the rules are tried; the first that fits wins."""

    BAD_DEBT_ADJUSTMENT = "bad_debt_adjustment"
    OTHER_CUSTOMER = "other_customer"
    UNREADABLE_SKU = "unreadable_sku"
    UNREADABLE_NUMBER = "unreadable_number"
    UNREADABLE_DATE = "unreadable_date"
    INTERNAL_FEE = "internal_fee"
    ZERO_QUANTITY = "zero_quantity"
    NEGATIVE_PRICE = "negative_price"
    STOCK_WRITE_OFF = "stock_write_off"
    DISCOUNT_OUTSIDE_CREDIT = "discount_outside_credit"
    NO_MONEY = "no_money"
    CANCELLATION_NOT_NEGATIVE = "cancellation_not_negative"
    CANCELLATION_WITHOUT_CUSTOMER = "cancellation_without_customer"
    CANCELLATION_UNMATCHED = "cancellation_unmatched"
