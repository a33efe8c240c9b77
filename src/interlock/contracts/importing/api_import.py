"""An OpenAPI document of somebody's as an API contract of an estate."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from interlock.contracts.api.description import ApiDescription
from interlock.contracts.api_contract import IDEMPOTENCY, UNSAFE
from interlock.contracts.contract_invalid import ContractInvalid
from interlock.contracts.event_contract import EXTENSION
from interlock.contracts.importing.note import Notes
from interlock.contracts.importing.openapi_objects import parts
from interlock.contracts.importing.openapi_upgrade import upgraded
from interlock.contracts.importing.references import check_references
from interlock.contracts.importing.source_version import source_version
from interlock.contracts.local_reference import followed
from interlock.contracts.python_text import pascal
from interlock.contracts.semver import SemanticVersion

_KEY = "idempotency-key"


class ImportedApi(NamedTuple):
    name: str
    version: SemanticVersion
    document: dict[str, Any]


def import_api(
    document: Any, owner: str, notes: Notes, name: str | None = None, version: SemanticVersion | None = None
) -> ImportedApi:
    """Raises ContractInvalid for what is no OpenAPI 3.0 or 3.1, and for references that leave the document."""
    if isinstance(document, Mapping) and "swagger" in document:
        raise ContractInvalid(
            "/swagger", "This is Swagger 2.0. First make OpenAPI 3 of it: npx swagger2openapi FILE -o openapi.json"
        )
    check_references(document)
    described = ApiDescription(document)
    made = upgraded(document, notes)
    info = made["info"] = dict(made.get("info") or {})
    number = version or source_version(info.get("version"), "/info/version", notes)
    if str(info.get("version")) != str(number):
        info["x-source-version"] = str(info.get("version", ""))
    info["version"] = str(number)
    made[EXTENSION] = {**(made.get(EXTENSION) or {}), "owner": owner}
    made.setdefault("paths", {})
    _name_operations(made, notes)
    _keep_keys_optional(made, notes)
    if described.operations:
        notes.add(
            "/paths", "missing", f"Operations that no flow serves yet: {len(described.operations)}.",
            "A contract under contracts/apis is one that this estate serves; for each operation check warns.",
            "Write handlers: @flow.api. If somebody else serves it, mock it or generate its client: "
            "interlock generate --client NAME",
        )  # fmt: skip
    return ImportedApi(name or _slug(described.title), number, made)


def _slug(title: str) -> str:
    """Swagger Petstore - OpenAPI 3.0 → swagger-petstore-openapi-3-0."""
    made = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
    return made if made[:1].isalpha() else f"api-{made}".rstrip("-")


def _name_operations(made: dict[str, Any], notes: Notes) -> None:
    """Flows and clients call operations by name; one that has none gets it from method and path."""
    taken = {operation.get("operationId") for _, operation, _ in parts(made, "operation")}
    for _, operation, place in parts(made, "operation"):
        if not operation.get("operationId"):
            *_, path, method = place.split("/")
            base = method + pascal(path.replace("~1", " ").replace("~0", " "))
            name, number = base, 2
            while name in taken:
                name, number = f"{base}{number}", number + 1
            taken.add(name)
            operation["operationId"] = name
            notes.add(
                place, "changed", f"It was named {name}.", "Flows and clients call an operation by its operationId.",
                "Give it a better one at the source, and import again.",
            )  # fmt: skip


def _keep_keys_optional(made: dict[str, Any], notes: Notes) -> None:
    """Our gateway asks for an Idempotency-Key on unsafe methods unless told otherwise; the source did not ask."""
    optional = 0
    for _, item, place in parts(made, "path"):
        for method, operation in item.items() if _is_called(place) else ():
            if method.upper() not in UNSAFE or not isinstance(operation, dict) or IDEMPOTENCY in operation:
                continue
            if not any(
                _asks_for_key(made, one) for holder in (item, operation) for one in holder.get("parameters") or ()
            ):
                operation[IDEMPOTENCY] = "optional"
                optional += 1
    if optional:
        notes.add(
            "/paths", "changed", f'Unsafe operations marked "{IDEMPOTENCY}": "optional": {optional}.',
            "The source does not require an Idempotency-Key; without the mark the gateway would.",
            "Require it where a repetition would hurt, as a next major version.",
        )  # fmt: skip


def _is_called(place: str) -> bool:
    """Whether callers call it: not the path of a callback or a webhook, which stands deeper or elsewhere."""
    return place.startswith("/paths/") and place.count("/") == 2


def _asks_for_key(made: Mapping[str, Any], raw: Any) -> bool:
    _, parameter = followed(made, raw)
    return (
        isinstance(parameter, Mapping)
        and parameter.get("in") == "header"
        and str(parameter.get("name", "")).lower() == _KEY
        and parameter.get("required") is True
    )
