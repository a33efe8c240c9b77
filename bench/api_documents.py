"""Generated OpenAPI documents of any size, for the bench of the diff: the same size gives the same document.

`forest`: components refer to a few of their neighbours, as in most APIs. `graph`: everything reaches everything, as in
those of payment providers, with alternatives between an id and the whole object.
"""

from __future__ import annotations

from typing import Any, Literal

Shape = Literal["forest", "graph"]
BYTES_PER_COMPONENT = 2560
_TEXT = "What it means, at the length that authors usually take to describe a property to their readers. "


def document(size_bytes: int, shape: Shape) -> dict[str, Any]:
    """About as many bytes of compact JSON, a fifth of them in operations."""
    count = max(4, size_bytes // BYTES_PER_COMPONENT)
    schemas = {f"Thing{at}": _component(at, count, shape) for at in range(count)}
    paths = {f"/things{at}/{{id}}": _path(at, count) for at in range(0, count, 3)}
    return {
        "openapi": "3.0.3",
        "info": {"title": "Generated", "version": "1.0.0"},
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "K"}}},
        "security": [{"key": []}],
    }


def _component(at: int, count: int, shape: Shape) -> dict[str, Any]:
    step = 7919 if shape == "graph" else 1
    reach = count if shape == "graph" else 4
    properties: dict[str, Any] = {
        "id": {"type": "string", "maxLength": 5000, "description": _TEXT},
        "created": {"type": "string", "format": "date-time", "description": _TEXT},
        "amount": {"type": "integer", "minimum": 0, "maximum": 10**9 + at, "description": _TEXT},
        "status": {"type": "string", "enum": ["new", "open", "done", f"state{at}"], "description": _TEXT},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        "note": {"type": "string", "nullable": True, "maxLength": 200 + at % 50, "description": _TEXT},
    }
    for turn in range(1, 5):
        name = f"Thing{(at // reach * reach + (at * step + turn * 31) % reach) % count}"
        target = {"$ref": f"#/components/schemas/{name}"}
        properties[f"part{turn}"] = {"anyOf": [{"type": "string", "maxLength": 5000}, target]}
        properties[f"parts{turn}"] = {"type": "array", "items": target, "description": _TEXT}
    return {"type": "object", "required": ["id", "status"], "description": _TEXT, "properties": properties}


def _path(at: int, count: int) -> dict[str, Any]:
    body = {"application/json": {"schema": {"$ref": f"#/components/schemas/Thing{at}"}}}
    answer = {"200": {"description": "It.", "content": body}, "default": {"description": _TEXT}}
    number = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    limit = {"name": "limit", "in": "query", "schema": {"type": "integer", "maximum": 100}, "description": _TEXT}
    return {
        "get": {"operationId": f"get{at}", "parameters": [number, limit], "responses": answer},
        "post": {"operationId": f"post{at}", "parameters": [number], "requestBody": {"content": body},
                 "responses": answer},
    }  # fmt: skip


def changed_everywhere(value: Any) -> Any:
    """Another text in each place that has one, and other bounds, values and properties in each schema."""
    if isinstance(value, list):
        return [changed_everywhere(one) for one in value]
    if not isinstance(value, dict):
        return value
    made = {name: changed_everywhere(one) for name, one in value.items()}
    if isinstance(made.get("description"), str):
        made["description"] += "Changed."
    for word in ("maxLength", "maximum"):
        if isinstance(made.get(word), int):
            made[word] += 1
    if isinstance(made.get("enum"), list):
        made["enum"] = [*made["enum"], "late"]
    if isinstance(made.get("properties"), dict):
        made["properties"]["came"] = {"type": "string"}
    return made


def reordered(value: Any) -> Any:
    """The same document with every mapping the other way round."""
    if isinstance(value, list):
        return [reordered(one) for one in value]
    if isinstance(value, dict):
        return {name: reordered(one) for name, one in reversed(value.items())}
    return value


def changed_at_one_end(value: dict[str, Any]) -> dict[str, Any]:
    """One component that everything reaches takes another value."""
    schemas = dict(value["components"]["schemas"])
    name = next(iter(schemas))
    schemas[name] = changed_everywhere(schemas[name])
    return {**value, "components": {**value["components"], "schemas": schemas}}
