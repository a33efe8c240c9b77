"""Facts pass, commands do not."""

from __future__ import annotations

import pytest

from interlock.contracts.past_tense import objection

FACTS = """
OrderPlaced PaymentAuthorized PaymentCaptured StockReserved FulfillmentShipped InvoicePaid OrderSent ParcelHeld
GoodsTaken Placed OrderCancelled RefundIssued ReturnReceived TransferCompleted OrderLineAdded VATReturnFiled StockReset
PasswordReset ShipmentLost SetBuilt
"""
COMMANDS = """
PlaceOrder CreateInvoice SendEmail CancelOrder ReserveStock OrderCreate OrderUpdate Refund PayInvoice StockNeed
FeedAnimals OrderStatus OrderPlacing CustomerChange AnimalFeed
"""


@pytest.mark.parametrize("name", FACTS.split())
def test_a_fact_passes(name: str) -> None:
    assert objection(name) is None


@pytest.mark.parametrize("name", COMMANDS.split())
def test_a_command_or_a_thing_does_not(name: str) -> None:
    assert objection(name) is not None


def test_the_text_says_what_is_wrong() -> None:
    assert "command" in str(objection("PlaceOrder"))
    assert "Status is no participle" in str(objection("OrderStatus"))
