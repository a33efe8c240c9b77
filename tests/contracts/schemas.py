"""A contract for tests, close to the one of `interlock init`."""

from __future__ import annotations

from typing import Any

from interlock.contracts.event_contract import EventContract

CLASS = {"x-classification": "internal"}
LINE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["sku", "quantity"],
    "properties": {
        "sku": {"type": "string", **CLASS},
        "quantity": {"type": "integer", "minimum": 1, **CLASS},
        "price": {"type": "string", "format": "decimal", **CLASS},
    },
}
ORDER: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "description": "A customer ordered",
    "x-interlock": {"owner": "team", "partition_key": "/order_id", "business_keys": ["/order_id", "/customer/number"]},
    "type": "object",
    "additionalProperties": False,
    "required": ["order_id", "lines", "total", "placed_at"],
    "properties": {
        "order_id": {"type": "string", **CLASS},
        "placed_at": {"type": "string", "format": "date-time", **CLASS},
        "total": {"type": "string", "format": "decimal", **CLASS},
        "weight": {"type": "number", **CLASS},
        "gift_note": {"type": ["string", "null"], **CLASS},
        "channel": {"enum": ["web", "shop"], **CLASS},
        "customer": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"number": {"type": "integer", **CLASS}, "phone": {"type": "string", **CLASS}},
        },
        "payment": {
            "oneOf": [
                {"type": "null"},
                {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["card"],
                    "properties": {"card": {"type": "string", "pattern": "^[0-9]{4}$", **CLASS}},
                },
            ]
        },
        "lines": {"type": "array", "minItems": 1, "items": LINE},
    },
    "examples": [],
}
DATA: dict[str, Any] = {
    "order_id": "ORD-1",
    "placed_at": "2026-01-02T03:04:05Z",
    "total": "12.00",
    "lines": [{"sku": "A", "quantity": 2, "price": "6.00"}],
}


def order(**more: Any) -> dict[str, Any]:
    return {**DATA, **more}


def contract(name: str = "OrderPlaced", version: str = "1.0.0", **changes: Any) -> EventContract:
    return EventContract("orders", name, version, {**ORDER, **changes})
