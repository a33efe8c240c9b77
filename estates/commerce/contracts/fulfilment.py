"""Events of the domain fulfilment, generated from contracts/events/fulfilment.

Do not edit: change the schemas, then run `interlock generate`.
"""

# schemas: befd6792ed3ef678

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import msgspec


class FulfillmentShipped(msgspec.Struct, frozen=True, kw_only=True):
    """The warehouse shipped an order."""

    __contract__: ClassVar[str] = "fulfilment.FulfillmentShipped"
    __version__: ClassVar[str] = "1.0.0"

    order_id: str
    shipment_id: str
    lines: Sequence[FulfillmentShippedLine]


class FulfillmentShippedLine(msgspec.Struct, frozen=True, kw_only=True):
    sku: str
    quantity: int
