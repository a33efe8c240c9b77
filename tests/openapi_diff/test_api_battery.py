"""Pairs of operations and documents, each with the refusals that it has to make, and no others."""

from __future__ import annotations

from datetime import date
from typing import Any, NamedTuple

import pytest

from interlock.contracts.diff import compare

from .documents import DONE, callback, document, operation, query

TODAY = date(2026, 11, 25)
S, I = {"type": "string"}, {"type": "integer"}  # noqa: E741
KEY = {"components": {"securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "K"},
                                          "basic": {"type": "http", "scheme": "basic"}}}}  # fmt: skip
OAUTH = {"components": {"securitySchemes": {"auth": {"type": "oauth2", "flows": {"implicit": {
    "authorizationUrl": "https://a.example", "scopes": {"r": "", "w": ""}}}}}}}  # fmt: skip


class Case(NamedTuple):
    id: str
    old: dict[str, Any]
    new: dict[str, Any]
    refusals: str = ""
    warnings: str = ""


def paths(*names: str, **operations: Any) -> dict[str, Any]:
    return document({name: {"get": DONE, **operations} for name in names})


def answers(**statuses: Any) -> dict[str, Any]:
    return operation({"responses": {name.strip("_"): value for name, value in statuses.items()}})


def content(*media: str, schema: Any = None) -> dict[str, Any]:
    return {"description": "It.", "content": {name: {"schema": schema or S} for name in media}}


def body(required: bool = False, **media: Any) -> dict[str, Any]:
    return operation({"requestBody": {"required": required, "content": media or {"application/json": {"schema": S}}}})


def secured(*security: Any, root: Any = None, **more: Any) -> dict[str, Any]:
    own = {} if root is not None else {"security": list(security)}
    made = operation(own, **{**KEY, **more})
    return {**made, "security": root} if root is not None else made


def ending(sunset: Any, deprecated: bool = True) -> dict[str, Any]:
    return document({"/a": {"get": DONE, "put": {**DONE, "deprecated": deprecated, "x-sunset": sunset}}})


HEADER = {"description": "It.", "headers": {"X-A": {"schema": S}}}
CASES = (
    Case("path added", paths("/a"), paths("/a", "/b")),
    Case("path removed", paths("/a", "/b"), paths("/a"), "path-removed"),
    Case("path renamed", paths("/a"), paths("/b"), "path-removed"),
    Case("path parameter renamed", paths("/a/{id}"), paths("/a/{key}")),
    Case(
        "path parameter renamed and declared",
        document(
            {"/a/{id}": {"parameters": [{"name": "id", "in": "path", "required": True, "schema": S}], "get": DONE}}
        ),
        document(
            {
                "/a/{key}": {
                    "get": {**DONE, "parameters": [{"name": "key", "in": "path", "required": True, "schema": S}]}
                }
            }
        ),
    ),
    Case(
        "path parameter renamed and of another type",
        document(
            {"/a/{id}": {"parameters": [{"name": "id", "in": "path", "required": True, "schema": S}], "get": DONE}}
        ),
        document(
            {
                "/a/{key}": {
                    "get": {**DONE, "parameters": [{"name": "key", "in": "path", "required": True, "schema": I}]}
                }
            }
        ),
        "request-type-narrowed",
    ),
    Case(
        "two variables swapped in name",
        document(
            {
                "/a/{x}/{y}": {
                    "get": {
                        **DONE,
                        "parameters": [
                            {"name": "x", "in": "path", "required": True, "schema": S},
                            {"name": "y", "in": "path", "required": True, "schema": I},
                        ],
                    }
                }
            }
        ),
        document(
            {
                "/a/{y}/{x}": {
                    "get": {
                        **DONE,
                        "parameters": [
                            {"name": "x", "in": "path", "required": True, "schema": I},
                            {"name": "y", "in": "path", "required": True, "schema": S},
                        ],
                    }
                }
            }
        ),
    ),
    Case("method added", paths("/a"), paths("/a", put=DONE)),
    Case("method removed", paths("/a", put=DONE), paths("/a"), "operation-removed"),
    Case("removed after its sunset", ending("2026-01-01"), paths("/a")),
    Case("removed on the day", ending("2026-11-25"), paths("/a")),
    Case("removed before its sunset", ending("2027-01-01"), paths("/a"), "operation-removed"),
    Case("removed with a sunset, but never deprecated", ending("2020-01-01", False), paths("/a"), "operation-removed"),
    Case("removed with a garbled sunset", ending("soon"), paths("/a"), "operation-removed"),
    Case("removed, deprecated without sunset", ending(None), paths("/a"), "operation-removed"),
    Case("sunset shortened", ending("2099-06-01"), ending("2099-01-01"), "operation-sunset-shortened"),
    Case("sunset prolonged", ending("2099-01-01"), ending("2099-06-01")),
    Case("sunset removed", ending("2099-01-01"), ending(None), "operation-sunset-shortened"),
    Case("deprecated with sunset", paths("/a", put=DONE), ending("2099-01-01")),
    Case("deprecated without", paths("/a", put=DONE), ending(None), "", "operation-deprecated-without-sunset"),
    Case(
        "path item by reference",
        paths("/a"),
        document({"/a": {"$ref": "#/components/pathItems/A"}}, "3.1.0", components={"pathItems": {"A": {"get": DONE}}}),
    ),
    # Parameters.
    Case("optional parameter", operation({}), query(S)),
    Case("required parameter", operation({}), query(S, required=True), "parameter-added-required"),
    Case("parameter removed", query(S), operation({}), "parameter-removed"),
    Case("parameter removed after its sunset", query(S, deprecated=True, **{"x-sunset": "2026-01-01"}), operation({})),
    Case("parameter became required", query(S), query(S, required=True), "parameter-became-required"),
    Case("parameter became optional", query(S, required=True), query(S)),
    Case(
        "parameter moved to the path item",
        query(S),
        document({"/a": {"parameters": [{"name": "q", "in": "query", "schema": S}], "post": DONE}}),
    ),
    Case(
        "parameter by reference",
        query(S),
        operation(
            {"parameters": [{"$ref": "#/components/parameters/q"}]},
            components={"parameters": {"q": {"name": "q", "in": "query", "schema": S}}},
        ),
    ),
    Case(
        "header in another case",
        operation({"parameters": [{"name": "X-A", "in": "header", "schema": S}]}),
        operation({"parameters": [{"name": "x-a", "in": "header", "schema": S}]}),
    ),
    Case(
        "query parameter in another case",
        query(S),
        operation({"parameters": [{"name": "Q", "in": "query", "schema": S}]}),
        "parameter-removed",
    ),
    Case(
        "moved from query to header",
        query(S),
        operation({"parameters": [{"name": "q", "in": "header", "schema": S}]}),
        "parameter-removed",
    ),
    Case(
        "header that OpenAPI ignores",
        operation({"parameters": [{"name": "Authorization", "in": "header", "schema": S}]}),
        operation({}),
    ),
    Case("a number is a text in a query", query(I), query(S)),
    Case("a text is no number", query(S), query(I), "request-type-narrowed"),
    Case(
        "enum of a parameter",
        query({**S, "enum": ["a", "b"]}),
        query({**S, "enum": ["a"]}),
        "request-enum-value-removed",
    ),
    Case("default changed", query({**I, "default": 1}), query({**I, "default": 2}), "parameter-default-changed"),
    Case(
        "default of a required one",
        query({**I, "default": 1}, required=True),
        query({**I, "default": 2}, required=True),
    ),
    Case("default stated", query(I), query({**I, "default": 1}), "", "parameter-default-added"),
    Case("style written out", query(S), query(S, style="form", explode=True)),
    Case(
        "style",
        query({"type": "array", "items": S}),
        query({"type": "array", "items": S}, style="pipeDelimited"),
        "parameter-style-changed",
    ),
    Case(
        "explode of a list",
        query({"type": "array", "items": S}),
        query({"type": "array", "items": S}, explode=False),
        "parameter-explode-changed",
    ),
    Case("explode of a text says nothing", query(S), query(S, explode=False)),
    Case(
        "schema to content",
        query(S),
        operation({"parameters": [{"name": "q", "in": "query", "content": {"application/json": {"schema": S}}}]}),
        "parameter-content-changed",
    ),
    Case("duplicate parameters", operation({"parameters": [{"name": "q", "in": "query", "schema": S}] * 2}), query(S)),
    # Bodies and media types.
    Case("optional body", operation({}), body()),
    Case("required body", operation({}), body(True), "body-added-required"),
    Case("body removed", body(), operation({}), "body-removed"),
    Case("body became required", body(), body(True), "body-became-required"),
    Case("body became optional", body(True), body()),
    Case(
        "body by reference",
        body(),
        operation(
            {"requestBody": {"$ref": "#/components/requestBodies/B"}},
            components={"requestBodies": {"B": {"content": {"application/json": {"schema": S}}}}},
        ),
    ),
    Case("media type came", body(), body(**{"application/json": {"schema": S}, "text/csv": {}})),
    Case(
        "media type went",
        body(**{"application/json": {"schema": S}, "text/csv": {}}),
        body(),
        "request-media-type-removed",
    ),
    Case("media type became a range", body(), body(**{"application/*": {"schema": S}})),
    Case("charset of a media type", body(), body(**{"application/json; charset=utf-8": {"schema": S}})),
    Case("schema of a media type", body(), body(**{"application/json": {"schema": I}}), "request-type-changed"),
    Case("schema of any body", body(**{"application/json": {}}), body(), "request-type-narrowed"),
    Case(
        "a number is a text in a form",
        body(**{"application/x-www-form-urlencoded": {"schema": {"type": "object", "properties": {"a": I}}}}),
        body(**{"application/x-www-form-urlencoded": {"schema": {"type": "object", "properties": {"a": S}}}}),
    ),
    # Answers.
    Case("success came", answers(_200=content()), answers(_200=content(), _201=content())),
    Case("success went", answers(_200=content(), _201=content()), answers(_200=content()), "response-status-removed"),
    Case("error went", answers(_200=content(), _404=content()), answers(_200=content())),
    Case("error came", answers(_200=content()), answers(_200=content(), _404=content())),
    Case(
        "error came beside default",
        answers(_200=content(), default=content("application/json", schema=I)),
        answers(_200=content(), default=content("application/json", schema=I), _404=content("application/json")),
    ),
    Case(
        "statuses became their class",
        answers(_200=content("application/json")),
        operation({"responses": {"2XX": content("application/json")}}),
    ),
    Case(
        "class became a status of another body",
        operation({"responses": {"2XX": content("application/json")}}),
        answers(_200=content("application/json", schema=I)),
        "response-status-removed response-type-changed",
    ),
    Case(
        "media type of an answer went",
        answers(_200=content("application/json", "text/csv")),
        answers(_200=content("application/json")),
        "response-media-type-removed",
    ),
    Case(
        "media type of an answer came",
        answers(_200=content("application/json")),
        answers(_200=content("application/json", "text/csv")),
    ),
    Case(
        "schema of an answer went",
        answers(_200=content("application/json")),
        answers(_200={"description": "It.", "content": {"application/json": {}}}),
        "response-type-widened",
    ),
    Case("header went", answers(_200=HEADER), answers(_200={"description": "It."}), "response-header-removed"),
    Case("header came", answers(_200={"description": "It."}), answers(_200=HEADER)),
    Case(
        "header of another type",
        answers(_200=HEADER),
        answers(_200={"description": "It.", "headers": {"x-a": {"schema": {"type": "array", "items": S}}}}),
        "response-type-changed",
    ),
    Case(
        "number for a text in a header",
        answers(_200=HEADER),
        answers(_200={"description": "It.", "headers": {"X-A": {"schema": I}}}),
    ),
    Case(
        "answer by reference",
        answers(_200=content("application/json")),
        operation(
            {"responses": {"200": {"$ref": "#/components/responses/R"}}},
            components={"responses": {"R": content("application/json")}},
        ),
    ),
    # Security.
    Case("secured", secured(), secured({"key": []}), "security-added"),
    Case("secured by the root", secured(root=[]), secured(root=[{"key": []}]), "security-added"),
    Case("opened", secured({"key": []}), secured(), "", "security-removed"),
    Case("opened for one", secured({"key": []}, root=None), secured({"key": []}, {}), "", "security-removed"),
    Case("one more way", secured({"key": []}), secured({"key": []}, {"basic": []})),
    Case("one way less", secured({"key": []}, {"basic": []}), secured({"key": []}), "security-alternative-removed"),
    Case("both at once now", secured({"key": []}), secured({"key": [], "basic": []}), "security-alternative-removed"),
    Case("one of both is enough now", secured({"key": [], "basic": []}), secured({"key": []})),
    Case("root to operation", secured(root=[{"key": []}]), secured({"key": []})),
    Case(
        "scheme renamed",
        secured({"key": []}),
        {
            **secured({"token": []}),
            "components": {"securitySchemes": {"token": {"type": "apiKey", "in": "header", "name": "K"}}},
        },
    ),
    Case(
        "scope needed",
        secured({"auth": ["r"]}, **OAUTH),
        secured({"auth": ["r", "w"]}, **OAUTH),
        "security-scope-added",
    ),
    Case("scope not needed", secured({"auth": ["r", "w"]}, **OAUTH), secured({"auth": ["r"]}, **OAUTH)),
    # What the API calls.
    Case("callback came", operation({}), callback({})),
    Case("callback went", callback({}), operation({}), "callback-removed"),
    Case(
        "callback sends more",
        callback(
            {"requestBody": {"content": {"application/json": {"schema": {"type": "object", "properties": {"a": S}}}}}}
        ),
        callback(
            {
                "requestBody": {
                    "content": {
                        "application/json": {
                            "schema": {"type": "object", "properties": {"a": S, "b": S}, "required": ["b"]}
                        }
                    }
                }
            }
        ),
    ),
    Case(
        "callback sends less",
        callback(
            {
                "requestBody": {
                    "content": {"application/json": {"schema": {"type": "object", "properties": {"a": S, "b": S}}}}
                }
            }
        ),
        callback(
            {"requestBody": {"content": {"application/json": {"schema": {"type": "object", "properties": {"a": S}}}}}}
        ),
        "response-property-removed",
    ),
    Case(
        "callback takes less",
        callback({"responses": {"200": content("application/json")}}),
        callback({"responses": {"200": content("application/json", schema={**S, "maxLength": 3})}}),
        "request-max-length-added",
    ),
    # The document.
    Case(
        "servers",
        document({}, servers=[{"url": "https://a"}]),
        document({}, servers=[{"url": "https://b"}]),
        "",
        "server-removed",
    ),
    Case("no paths at all", {"openapi": "3.1.0", "info": {}}, {"openapi": "3.1.0", "info": {}, "paths": None}),
    Case("3.0 to 3.1", query({**S, "nullable": True}), {**query({"type": ["string", "null"]}), "openapi": "3.1.0"}),
    Case(
        "stability",
        operation({"x-stability-level": "stable"}),
        operation({"x-stability-level": "alpha"}),
        "operation-stability-lowered",
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_the_refusals_and_the_warnings(case: Case) -> None:
    findings = compare(case.old, case.new, today=TODAY).findings
    assert {one.rule for one in findings if one.severity == "ERR"} == set(case.refusals.split())
    assert {one.rule for one in findings if one.severity == "WARN"} == set(case.warnings.split())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_nothing_against_itself(case: Case) -> None:
    assert compare(case.old, case.old, today=TODAY).findings == ()
    assert compare(case.new, case.new, today=TODAY).findings == ()
