"""The contract that the tests of mocks, clients and contract tests speak about."""

from __future__ import annotations

from typing import Any

ORDER: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["id", "sku", "quantity"],
    "properties": {
        "id": {"type": "string", "readOnly": True, "pattern": "^ORD-[0-9]+$"},
        "sku": {"type": "string", "minLength": 1},
        "quantity": {"type": "integer", "minimum": 1},
        "note": {"type": ["string", "null"]},
        "status": {"enum": ["open", "shipped"]},
    },
}
EXAMPLE = {"id": "ORD-7", "sku": "SKU-1", "quantity": 2, "status": "open"}
JSON = "application/json"
_ONE = {JSON: {"schema": {"$ref": "#/components/schemas/Order"}}}
_PROBLEM = {"application/problem+json": {"schema": {"type": "object", "required": ["title"]}}}

SHOP: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Shop", "version": "1.2.0"},
    "servers": [{"url": "https://api.example.com/v1"}],
    "security": [{"key": []}],
    "paths": {
        "/orders": {
            "get": {
                "operationId": "listOrders",
                "parameters": [
                    {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 100}},
                    {
                        "name": "status",
                        "in": "query",
                        "schema": {"type": "array", "items": {"enum": ["open", "shipped"]}},
                    },
                ],
                "responses": {
                    "200": {
                        "description": "All.",
                        "headers": {"X-Total": {"required": True, "schema": {"type": "integer"}}},
                        "content": {
                            JSON: {
                                "schema": {
                                    "type": "object",
                                    "required": ["orders"],
                                    "properties": {
                                        "orders": {"type": "array", "items": {"$ref": "#/components/schemas/Order"}}
                                    },
                                },
                                "examples": {
                                    "some": {"value": {"orders": [EXAMPLE]}},
                                    "empty": {"value": {"orders": []}},
                                    "broken": {"value": {"orders": [{"id": 7}]}},
                                },
                            }
                        },
                    }
                },
            },
            "post": {
                "operationId": "placeOrder",
                "parameters": [
                    {"name": "Idempotency-Key", "in": "header", "required": True, "schema": {"type": "string"}}
                ],
                "requestBody": {"required": True, "content": _ONE},
                "responses": {
                    "201": {
                        "description": "Made.",
                        "headers": {"Location": {"schema": {"type": "string", "format": "uri-reference"}}},
                        "content": {JSON: {**_ONE[JSON], "example": EXAMPLE}},
                    },
                    "422": {"description": "Wrong.", "content": _PROBLEM},
                },
            },
        },
        "/orders/{orderId}": {
            "parameters": [
                {"name": "orderId", "in": "path", "required": True, "schema": {"type": "string", "pattern": "^ORD-"}}
            ],
            "get": {
                "operationId": "getOrder",
                "responses": {
                    "200": {"description": "One.", "content": {JSON: {**_ONE[JSON], "example": EXAMPLE}}},
                    "404": {"description": "None.", "content": _PROBLEM},
                },
            },
            "put": {
                "operationId": "replaceOrder",
                "requestBody": {"required": True, "content": _ONE},
                "responses": {"200": {"description": "Done.", "content": _ONE}},
            },
            "patch": {
                "operationId": "changeOrder",
                "deprecated": True,
                "requestBody": {"required": True, "content": {"application/merge-patch+json": {"schema": {}}}},
                "responses": {"200": {"description": "Done.", "content": _ONE}},
            },
            "delete": {"operationId": "cancelOrder", "responses": {"204": {"description": "Gone."}}},
        },
        "/orders/latest": {
            "get": {
                "operationId": "latestOrder",
                "security": [],
                "responses": {
                    "200": {
                        "description": "The last one.",
                        "content": {JSON: _ONE[JSON], "text/csv": {"schema": {"type": "string"}, "example": "a,b"}},
                    }
                },
            }
        },
    },
    "components": {
        "schemas": {"Order": ORDER},
        "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-Key"}},
    },
}
