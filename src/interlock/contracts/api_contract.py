"""Operations of an OpenAPI 3.1 document, with their request bodies compiled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from interlock.contracts import pointer
from interlock.contracts.document_schema import DocumentSchema, SchemaInvalid, SharedSchemas
from interlock.contracts.event_contract import EXTENSION
from interlock.model.problems import ContractViolation

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
IDEMPOTENCY = "x-idempotency"
JSON_BODY = "application/json"


class ApiOperation:
    """One operation. Immutable; `check` is on the hot path.

    api                     "shop"; of a later major "shop.v2", as event types have it
    name                    `<api>.<operationId>`; short: the operationId
    path                    the template, as OpenAPI writes it: /orders/{order_id}
    idempotency_required    whether a request without Idempotency-Key is refused
    body_required           whether a request without a body is refused
    """

    __slots__ = (
        "_schema",
        "api",
        "body_required",
        "idempotency_required",
        "method",
        "name",
        "owner",
        "path",
        "short",
        "version",
    )

    def __init__(
        self, api: str, document: Mapping[str, Any], path: str, method: str, shared: SharedSchemas | None = None
    ) -> None:
        """`shared` are `shared_schemas(document)`, for who makes many.

        Raises SchemaInvalid (pointer within the document), KeyError for a missing operationId.
        """
        item: Mapping[str, Any] = document["paths"][path][method]
        self.api = api
        self.short: str = item["operationId"]
        self.name = f"{api}.{self.short}"
        self.version: str = document["info"]["version"]
        self.owner: str = document.get(EXTENSION, {}).get("owner", "")
        self.method = method.upper()
        self.path = path
        default = "required" if self.method in UNSAFE else "optional"
        self.idempotency_required = item.get(IDEMPOTENCY, default) == "required"
        body = item.get("requestBody", {})
        self.body_required = bool(body.get("required", False))
        self._schema = _compile(document, path, method, shared)

    def __repr__(self) -> str:
        return f"ApiOperation({self.name} {self.method} {self.path})"

    @property
    def takes_body(self) -> bool:
        return self._schema is not None

    def check(self, body: Any) -> None:
        """Raises ContractViolation with one entry of `errors` for each wrong place."""
        if self._schema is None or self._schema.is_valid(body):
            return
        errors = self._schema.errors(body)
        places = "1 place" if len(errors) == 1 else f"{len(errors)} places"
        raise ContractViolation(f"The request breaks {self.name} {self.version} in {places}.", errors=errors)


def operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(path, method) of each operation, in the order of the document."""
    for path, item in document.get("paths", {}).items():
        for method in METHODS:
            if method in item:
                yield path, method


def body_pointer(path: str, method: str) -> str:
    """Where the schema of an operation's JSON body stands in the document."""
    return pointer.join(["paths", path, method, "requestBody", "content", JSON_BODY, "schema"])


def shared_schemas(document: Mapping[str, Any]) -> SharedSchemas:
    """What bodies may refer to. Raises SchemaInvalid."""
    return SharedSchemas({"components": {"schemas": document.get("components", {}).get("schemas", {})}})


def _compile(
    document: Mapping[str, Any], path: str, method: str, shared: SharedSchemas | None
) -> DocumentSchema | None:
    where = body_pointer(path, method)
    schema = pointer.find(document, pointer.split(where))
    if schema is pointer.ABSENT:
        return None
    try:
        return DocumentSchema(schema, shared or shared_schemas(document))
    except SchemaInvalid as error:
        inside = error.pointer if error.pointer.startswith("/components") else where + error.pointer
        raise SchemaInvalid(inside, error.detail) from None
