"""Sound contracts that the examples of the rules change: JSON Merge Patches (RFC 7396) of these."""

from __future__ import annotations

from collections.abc import Mapping

API = "contracts/apis/shop/1.0.0.json"
EVENT = "contracts/events/orders/order_placed/1.0.0.json"
WEBHOOK = "contracts/webhooks/courier/parcel_delivered/1.0.0.json"
ASYNCAPI = "asyncapi.json"

_OPENAPI = """
{
  "openapi": "3.1.0",
  "info": {
    "title": "Shop",
    "version": "1.0.0",
    "description": "Orders of the shop.",
    "contact": {"name": "Team orders", "url": "https://orders.example.org", "email": "orders@example.org"},
    "license": {"name": "MIT", "url": "https://spdx.org/licenses/MIT.html"}
  },
  "x-interlock": {"owner": "team-orders"},
  "servers": [{"url": "https://api.shop.test", "description": "The shop."}],
  "tags": [{"name": "orders", "description": "What customers ask for."}],
  "security": [{"token": []}],
  "paths": {
    "/orders": {
      "get": {
        "operationId": "listOrders",
        "summary": "Orders, newest first.",
        "description": "A page at a time.",
        "tags": ["orders"],
        "parameters": [
          {"name": "limit", "in": "query", "description": "At most so many.",
           "schema": {"type": "integer", "minimum": 1, "maximum": 100}}
        ],
        "responses": {
          "200": {
            "description": "One page.",
            "content": {
              "application/json": {
                "schema": {
                  "type": "object",
                  "additionalProperties": false,
                  "properties": {
                    "orders": {
                      "type": "array", "x-classification": "internal", "maxItems": 100,
                      "items": {"$ref": "#/components/schemas/Order"}
                    }
                  }
                }
              }
            }
          },
          "401": {"$ref": "#/components/responses/Refused"},
          "429": {"$ref": "#/components/responses/Limited"},
          "4XX": {"$ref": "#/components/responses/Refused"}
        }
      },
      "post": {
        "operationId": "placeOrder",
        "summary": "Place an order.",
        "description": "Answered when the order is durable.",
        "tags": ["orders"],
        "parameters": [{"$ref": "#/components/parameters/Key"}],
        "requestBody": {
          "required": true,
          "content": {
            "application/json": {
              "schema": {"$ref": "#/components/schemas/Order"},
              "example": {"order_id": "ORD-1042", "total": "12.00"}
            }
          }
        },
        "responses": {
          "201": {
            "description": "Placed.",
            "headers": {
              "Location": {"description": "The order.", "schema": {"type": "string", "format": "uri-reference"}}
            }
          },
          "401": {"$ref": "#/components/responses/Refused"},
          "409": {"$ref": "#/components/responses/Refused"},
          "422": {"$ref": "#/components/responses/Refused"},
          "429": {"$ref": "#/components/responses/Limited"},
          "4XX": {"$ref": "#/components/responses/Refused"}
        }
      }
    },
    "/orders/{order_id}": {
      "parameters": [
        {"name": "order_id", "in": "path", "required": true, "description": "Which order.",
         "schema": {"type": "string", "maxLength": 40}}
      ],
      "get": {
        "operationId": "readOrder",
        "summary": "One order.",
        "description": "As it stands now.",
        "tags": ["orders"],
        "responses": {
          "200": {
            "description": "The order.",
            "headers": {"ETag": {"description": "Its state.", "schema": {"type": "string", "maxLength": 80}}},
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}}
          },
          "401": {"$ref": "#/components/responses/Refused"},
          "429": {"$ref": "#/components/responses/Limited"},
          "4XX": {"$ref": "#/components/responses/Refused"}
        }
      },
      "put": {
        "operationId": "replaceOrder",
        "summary": "Replace an order.",
        "description": "Only the state that the caller has seen.",
        "tags": ["orders"],
        "parameters": [
          {"$ref": "#/components/parameters/Key"},
          {"name": "If-Match", "in": "header", "required": true, "description": "The ETag that was read.",
           "schema": {"type": "string", "maxLength": 80}}
        ],
        "requestBody": {
          "required": true,
          "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}}
        },
        "responses": {
          "204": {"description": "Replaced."},
          "401": {"$ref": "#/components/responses/Refused"},
          "409": {"$ref": "#/components/responses/Refused"},
          "412": {"$ref": "#/components/responses/Refused"},
          "422": {"$ref": "#/components/responses/Refused"},
          "428": {"$ref": "#/components/responses/Refused"},
          "429": {"$ref": "#/components/responses/Limited"},
          "4XX": {"$ref": "#/components/responses/Refused"}
        }
      }
    }
  },
  "webhooks": {
    "orderPlaced": {
      "post": {
        "operationId": "orderPlaced",
        "summary": "An order was placed.",
        "description": "Sent until it is acknowledged.",
        "tags": ["orders"],
        "parameters": [
          {"name": "webhook-id", "in": "header", "required": true, "description": "The same for each attempt.",
           "schema": {"type": "string", "maxLength": 80}},
          {"name": "webhook-timestamp", "in": "header", "required": true, "description": "Of this attempt.",
           "schema": {"type": "string", "maxLength": 20}},
          {"name": "webhook-signature", "in": "header", "required": true, "description": "Over id, time and body.",
           "schema": {"type": "string", "maxLength": 400}}
        ],
        "requestBody": {
          "required": true,
          "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}}
        },
        "responses": {"204": {"description": "Taken."}, "4XX": {"$ref": "#/components/responses/Refused"}}
      }
    }
  },
  "components": {
    "securitySchemes": {
      "token": {"type": "http", "scheme": "bearer", "description": "A token of the shop's identity provider."}
    },
    "parameters": {
      "Key": {"name": "Idempotency-Key", "in": "header", "required": true,
              "description": "The same for each attempt.", "schema": {"type": "string", "maxLength": 255}}
    },
    "responses": {
      "Refused": {
        "description": "Why, and what to do (RFC 9457).",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
      },
      "Limited": {
        "description": "Too many requests.",
        "headers": {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer", "minimum": 0}}},
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
      }
    },
    "schemas": {
      "Order": {
        "type": "object",
        "description": "What a customer asks for.",
        "additionalProperties": false,
        "required": ["order_id", "total"],
        "properties": {
          "order_id": {"type": "string", "maxLength": 40, "x-classification": "internal", "examples": ["ORD-1042"]},
          "total": {"type": "string", "format": "decimal", "x-classification": "financial"},
          "placed_at": {"type": "string", "format": "date-time", "x-classification": "internal"},
          "status": {"type": "string", "enum": ["placed", "shipped"], "x-classification": "internal"},
          "lines": {
            "type": "array", "maxItems": 500, "x-classification": "internal",
            "items": {"type": "string", "maxLength": 40}
          }
        }
      },
      "Problem": {
        "type": "object",
        "description": "RFC 9457.",
        "additionalProperties": false,
        "properties": {
          "type": {"type": "string", "format": "uri-reference", "x-classification": "public"},
          "title": {"type": "string", "maxLength": 200, "x-classification": "public"},
          "status": {"type": "integer", "minimum": 400, "maximum": 599, "x-classification": "public"},
          "detail": {"type": "string", "maxLength": 2000, "x-classification": "internal"}
        }
      }
    }
  }
}
"""

_ASYNCAPI = """
{
  "asyncapi": "3.0.0",
  "info": {
    "title": "Shop",
    "version": "1.0.0",
    "description": "What happens in the shop.",
    "contact": {"name": "Team orders", "url": "https://orders.example.org", "email": "orders@example.org"},
    "license": {"name": "MIT", "url": "https://spdx.org/licenses/MIT.html"},
    "tags": [{"name": "orders", "description": "What customers ask for."}]
  },
  "x-interlock": {"owner": "team-orders"},
  "servers": {
    "shop": {"host": "broker.shop.test", "protocol": "kafka-secure", "description": "The shop's broker.",
             "security": [{"$ref": "#/components/securitySchemes/login"}]}
  },
  "channels": {
    "orders": {
      "address": "shop/{region}/orders",
      "description": "All orders of a region.",
      "servers": [{"$ref": "#/servers/shop"}],
      "parameters": {"region": {"description": "Where the shop is."}},
      "messages": {"OrderPlaced": {"$ref": "#/components/messages/OrderPlaced"}}
    }
  },
  "operations": {
    "orderPlaced": {
      "action": "send",
      "description": "Sent once the order is durable.",
      "channel": {"$ref": "#/channels/orders"},
      "messages": [{"$ref": "#/channels/orders/messages/OrderPlaced"}]
    }
  },
  "components": {
    "securitySchemes": {"login": {"type": "scramSha512", "description": "An account of the broker."}},
    "messages": {
      "OrderPlaced": {
        "name": "OrderPlaced",
        "title": "Order placed",
        "contentType": "application/json",
        "headers": {
          "type": "object", "additionalProperties": false,
          "properties": {"traceparent": {"type": "string", "maxLength": 55, "x-classification": "internal"}}
        },
        "payload": {
          "type": "object",
          "additionalProperties": false,
          "required": ["order_id"],
          "properties": {"order_id": {"type": "string", "maxLength": 40, "x-classification": "internal"}}
        },
        "examples": [{"payload": {"order_id": "ORD-1042"}}]
      }
    }
  }
}
"""

_WEBHOOK = """
{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "ParcelDelivered",
  "description": "The courier has handed the parcel over.",
  "x-interlock": {"owner": "team-orders"},
  "type": "object",
  "additionalProperties": false,
  "required": ["parcel_id", "delivered_at"],
  "properties": {
    "parcel_id": {"type": "string", "maxLength": 40, "x-classification": "internal"},
    "delivered_at": {"type": "string", "format": "date-time", "x-classification": "internal"}
  },
  "examples": [{"parcel_id": "P-7", "delivered_at": "2026-11-24T14:02:11Z"}]
}
"""
# The event is that of `interlock init`.
SAMPLES: Mapping[str, str] = {API: _OPENAPI, ASYNCAPI: _ASYNCAPI, WEBHOOK: _WEBHOOK}
