"""Rules for OpenAPI documents that the engine serves, beyond those of the linter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from interlock.contracts import pointer
from interlock.contracts.api_contract import IDEMPOTENCY, operations
from interlock.contracts.lint.linter import NoContract, objections
from interlock.contracts.schema_lint import Objection


def lint_api(api: str, version: str, document: Mapping[str, Any]) -> Iterator[Objection]:
    """All objections to one version of an API."""
    if not str(document.get("openapi", "")).startswith("3.1."):
        yield Objection("API_INVALID", "/openapi", f"{api} {version} is no OpenAPI 3.1.")
    info = document.get("info")
    stated = info.get("version") if isinstance(info, Mapping) else None
    if stated != version:
        yield Objection("API_INVALID", "/info/version", f"info.version is {stated}, the file's name says {version}.")
    try:
        yield from objections(document, api)
    except NoContract as problem:
        yield Objection("API_INVALID", "/openapi", str(problem))
    paths = document.get("paths")
    if not isinstance(paths, Mapping) or not all(isinstance(item, Mapping) for item in paths.values()):
        yield Objection("API_INVALID", "/paths", f"{api} has no paths.")
        return
    yield from _lint_operations(document)


def _lint_operations(document: Mapping[str, Any]) -> Iterator[Objection]:
    for path, method in operations(document):
        where = pointer.join(["paths", path, method])
        item = document["paths"][path][method]
        if not isinstance(item, Mapping):
            yield Objection("API_INVALID", where, f"{method.upper()} {path} is no object.")
            continue
        if item.get(IDEMPOTENCY, "required") not in ("required", "optional"):
            yield Objection("API_INVALID", f"{where}/{IDEMPOTENCY}", f"{IDEMPOTENCY} is required or optional.")
