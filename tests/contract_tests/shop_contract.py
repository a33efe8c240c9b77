"""The provider of the genuine Pact files in `files`: orders over HTTP."""

from __future__ import annotations

from typing import Any

JSON = "application/json"
ORDER: dict[str, Any] = {
    "type": "object",
    "required": ["id", "total", "quantity", "placed_at", "lines"],
    "additionalProperties": False,
    "properties": {
        "id": {"type": "string"},
        "total": {"type": "string", "pattern": r"^\d+\.\d{2}$"},
        "quantity": {"type": "integer"},
        "placed_at": {"type": "string"},
        "lines": {
            "type": "array",
            "minItems": 1,
            "items": {"type": "object", "required": ["sku"], "properties": {"sku": {"type": "string"}}},
        },
        "note": {"type": ["string", "null"]},
    },
}
EXAMPLE = {
    "id": "ORD-9",
    "total": "7.50",
    "quantity": 1,
    "placed_at": "2026-02-03T04:05:06",
    "lines": [{"sku": "A"}, {"sku": "B"}],
}
NEW = {
    "type": "object",
    "required": ["sku", "quantity"],
    "properties": {"sku": {"type": "string"}, "quantity": {"type": "integer"}},
}


def contract() -> dict[str, Any]:
    """A fresh copy, to be changed."""
    one = {JSON: {"schema": {"$ref": "#/components/schemas/Order"}, "example": {**EXAMPLE}}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Shop", "version": "1.0.0"},
        "paths": {
            "/orders/{id}": {
                "get": {
                    "parameters": [
                        {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}},
                        {"name": "expand", "in": "query", "schema": {"enum": ["lines"]}},
                    ],
                    "responses": {"200": {"description": "One.", "content": one}},
                }
            },
            "/orders": {
                "post": {
                    "requestBody": {"required": True, "content": {JSON: {"schema": {**NEW}}}},
                    "responses": {"201": {"description": "Made.", "content": one}},
                }
            },
        },
        "components": {"schemas": {"Order": {**ORDER, "properties": {**ORDER["properties"]}}}},
    }
