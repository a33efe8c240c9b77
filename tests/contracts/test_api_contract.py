"""Operations of an OpenAPI document: names, bodies, idempotency."""

from __future__ import annotations

from typing import Any

import pytest

from interlock.contracts import document_schema
from interlock.contracts.api_contract import ApiOperation, operations, shared_schemas
from interlock.model.problems import ContractViolation

from .schemas import LINE


def document(method: str = "post", **operation: Any) -> dict[str, Any]:
    body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Import"}}}, "required": True}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Shop", "version": "1.2.0"},
        "x-interlock": {"owner": "team"},
        "paths": {"/imports/{day}": {method: {"operationId": "importDay", "requestBody": body, **operation}}},
        "components": {
            "schemas": {
                "Import": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["rows"],
                    "properties": {"rows": {"type": "array", "items": {"$ref": "#/components/schemas/Row"}}},
                },
                "Row": LINE,
            }
        },
    }


def operation(method: str = "post", **more: Any) -> ApiOperation:
    return ApiOperation("shop", document(method, **more), "/imports/{day}", method)


def test_an_operation_knows_where_it_stands() -> None:
    one = operation()
    assert (one.name, one.method, one.path) == ("shop.importDay", "POST", "/imports/{day}")
    assert (one.version, one.owner, one.takes_body, one.body_required) == ("1.2.0", "team", True, True)
    assert list(operations(document())) == [("/imports/{day}", "post")]


def test_bodies_are_checked_through_references_with_every_place() -> None:
    operation().check({"rows": [{"sku": "A", "quantity": 1}]})
    with pytest.raises(ContractViolation) as caught:
        operation().check({"rows": [{"sku": "A", "quantity": 2**60, "colour": "red"}], "more": 1})
    assert [entry["pointer"] for entry in caught.value.errors] == ["/more", "/rows/0/colour", "/rows/0/quantity"]


@pytest.mark.parametrize(
    ("method", "stated", "required"),
    [
        ("post", {}, True),
        ("put", {}, True),
        ("patch", {}, True),
        ("delete", {}, True),
        ("get", {}, False),
        ("post", {"x-idempotency": "optional"}, False),
        ("get", {"x-idempotency": "required"}, True),
    ],
)
def test_unsafe_methods_need_a_key_unless_the_contract_says_otherwise(
    method: str, stated: dict[str, str], required: bool
) -> None:
    assert operation(method, **stated).idempotency_required is required


def test_without_a_json_body_there_is_nothing_to_check() -> None:
    one = operation("get", requestBody={"content": {"text/csv": {}}})
    assert (one.takes_body, one.body_required) == (False, False)
    one.check(None)


def test_many_operations_read_the_schemas_of_their_document_once(monkeypatch: pytest.MonkeyPatch) -> None:
    count, seen, bounded = 200, 0, document_schema.bounded

    def counting(schema: Any) -> Any:
        nonlocal seen
        seen += 1
        return bounded(schema)

    monkeypatch.setattr(document_schema, "bounded", counting)
    schemas = {
        f"S{at}": {"type": "object", "properties": {"next": {"$ref": f"#/components/schemas/S{(at * 7 + 1) % count}"}}}
        for at in range(count)
    }
    body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/S3"}}}}
    paths = {f"/p{at}": {"post": {"operationId": f"op{at}", "requestBody": body}} for at in range(count)}
    big = {"info": {"version": "1.0.0"}, "components": {"schemas": schemas}, "paths": paths}
    shared = shared_schemas(big)
    made = [ApiOperation("big", big, path, method, shared) for path, method in operations(big)]
    assert seen < 10 * count
    for one in (made[-1], ApiOperation("big", big, "/p0", "post")):
        one.check({"next": {"next": {}}})
        with pytest.raises(ContractViolation):
            one.check({"next": {"next": 7}})
