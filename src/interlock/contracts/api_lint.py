"""Rules for OpenAPI 3.1 documents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from interlock.contracts import pointer
from interlock.contracts.api_contract import IDEMPOTENCY, body_pointer, operations
from interlock.contracts.event_contract import EXTENSION
from interlock.contracts.schema_lint import Objection, lint, resolve
from interlock.contracts.vocabulary import OPENAPI


def lint_api(api: str, version: str, document: Mapping[str, Any]) -> Iterator[Objection]:
    """All objections to one version of an API."""
    if not str(document.get("openapi", "")).startswith("3.1."):
        yield Objection("API_INVALID", "/openapi", f"{api} {version} is no OpenAPI 3.1.")
    info = document.get("info")
    stated = info.get("version") if isinstance(info, Mapping) else None
    if stated != version:
        yield Objection("API_INVALID", "/info/version", f"info.version is {stated}, the file's name says {version}.")
    extension = document.get(EXTENSION)
    if not isinstance(extension, Mapping) or not isinstance(extension.get("owner"), str):
        yield Objection("OWNER_MISSING", "/" + EXTENSION, f"{api} has no owner.")
    paths = document.get("paths")
    if not isinstance(paths, Mapping) or not all(isinstance(item, Mapping) for item in paths.values()):
        yield Objection("API_INVALID", "/paths", f"{api} has no paths.")
        return
    yield from _lint_operations(api, document)
    yield from _lint_components(document)


def _lint_operations(api: str, document: Mapping[str, Any]) -> Iterator[Objection]:
    seen: set[str] = set()
    for path, method in operations(document):
        where = pointer.join(["paths", path, method])
        item = document["paths"][path][method]
        if not isinstance(item, Mapping):
            yield Objection("API_INVALID", where, f"{method.upper()} {path} is no object.")
            continue
        name = item.get("operationId")
        if not isinstance(name, str) or not name:
            yield Objection("API_INVALID", where, f"{method.upper()} {path} has no operationId.")
        elif name in seen:
            yield Objection("API_INVALID", where + "/operationId", f"{api}.{name} is declared twice.")
        seen.add(str(name))
        if item.get(IDEMPOTENCY, "required") not in ("required", "optional"):
            yield Objection("API_INVALID", f"{where}/{IDEMPOTENCY}", f"{IDEMPOTENCY} is required or optional.")
        place = body_pointer(path, method)
        schema = pointer.find(document, pointer.split(place))
        if isinstance(schema, Mapping) and "$ref" not in schema:
            for found in lint(schema, f"the body of {api}.{name}", OPENAPI):
                yield found._replace(pointer=place + found.pointer)


def _lint_components(document: Mapping[str, Any]) -> Iterator[Objection]:
    """Those that a request body refers to; answers are ours to shape, and lint of answers comes with the gates."""
    asked: list[str] = []
    for path, method in operations(document):
        schema = pointer.find(document, pointer.split(body_pointer(path, method)))
        _references(schema, document, asked)
    for reference in asked:
        schema = resolve({"$ref": reference}, document)
        if not isinstance(schema, Mapping):
            yield Objection("SCHEMA_INVALID", "/components", f"{reference} points nowhere.")
            continue
        for found in lint(schema, reference.rpartition("/")[2], OPENAPI):
            yield found._replace(pointer=reference[1:] + found.pointer)


def _references(schema: Any, document: Mapping[str, Any], asked: list[str]) -> None:
    if isinstance(schema, list):
        for part in schema:
            _references(part, document, asked)
    elif isinstance(schema, Mapping):
        reference = schema.get("$ref")
        if isinstance(reference, str) and reference.startswith("#") and reference not in asked:
            asked.append(reference)
            _references(resolve(schema, document), document, asked)
        for part in schema.values():
            _references(part, document, asked)
