"""What may change in an API around its schemas, as data: rows for what callers send and for what they get.

`flipped` is the effect in a callback or webhook, where the API is the one that calls; its rule begins with `callback-`.
None: the row makes no rule there.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from interlock.contracts.change_rule import ChangeRule
from interlock.contracts.comparison import Direction, Effect
from interlock.contracts.openapi.schema_node import Direction as Travel
from interlock.contracts.openapi.schema_rules import Told

_R: dict[str, Any] = {"responses": {"200": {"description": "Done."}}}


@dataclass(frozen=True, slots=True)
class ApiRow:
    """`old` and `new` are operations, or whole documents where they have an `openapi`."""

    word: str
    area: Travel
    told: Told
    flipped: Told | None
    text: str
    mirror: str
    old: dict[str, Any]
    new: dict[str, Any]


def _parameter(**more: Any) -> dict[str, Any]:
    return {**_R, "parameters": [{"name": "a", "in": "query", "schema": {"type": "array", "items": {}}, **more}]}


def _body(content: dict[str, Any] | None = None, *, required: bool = False) -> dict[str, Any]:
    return {**_R, "requestBody": {"required": required, "content": content or {"application/json": {}}}}


def _answer(**more: Any) -> dict[str, Any]:
    return {"responses": {"200": {"description": "Done.", **more}}}


def _content(*media: str) -> dict[str, Any]:
    return _answer(content={name: {} for name in media})


def _header(**more: Any) -> dict[str, Any]:
    return _answer(headers={"X-A": {"schema": {"type": "array", "items": {}}, **more}})


def _document(paths: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"openapi": "3.1.0", "info": {"title": "A", "version": "1.0.0"}, "paths": paths, **more}


def _secured(*security: dict[str, Any], **scheme: Any) -> dict[str, Any]:
    schemes = {"key": {"type": "apiKey", "in": "header", "name": "X-Key", **scheme}, "basic": {"type": "http",
               "scheme": "basic"}}  # fmt: skip
    return _document({"/a": {"get": {**_R, "security": list(security)}}}, components={"securitySchemes": schemes})


def _oauth(*scopes: str, needs: tuple[str, ...] = (), more: dict[str, Any] | None = None) -> dict[str, Any]:
    flow = {"tokenUrl": "https://a.example/token", "scopes": dict.fromkeys(scopes, "")}
    scheme = {"type": "oauth2", "flows": {"clientCredentials": flow, **(more or {})}}
    return _document(
        {"/a": {"get": {**_R, "security": [{"auth": list(needs)}]}}}, components={"securitySchemes": {"auth": scheme}}
    )


_ENDING = {**_R, "deprecated": True, "x-sunset": "2020-01-01"}
_A, _AB = {"/a": {"get": _R}}, {"/a": {"get": _R}, "/b": {"get": _R}}
_OWN = "none: its own mirror"
_CALLED = {"onEvent": {"{$request.body#/url}": {"post": _R}}}
_OTHER_FLOW = {"password": {"tokenUrl": "https://a.example/token", "scopes": {}}}
_END = "none: nothing comes back by an end"

API_ROWS: tuple[ApiRow, ...] = (
    ApiRow("path-removed", "request", "breaking", None, "the path went", "path-added", _document(_AB), _document(_A)),
    ApiRow("path-added", "request", "safe", None, "a path came", "path-removed", _document(_A), _document(_AB)),
    ApiRow("path-removed-after-sunset", "request", "safe", None, "the path went after its announced end", _END,
           _document({**_A, "/b": {"get": _ENDING}}), _document(_A)),
    ApiRow("path-parameter-renamed", "request", "safe", None, "a variable of the path has another name", _OWN,
           _document({"/a/{b}": {"get": _R}}), _document({"/a/{c}": {"get": _R}})),
    ApiRow("operation-removed", "request", "breaking", "breaking", "the operation went", "operation-added",
           _document({"/a": {"get": _R, "put": _R}}), _document(_A)),
    ApiRow("operation-added", "request", "safe", "safe", "an operation came", "operation-removed",
           _document(_A), _document({"/a": {"get": _R, "put": _R}})),
    ApiRow("operation-removed-after-sunset", "request", "safe", "safe", "the operation went after its announced end",
           _END, _document({"/a": {"get": _R, "put": _ENDING}}), _document(_A)),
    ApiRow("webhook-removed", "response", "breaking", None, "the webhook went", "webhook-added",
           _document({}, webhooks={"a": {"post": _R}}), _document({})),
    ApiRow("webhook-added", "response", "safe", None, "a webhook came", "webhook-removed",
           _document({}), _document({}, webhooks={"a": {"post": _R}})),
    ApiRow("callback-removed", "response", "breaking", None, "the callback went", "callback-added",
           {**_R, "callbacks": _CALLED}, _R),
    ApiRow("callback-added", "response", "safe", None, "a callback came", "callback-removed",
           _R, {**_R, "callbacks": _CALLED}),
    ApiRow("operation-id-changed", "request", "advice", "advice", "generated clients call it by another name", _OWN,
           {**_R, "operationId": "a"}, {**_R, "operationId": "b"}),
    ApiRow("operation-tags-changed", "request", "annotation", "annotation", "its tags changed", _OWN,
           {**_R, "tags": ["a"]}, {**_R, "tags": ["b"]}),
    ApiRow("operation-texts-changed", "request", "annotation", "annotation", "its summary or description changed", _OWN,
           {**_R, "summary": "a"}, {**_R, "summary": "b"}),
    ApiRow("operation-extension-changed", "request", "annotation", "annotation", "an extension changed", _OWN,
           {**_R, "x-a": 1}, {**_R, "x-a": 2}),
    ApiRow("operation-deprecated", "request", "safe", "safe", "the operation will end", "operation-reactivated",
           _R, {**_R, "deprecated": True, "x-sunset": "2099-01-01"}),
    ApiRow("operation-deprecated-without-sunset", "request", "advice", "advice", "the operation will end, nobody knows"
           " when", "operation-reactivated", _R, {**_R, "deprecated": True}),
    ApiRow("operation-reactivated", "request", "safe", "safe", "the operation will not end after all",
           "operation-deprecated", {**_R, "deprecated": True}, _R),
    ApiRow("operation-sunset-shortened", "request", "breaking", "breaking", "it ends earlier than announced, or at an"
           " unknown time", "none: a later end hurts nobody", {**_R, "deprecated": True, "x-sunset": "2099-06-01"},
           {**_R, "deprecated": True, "x-sunset": "2099-01-01"}),
    ApiRow("operation-stability-lowered", "request", "breaking", "breaking", "less stability is promised",
           "operation-stability-raised", {**_R, "x-stability-level": "stable"}, {**_R, "x-stability-level": "beta"}),
    ApiRow("operation-stability-raised", "request", "safe", "safe", "more stability is promised",
           "operation-stability-lowered", {**_R, "x-stability-level": "beta"}, {**_R, "x-stability-level": "stable"}),
    ApiRow("parameter-removed", "request", "breaking", "breaking", "the parameter went", "parameter-added-optional",
           _parameter(), _R),
    ApiRow("parameter-removed-after-sunset", "request", "safe", "safe", "the parameter went after its announced end",
           _END, _parameter(deprecated=True, **{"x-sunset": "2020-01-01"}), _R),
    ApiRow("parameter-added-required", "request", "breaking", "safe", "a parameter came that has to be sent",
           "parameter-removed", _R, _parameter(required=True)),
    ApiRow("parameter-added-optional", "request", "safe", "safe", "an optional parameter came", "parameter-removed",
           _R, _parameter()),
    ApiRow("parameter-became-required", "request", "breaking", "safe", "the parameter has to be sent now",
           "parameter-became-optional", _parameter(), _parameter(required=True)),
    ApiRow("parameter-became-optional", "request", "safe", "breaking", "the parameter may be missing now",
           "parameter-became-required", _parameter(required=True), _parameter()),
    ApiRow("parameter-style-changed", "request", "breaking", "breaking", "the parameter is written otherwise", _OWN,
           _parameter(), _parameter(style="pipeDelimited", explode=True)),
    ApiRow("parameter-explode-changed", "request", "breaking", "breaking", "lists are written otherwise", _OWN,
           _parameter(explode=True), _parameter(explode=False)),
    ApiRow("parameter-content-changed", "request", "breaking", "breaking", "the parameter has another media type",
           _OWN, {**_R, "parameters": [{"name": "a", "in": "query", "content": {"application/json": {}}}]},
           _parameter()),
    ApiRow("parameter-allow-reserved-removed", "request", "breaking", "safe", "reserved characters must be escaped now",
           "parameter-allow-reserved-added", _parameter(allowReserved=True), _parameter()),
    ApiRow("parameter-allow-reserved-added", "request", "safe", "breaking", "reserved characters may stand there now",
           "parameter-allow-reserved-removed", _parameter(), _parameter(allowReserved=True)),
    ApiRow("parameter-allow-empty-removed", "request", "breaking", "safe", "an empty value is refused now",
           "parameter-allow-empty-added", _parameter(allowEmptyValue=True), _parameter()),
    ApiRow("parameter-allow-empty-added", "request", "safe", "breaking", "an empty value is taken now",
           "parameter-allow-empty-removed", _parameter(), _parameter(allowEmptyValue=True)),
    ApiRow("parameter-default-added", "request", "advice", "annotation", "a default is stated: make sure that it"
           " is what leaving it out meant before", "parameter-default-removed", _parameter(),
           _parameter(schema={"type": "array", "items": {}, "default": []})),
    ApiRow("parameter-default-removed", "request", "breaking", "annotation", "what leaving it out means is no longer"
           " promised", "parameter-default-added", _parameter(schema={"type": "array", "items": {}, "default": []}),
           _parameter()),
    ApiRow("parameter-default-changed", "request", "breaking", "annotation", "leaving it out means something else",
           _OWN, _parameter(schema={"type": "array", "items": {}, "default": []}),
           _parameter(schema={"type": "array", "items": {}, "default": [1]})),
    ApiRow("parameter-deprecated", "request", "safe", "safe", "the parameter will end", "parameter-reactivated",
           _parameter(), _parameter(deprecated=True)),
    ApiRow("parameter-reactivated", "request", "safe", "safe", "the parameter will not end after all",
           "parameter-deprecated", _parameter(deprecated=True), _parameter()),
    ApiRow("parameter-sunset-shortened", "request", "breaking", "breaking", "the parameter ends earlier than announced,"
           " or at an unknown time", "none: a later end hurts nobody",
           _parameter(deprecated=True, **{"x-sunset": "2099-06-01"}),
           _parameter(deprecated=True, **{"x-sunset": "2099-01-01"})),
    ApiRow("parameter-texts-changed", "request", "annotation", "annotation", "its description or example changed", _OWN,
           _parameter(description="a"), _parameter(description="b")),
    ApiRow("body-added-required", "request", "breaking", "safe", "a body has to be sent now", "body-removed",
           _R, _body(required=True)),
    ApiRow("body-added-optional", "request", "safe", "safe", "a body may be sent now", "body-removed", _R, _body()),
    ApiRow("body-removed", "request", "breaking", "breaking", "no body is taken any more", "body-added-optional",
           _body(), _R),
    ApiRow("body-became-required", "request", "breaking", "safe", "the body has to be sent now", "body-became-optional",
           _body(), _body(required=True)),
    ApiRow("body-became-optional", "request", "safe", "breaking", "the body may be missing now", "body-became-required",
           _body(required=True), _body()),
    ApiRow("request-media-type-removed", "request", "breaking", "safe", "a media type of the body went",
           "request-media-type-added", _body({"application/json": {}, "text/csv": {}}),
           _body({"application/json": {}})),
    ApiRow("request-media-type-added", "request", "safe", "breaking", "a media type of the body came",
           "request-media-type-removed", _body({"application/json": {}}), _body({"application/json": {},
           "text/csv": {}})),
    ApiRow("request-media-type-narrowed", "request", "breaking", "safe", "fewer media types than the range before",
           "request-media-type-widened", _body({"*/*": {}}), _body({"application/json": {}})),
    ApiRow("request-media-type-widened", "request", "safe", "breaking", "a range of media types",
           "request-media-type-narrowed", _body({"application/json": {}}), _body({"*/*": {}})),
    ApiRow("request-encoding-changed", "request", "breaking", "breaking", "a part of the form is encoded otherwise",
           _OWN, _body({"multipart/mixed": {"encoding": {"a": {"contentType": "image/png"}}}}),
           _body({"multipart/mixed": {"encoding": {"a": {"contentType": "image/gif"}}}})),
    ApiRow("response-media-type-removed", "response", "breaking", "breaking", "a media type of the answer went",
           "response-media-type-added", _content("application/json", "text/csv"), _content("application/json")),
    ApiRow("response-media-type-added", "response", "safe", "safe", "a media type of the answer came",
           "response-media-type-removed", _content("application/json"), _content("application/json", "text/csv")),
    ApiRow("response-media-type-widened", "response", "breaking", "safe", "the answer is of a range of media types",
           "response-media-type-narrowed", _content("application/json"), _content("*/*")),
    ApiRow("response-media-type-narrowed", "response", "safe", "breaking", "the answer is of one type of the range",
           "response-media-type-widened", _content("*/*"), _content("application/json")),
    ApiRow("response-status-removed", "response", "breaking", "breaking", "an answer of success went",
           "response-status-added", {"responses": {"200": {}, "201": {}}}, {"responses": {"200": {}}}),
    ApiRow("response-status-added", "response", "safe", "safe", "an answer of success came", "response-status-removed",
           {"responses": {"200": {}}}, {"responses": {"200": {}, "201": {}}}),
    ApiRow("response-other-status-removed", "response", "safe", "safe", "an answer that is no success went",
           "response-other-status-added", {"responses": {"200": {}, "404": {}}}, {"responses": {"200": {}}}),
    ApiRow("response-other-status-added", "response", "safe", "safe", "an answer that is no success came",
           "response-other-status-removed", {"responses": {"200": {}}}, {"responses": {"200": {}, "404": {}}}),
    ApiRow("answer-texts-changed", "response", "annotation", "annotation", "its description or example changed", _OWN,
           _answer(), _answer(description="Really done.")),
    ApiRow("response-header-removed", "response", "breaking", "safe", "a header of the answer went",
           "response-header-added-optional", _header(), _answer()),
    ApiRow("response-header-added-optional", "response", "safe", "safe", "an optional header of the answer came",
           "response-header-removed", _answer(), _header()),
    ApiRow("response-header-added-required", "response", "safe", "breaking", "a header came that is always there",
           "response-header-removed", _answer(), _header(required=True)),
    ApiRow("response-header-became-optional", "response", "breaking", "safe", "the header may be missing now",
           "response-header-became-required", _header(required=True), _header()),
    ApiRow("response-header-became-required", "response", "safe", "breaking", "the header is always there now",
           "response-header-became-optional", _header(), _header(required=True)),
    ApiRow("response-header-style-changed", "response", "breaking", "breaking", "the header is written otherwise",
           _OWN, _header(explode=False), _header(explode=True)),
    ApiRow("response-header-content-changed", "response", "breaking", "breaking", "the header has another media type",
           _OWN, _answer(headers={"X-A": {"content": {"application/json": {}}}}), _header()),
    ApiRow("response-link-removed", "response", "advice", "advice", "a link to another operation went",
           "response-link-added", _answer(links={"a": {"operationId": "b"}}), _answer()),
    ApiRow("response-link-added", "response", "safe", "safe", "a link to another operation came",
           "response-link-removed", _answer(), _answer(links={"a": {"operationId": "b"}})),
    ApiRow("security-added", "request", "breaking", "safe", "callers have to say who they are now", "security-removed",
           _secured(), _secured({"key": []})),
    ApiRow("security-removed", "request", "advice", "advice", "anybody may call now", "security-added",
           _secured({"key": []}), _secured()),
    ApiRow("security-alternative-removed", "request", "breaking", "safe", "a way to say who calls is refused now",
           "security-alternative-added", _secured({"key": []}, {"basic": []}), _secured({"key": []})),
    ApiRow("security-alternative-added", "request", "safe", "safe", "one more way to say who calls",
           "security-alternative-removed",
           _secured({"key": []}), _secured({"key": []}, {"basic": []})),
    ApiRow("security-scope-added", "request", "breaking", "safe", "callers need one more scope",
           "security-scope-removed", _oauth("a", "b", needs=("a",)), _oauth("a", "b", needs=("a", "b"))),
    ApiRow("security-scope-removed", "request", "safe", "safe", "callers need a scope less", "security-scope-added",
           _oauth("a", "b", needs=("a", "b")), _oauth("a", "b", needs=("a",))),
    ApiRow("security-scheme-changed", "request", "breaking", None, "the security scheme works otherwise", _OWN,
           _secured({"key": []}), _secured({"key": []}, name="X-Token")),
    ApiRow("security-scheme-hint-changed", "request", "advice", None, "the token is formatted otherwise, says a hint",
           _OWN, _secured({"key": []}, bearerFormat="JWT"), _secured({"key": []}, bearerFormat="opaque")),
    ApiRow("oauth-flow-removed", "request", "breaking", None, "a way to get a token went", "oauth-flow-added",
           _oauth("a", more=_OTHER_FLOW), _oauth("a")),
    ApiRow("oauth-flow-added", "request", "safe", None, "a way to get a token came", "oauth-flow-removed",
           _oauth("a"), _oauth("a", more=_OTHER_FLOW)),
    ApiRow("oauth-scope-removed", "request", "breaking", None, "a scope can no longer be asked for",
           "oauth-scope-added",
           _oauth("a", "b"), _oauth("a")),
    ApiRow("oauth-scope-added", "request", "safe", None, "a scope can be asked for", "oauth-scope-removed",
           _oauth("a"), _oauth("a", "b")),
    ApiRow("server-removed", "request", "advice", None, "a server is no longer named", "server-added",
           _document(_A, servers=[{"url": "https://a.example"}, {"url": "https://b.example"}]),
           _document(_A, servers=[{"url": "https://a.example"}])),
    ApiRow("server-added", "request", "safe", None, "one more server is named", "server-removed",
           _document(_A, servers=[{"url": "https://a.example"}]),
           _document(_A, servers=[{"url": "https://a.example"}, {"url": "https://b.example"}])),
    ApiRow("document-texts-changed", "request", "annotation", None, "what the document says of itself changed", _OWN,
           {**_document(_A), "info": {"title": "A", "version": "1.0.0"}},
           {**_document(_A), "info": {"title": "B", "version": "1.0.0"}}),
)  # fmt: skip

PREFIX = "callback-"


def rule_id(word: str, flipped: bool) -> str:
    return f"{PREFIX if flipped and not word.startswith(PREFIX) else ''}{word}"


API_EFFECTS: dict[tuple[str, bool], tuple[Direction, Effect, bool]] = {}
API_TEXTS: dict[str, str] = {row.word: row.text for row in API_ROWS}
for _row in API_ROWS:
    for _flipped, _told in ((False, _row.told), (True, _row.flipped)):
        if _told is not None:
            _effect: Effect = "safe" if _told == "advice" else _told
            _turned: Travel = ("response" if _row.area == "request" else "request") if _flipped else _row.area
            _direction: Direction = "none" if _effect == "annotation" else _turned
            API_EFFECTS[_row.word, _flipped] = (_direction, _effect, _told == "advice")


def _rules() -> tuple[ChangeRule, ...]:
    known = {rule_id(word, flipped) for word, flipped in API_EFFECTS}
    found = []
    for row in API_ROWS:
        for flipped in (False, True):
            if (row.word, flipped) not in API_EFFECTS:
                continue
            direction, effect, _ = API_EFFECTS[row.word, flipped]
            mirror = row.mirror if row.mirror.startswith("none: ") else rule_id(row.mirror, flipped)
            if mirror not in known:
                mirror = row.mirror
            found.append(
                ChangeRule(
                    rule_id(row.word, flipped),
                    "openapi",
                    direction,
                    effect,
                    f"{row.text[0].upper()}{row.text[1:]}",
                    json.dumps(_example(row.old, flipped)),
                    json.dumps(_example(row.new, flipped)),
                    mirror,
                )
            )
    return tuple(found)


def _example(operation: dict[str, Any], flipped: bool) -> dict[str, Any]:
    if "openapi" not in operation:
        item = {"post": operation}
        return _document({}, webhooks={"a": item}) if flipped else _document({"/a": item})
    if not flipped:
        return operation
    paths = {name.strip("/"): item for name, item in operation["paths"].items()}
    return {**operation, "paths": {}, "webhooks": paths}


API_RULES = _rules()
