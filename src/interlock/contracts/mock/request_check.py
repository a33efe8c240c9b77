"""A request against its operation: parameters and body, every wrong place with a pointer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from interlock.contracts.api.description import ApiDescription, Operation, Parameter
from interlock.contracts.api.media_range import declared, essence, is_json
from interlock.contracts.api.parameter_values import ABSENT, typed, value_of
from interlock.contracts.api.schema_bundle import resolved
from interlock.contracts.mock.exchange import MockRequest
from interlock.contracts.mock.security import cookies
from interlock.contracts.strict_json import parse
from interlock.model.problems import MalformedRequest, UnsupportedMediaType

MAX_DEPTH = 64
FORM = "application/x-www-form-urlencoded"
# Never described as parameters (OpenAPI 3.1, 4.8.12.1).
_IGNORED_HEADERS = frozenset({"accept", "content-type", "authorization"})

Entry = dict[str, str]


class CheckedRequest(NamedTuple):
    """`errors` point into `/path/…`, `/query/…`, `/header/…`, `/cookie/…` and `/body…`."""

    errors: list[Entry]
    body: Any


def checked(
    api: ApiDescription, operation: Operation, request: MockRequest, variables: Mapping[str, str]
) -> CheckedRequest:
    """Raises MalformedRequest for bytes that are not what they claim to be, UnsupportedMediaType."""
    texts = {
        "path": list(variables.items()),
        "query": request.pairs,
        "header": list(request.headers.items()),
        "cookie": cookies(request),
    }
    errors: list[Entry] = []
    for parameter in operation.parameters:
        if parameter.location == "header" and parameter.name.lower() in _IGNORED_HEADERS:
            continue
        errors += parameter_errors(api, parameter, texts[parameter.location])
    body, wrong = _body(api, operation, request)
    return CheckedRequest(errors + wrong, body)


def parameter_errors(api: ApiDescription, parameter: Parameter, texts: list[tuple[str, str]]) -> list[Entry]:
    """What is wrong with one parameter among the pairs of its location."""
    where = f"/{parameter.location}/{parameter.name}"
    root = api.bundle(parameter.schema if parameter.schema is not None else True, "request", parameter.place)
    value = value_of(parameter, root, texts)
    if value is ABSENT:
        return [{"pointer": where, "detail": "is required and missing"}] if parameter.required else []
    if parameter.schema is None:
        return []
    found = api.validator(parameter.schema, "request", parameter.place).errors(value)
    return [{"pointer": where + one["pointer"], "detail": one["detail"]} for one in found]


def _body(api: ApiDescription, operation: Operation, request: MockRequest) -> tuple[Any, list[Entry]]:
    body = operation.body
    if body is None:
        return None, []
    if not request.body:
        return None, [{"pointer": "/body", "detail": "is required and missing"}] if body.required else []
    sent = request.headers.get("content-type", "application/octet-stream")
    key = declared(sent, body.content)
    if key is None:
        raise UnsupportedMediaType(
            f"{operation.name} does not take {essence(sent)}.", next_step=f"Send {' or '.join(body.content)}."
        )
    media = body.content[key]
    if is_json(sent):
        value = parse(request.body, MAX_DEPTH)
    elif essence(sent) == FORM:
        value = _form(request.body, media.schema, api)
    else:
        return None, []  # texts, files and parts: that they are there is all that a schema can say of them
    if media.schema is None:
        return value, []
    found = api.validator(media.schema, "request", media.place).errors(value)
    return value, [{"pointer": "/body" + one["pointer"], "detail": one["detail"]} for one in found]


def _form(body: bytes, schema: Any, api: ApiDescription) -> dict[str, Any]:
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True)
    except UnicodeDecodeError:
        raise MalformedRequest("The form is not UTF-8.") from None
    root = api.bundle(schema if schema is not None else True, "request")
    top = resolved(root, root)
    properties = top.get("properties", {}) if isinstance(top, Mapping) else {}
    made: dict[str, Any] = {}
    for name, text in pairs:
        part = resolved(root, properties.get(name, {}))
        if isinstance(part, Mapping) and part.get("type") == "array":
            made.setdefault(name, []).append(typed(text, part.get("items", {}), root))
        else:
            made[name] = typed(text, part, root)
    return made
