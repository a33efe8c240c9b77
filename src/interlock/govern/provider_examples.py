"""The provider's own examples: each held to its schema, and, given a running provider, replayed against it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

import msgspec

from interlock.contracts import pointer
from interlock.contracts.api.description import Answer, ApiDescription, Media, Operation, Parameter
from interlock.contracts.api.media_range import declared, is_json
from interlock.contracts.contract_invalid import ContractInvalid
from interlock.contracts.document_schema import DocumentSchema, SchemaInvalid
from interlock.contracts.mock.content import header_text
from interlock.contracts.mock.sample import NoSample, sample
from interlock.model.problems import TargetUnavailable
from interlock.ports.http_client import HttpAnswer, HttpClient

SAFE = frozenset({"GET", "HEAD"})
SECONDS = 10.0


class Outcome(NamedTuple):
    """One thing that was verified. `place` is a pointer in the contract, or what a person calls it."""

    place: str
    verified: bool
    reasons: tuple[str, ...] = ()


def schema_examples(schema: Mapping[str, Any]) -> list[Outcome]:
    """Of an event or a webhook. Raises ContractInvalid."""
    try:
        validator = DocumentSchema(schema)
    except SchemaInvalid as error:
        raise ContractInvalid(error.pointer, error.detail) from None
    examples = schema.get("examples")
    found = examples if isinstance(examples, list) else []
    return [_outcome(f"/examples/{at}", validator.errors(one)) for at, one in enumerate(found)]


def api_examples(api: ApiDescription) -> list[Outcome]:
    """Of every request, answer and parameter. Raises ContractInvalid."""
    found: list[Outcome] = []
    for operation in api.operations:
        for parameter in operation.parameters:
            found += _parameter(api, parameter)
        if operation.body is not None:
            for media in operation.body.content.values():
                found += _media(api, media, "request")
        for answer in operation.answers.values():
            for media_type, media in answer.content.items():
                found += _media(api, media, "response") if is_json(media_type) else []
    return found


async def replayed(api: ApiDescription, url: str, client: HttpClient, *, unsafe: bool) -> list[Outcome]:
    """Requests made of the examples, sent to a provider whose answers are held to the contract.

    Only GET and HEAD, unless `unsafe`: the others change what is there.
    """
    found = []
    for operation in api.operations:
        if operation.method in SAFE or unsafe:
            found.append(await _replay(api, operation, url.rstrip("/"), client))
    return found


async def _replay(api: ApiDescription, operation: Operation, url: str, client: HttpClient) -> Outcome:
    try:
        target, headers, body = _request(api, operation)
    except NoSample:
        return Outcome(operation.name, False, ("no request can be made of the contract; add examples",))
    try:
        answer = await client.send(operation.method, url + target, headers, body, SECONDS)
    except TargetUnavailable as problem:
        return Outcome(operation.name, False, (f"the provider gave no answer: {problem.detail}",))
    return Outcome(operation.name, not (wrong := answer_faults(api, operation, answer)), tuple(wrong))


def answer_faults(api: ApiDescription, operation: Operation, answer: HttpAnswer) -> list[str]:
    """What a real answer has against its contract: status, headers, media type, body."""
    stated = operation.answer(answer.status)
    if stated is None:
        return [f"the status {answer.status} is not declared; declared are {', '.join(operation.answers)}"]
    wrong = [
        f"the header {one.name} is required and missing"
        for one in stated.headers
        if one.required and one.name.lower() not in answer.headers
    ]
    return wrong + ([] if operation.method == "HEAD" else _body_faults(api, stated, answer))


def _body_faults(api: ApiDescription, stated: Answer, answer: HttpAnswer) -> list[str]:
    if not stated.content or not answer.body:
        return ["content is declared, and none came"] if stated.content else []
    sent = answer.headers.get("content-type", "")
    key = declared(sent, stated.content)
    if key is None:
        return [f"the content type {sent or 'nothing'} is not declared; declared is {', '.join(stated.content)}"]
    media = stated.content[key]
    if media.schema is None or not is_json(sent):
        return []
    try:
        value = msgspec.json.decode(answer.body)
    except msgspec.MsgspecError:
        return ["the body is no JSON"]
    errors = api.validator(media.schema, "response", media.place).errors(value)
    return [f"body{one['pointer']}: {one['detail']}" for one in errors]


def _request(api: ApiDescription, operation: Operation) -> tuple[str, dict[str, str], bytes]:
    path = operation.path
    query: list[tuple[str, str]] = []
    headers: dict[str, str] = {}
    for one in operation.parameters:
        if not one.required:
            continue
        root = api.bundle(one.schema if one.schema is not None else {}, "request", one.place)
        text = header_text(sample(root))
        if one.location == "path":
            path = path.replace("{" + one.name + "}", quote(text, safe=""))
        elif one.location == "query":
            query.append((one.name, text))
        elif one.location == "header":
            headers[one.name.lower()] = text
    body = b""
    for media_type, media in operation.body.content.items() if operation.body else ():
        if is_json(media_type):
            root = api.bundle(media.schema if media.schema is not None else {}, "request", media.place)
            body = msgspec.json.encode(next(iter(media.examples.values()), None) or sample(root))
            headers["content-type"] = media_type
            break
    return path + (f"?{urlencode(query)}" if query else ""), headers, body


def _parameter(api: ApiDescription, parameter: Parameter) -> Iterator[Outcome]:
    examples = parameter.schema.get("examples") if isinstance(parameter.schema, Mapping) else None
    for at, one in enumerate(examples if isinstance(examples, list) else []):
        errors = api.validator(parameter.schema, "request", parameter.place).errors(one)
        yield _outcome(f"{parameter.place}/examples/{at}", errors)


def _media(api: ApiDescription, media: Media, direction: Any) -> Iterator[Outcome]:
    if media.schema is None:
        return
    for name, value in media.examples.items():
        place = media.place.removesuffix("/schema") + (
            "/example" if name == "example" else pointer.join(["examples", name, "value"])
        )
        yield _outcome(place, api.validator(media.schema, direction, media.place).errors(value))


def _outcome(place: str, errors: list[dict[str, str]]) -> Outcome:
    return Outcome(place, not errors, tuple(f"{one['pointer'] or '/'}: {one['detail']}" for one in errors))
