"""The smallest documents around a schema, an operation or a set of components."""

from __future__ import annotations

from typing import Any

DONE: dict[str, Any] = {"responses": {"200": {"description": "Done."}}}


def document(paths: dict[str, Any] | None = None, version: str = "3.0.3", **more: Any) -> dict[str, Any]:
    return {"openapi": version, "info": {"title": "A", "version": "1.0.0"}, "paths": paths or {}, **more}


def operation(own: dict[str, Any], version: str = "3.0.3", **more: Any) -> dict[str, Any]:
    return document({"/a": {"post": {**DONE, **own}}}, version, **more)


def request(schema: Any, version: str = "3.0.3", **components: Any) -> dict[str, Any]:
    body = {"requestBody": {"content": {"application/json": {"schema": schema}}}}
    return operation(body, version, components={"schemas": components})


def response(schema: Any, version: str = "3.0.3", **components: Any) -> dict[str, Any]:
    answers = {"responses": {"200": {"description": "Done.", "content": {"application/json": {"schema": schema}}}}}
    return operation(answers, version, components={"schemas": components})


def query(schema: Any, **more: Any) -> dict[str, Any]:
    return operation({"parameters": [{"name": "q", "in": "query", "schema": schema, **more}]})


def webhook(schema: Any) -> dict[str, Any]:
    body = {"content": {"application/json": {"schema": schema}}}
    return document({}, "3.1.0", webhooks={"event": {"post": {**DONE, "requestBody": body}}})


def callback(own: dict[str, Any]) -> dict[str, Any]:
    return operation({"callbacks": {"onEvent": {"{$request.body#/url}": {"post": {**DONE, **own}}}}})


def ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}
