"""An expectation against the provider's contract, without a provider: is the request accepted, the answer promised?

What makes a pair incompatible is a fault. What the contract allows but does not promise (a field that may be absent, a
value that may be null) is a doubt: a provider state may well see to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from interlock.contracts import pointer
from interlock.contracts.api.description import Answer, ApiDescription, Operation
from interlock.contracts.api.media_range import declared, essence, is_json
from interlock.contracts.api.parameter_values import kinds_of
from interlock.contracts.api.path_template import templates
from interlock.contracts.api.schema_bundle import resolved
from interlock.contracts.document_schema import DocumentSchema, SchemaInvalid
from interlock.contracts.mock.exchange import MockRequest
from interlock.contracts.mock.request_check import checked
from interlock.contracts.mock.security import challenge
from interlock.contracts.pact.pact_file import ABSENT, Interaction, Part
from interlock.contracts.pact.rules import Step
from interlock.model.problems import CallerProblem

_JSON_KINDS = {str: "string", bool: "boolean", int: "integer", float: "number", dict: "object", list: "array"}


@dataclass(slots=True)
class Promise:
    """Why an expectation cannot hold, and what the contract leaves open."""

    faults: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)

    def fault(self, place: str, detail: str) -> None:
        self.faults.append(f"{place}: {detail}")


def http_promise(interaction: Interaction, api: ApiDescription) -> Promise:
    """Of one HTTP interaction and the provider's OpenAPI document."""
    made = Promise()
    request = interaction.request
    methods, variables = templates(api).find(request.path)
    operation = methods.get(request.method)
    if operation is None:
        known = f"declares {', '.join(sorted(methods))} only" if methods else "declares no such path"
        made.fault("request", f"{request.method} {request.path}: the contract {known}")
        return made
    if interaction.response.status < 400:  # who expects a refusal may send what is refused
        _request(made, api, operation, request, variables)
    _response(made, api, operation, interaction.response)
    return made


def document_promise(body: Any, schema: Any) -> Promise:
    """Of a message's content and the schema of the event."""
    made = Promise()
    _promised(body, schema, schema, (), made)
    return made


def operation_of(interaction: Interaction, api: ApiDescription) -> Operation | None:
    return templates(api).find(interaction.request.path)[0].get(interaction.request.method)


def _request(
    made: Promise, api: ApiDescription, operation: Operation, part: Part, variables: Mapping[str, str]
) -> None:
    headers = dict(part.headers)
    if part.body is not ABSENT and isinstance(part.body, dict | list):
        headers.setdefault("content-type", "application/json")
    request = MockRequest(part.method, part.path, urlencode(part.query), headers, part.raw_body)
    if challenge(api, operation, request) is not None:
        made.fault("request", "the contract asks for a credential, and none is sent")
    try:
        errors = checked(api, operation, request, variables).errors
    except CallerProblem as problem:
        made.fault("request", problem.detail)
        return
    for error in errors:
        made.fault("request" + error["pointer"], error["detail"])
    names = {one.name for one in operation.parameters if one.location == "query"}
    for name in dict.fromkeys(name for name, _ in part.query):
        if name.partition("[")[0] not in names:
            made.fault(f"request/query/{name}", "the contract declares no such parameter")


def _response(made: Promise, api: ApiDescription, operation: Operation, part: Part) -> None:
    answer = operation.answer(part.status)
    if answer is None:
        made.fault("response/status", f"{part.status} is not declared; declared are {', '.join(operation.answers)}")
        return
    names = {one.name.lower() for one in answer.headers}
    for name in part.headers:
        if name not in ("content-type", "content-length", "date") and name not in names:
            made.fault(f"response/header/{name}", "is not declared")
    _content(made, api, answer, part)


def _content(made: Promise, api: ApiDescription, answer: Answer, part: Part) -> None:
    if part.body is ABSENT or part.body is None:
        return
    media_type = part.content_type or "application/json"
    key = declared(media_type, answer.content)
    if key is None:
        offered = ", ".join(answer.content) or "no content"
        made.fault("response/body", f"{essence(media_type)} is not declared; declared is {offered}")
        return
    media = answer.content[key]
    if media.schema is not None and is_json(media_type):
        root = api.bundle(media.schema, "response", media.place)
        found = Promise()
        _promised(part.body, root, root, (), found)
        made.faults += [f"response/body{one}" for one in found.faults]
        made.doubts += [f"response/body{one}" for one in found.doubts]


def _promised(expected: Any, schema: Any, root: Any, place: tuple[Step, ...], made: Promise) -> None:
    """Walks example and schema together: a consumer may expect less than the whole, never something else."""
    schema = resolved(root, schema)
    where = pointer.join(place)
    if schema is False:
        made.fault(where, "the contract allows nothing here")
    if not isinstance(schema, Mapping):
        return
    for part in schema.get("allOf") or ():
        _promised_object_part(expected, part, root, place, made)
    for word in ("oneOf", "anyOf"):
        if schema.get(word):
            _alternative(expected, schema[word], root, place, made)
    if isinstance(expected, dict):
        _object(expected, schema, root, place, made)
    elif isinstance(expected, list):
        _list(expected, schema, root, place, made)
    elif not _holds(expected, schema, root):
        made.fault(where, f"{expected!r} is no value that the contract allows")
    kinds = kinds_of(schema, root)
    if "null" in kinds and expected is not None:
        made.doubts.append(f"{where}: may be null")
    if isinstance(expected, dict | list) and kinds and _JSON_KINDS[type(expected)] not in kinds:
        made.fault(where, f"is {' or '.join(sorted(kinds))} in the contract")


def _promised_object_part(expected: Any, part: Any, root: Any, place: tuple[Step, ...], made: Promise) -> None:
    """One of several that hold together: fields that it does not know, another may."""
    part = resolved(root, part)
    if isinstance(expected, dict) and isinstance(part, Mapping):
        known = _names(part, root)
        expected = {name: value for name, value in expected.items() if name in known}
    _promised(expected, part, root, place, made)


def _alternative(expected: Any, parts: Any, root: Any, place: tuple[Step, ...], made: Promise) -> None:
    found = []
    for part in parts:
        one = Promise()
        _promised(expected, part, root, place, one)
        found.append(one)
    best = min(found, key=lambda one: len(one.faults))
    made.faults += best.faults
    made.doubts += best.doubts


def _object(
    expected: dict[str, Any], schema: Mapping[str, Any], root: Any, place: tuple[Step, ...], made: Promise
) -> None:
    properties = schema.get("properties") or {}
    rest = schema.get("additionalProperties", True)
    elsewhere = _names(schema, root) - set(properties)
    for name, value in expected.items():
        where = (*place, name)
        if name in properties:
            _promised(value, properties[name], root, where, made)
            if name not in (schema.get("required") or ()) and not _required_elsewhere(schema, name, root):
                made.doubts.append(f"{pointer.join(where)}: may be absent")
        elif name in elsewhere or any(word in schema for word in ("patternProperties", "allOf", "oneOf", "anyOf")):
            continue
        elif isinstance(rest, Mapping) and rest:
            _promised(value, rest, root, where, made)
        elif properties or rest is False:
            made.fault(pointer.join(where), "the contract declares no such field")


def _list(expected: list[Any], schema: Mapping[str, Any], root: Any, place: tuple[Step, ...], made: Promise) -> None:
    fixed = schema.get("prefixItems") or []
    for at, value in enumerate(expected):
        _promised(value, fixed[at] if at < len(fixed) else schema.get("items", True), root, (*place, at), made)
    if "maxItems" in schema and len(expected) > schema["maxItems"]:
        made.fault(pointer.join(place), f"has {len(expected)} entries, the contract allows {schema['maxItems']}")


def _names(schema: Any, root: Any, depth: int = 0) -> set[str]:
    schema = resolved(root, schema)
    if not isinstance(schema, Mapping) or depth > 8:
        return set()
    found = set(schema.get("properties") or ())
    for word in ("allOf", "oneOf", "anyOf"):
        for part in schema.get(word) or ():
            found |= _names(part, root, depth + 1)
    return found


def _required_elsewhere(schema: Mapping[str, Any], name: str, root: Any) -> bool:
    parts = [resolved(root, part) for part in schema.get("allOf") or ()]
    return any(isinstance(part, Mapping) and name in (part.get("required") or ()) for part in parts)


def _holds(expected: Any, schema: Mapping[str, Any], root: Any) -> bool:
    """A scalar against its schema, with the rest of the document at hand."""
    definitions = root.get("$defs") if isinstance(root, Mapping) else None
    whole = {**schema, "$defs": definitions} if definitions else schema
    try:
        return DocumentSchema(whole).is_valid(expected)
    except SchemaInvalid:
        return False
