"""What a mock of an OpenAPI document answers, without a server."""

from __future__ import annotations

import copy
import gc
import json
from collections.abc import Iterator
from time import process_time
from typing import Any

import pytest

from interlock.contracts.api import description
from interlock.contracts.api.description import ApiDescription
from interlock.contracts.contract_invalid import ContractInvalid
from interlock.contracts.document_schema import DocumentSchema
from interlock.contracts.mock.api_mock import ApiMock
from interlock.contracts.mock.exchange import MockAnswer, MockRequest
from interlock.contracts.mock.resources import Shelf

from .shop import EXAMPLE, JSON, SHOP

KEY = {"x-key": "k", "idempotency-key": "i"}
NEW = {"sku": "SKU-9", "quantity": 3}


def nothing(schema: Any, seed: int) -> Iterator[Any]:
    return iter(())


def an_order(schema: Any, seed: int) -> Iterator[Any]:
    """In the place of the generator, whose patterns this suite does not need."""
    return iter([{"id": 1}, EXAMPLE])


@pytest.fixture
def mock() -> ApiMock:
    return ApiMock(ApiDescription(SHOP), an_order)


def ask(mock: ApiMock, method: str, target: str, body: Any = None, **headers: str) -> MockAnswer:
    path, _, query = target.partition("?")
    sent = {**KEY, **({"content-type": "application/json"} if body is not None else {})}
    sent.update({name.replace("_", "-"): value for name, value in headers.items()})
    raw = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    return mock.answer(MockRequest(method, path, query, {name: text for name, text in sent.items() if text}, raw))


def said(answer: MockAnswer) -> Any:
    return json.loads(answer.body)


def test_the_authors_example_is_answered(mock: ApiMock) -> None:
    answer = ask(mock, "GET", "/orders/ORD-7")
    assert (answer.status, answer.content_type, said(answer)) == (200, "application/json", EXAMPLE)


def test_without_an_example_valid_data_is_made_up(mock: ApiMock) -> None:
    document = copy.deepcopy(SHOP)
    del document["components"]["schemas"]["Order"]["properties"]["id"]["pattern"]
    del document["paths"]["/orders/{orderId}"]["get"]["responses"]["200"]["content"]["application/json"]["example"]
    answer = said(ask(ApiMock(ApiDescription(document), nothing), "GET", "/orders/ORD-7"))
    assert answer["quantity"] >= 1
    assert answer["status"] == "open"


def test_a_concrete_path_wins_and_the_servers_path_may_stand_before_it(mock: ApiMock) -> None:
    assert ask(mock, "GET", "/orders/latest", accept="text/csv").body == b"a,b"
    assert ask(mock, "GET", "/v1/orders/ORD-7").status == 200


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [("GET", "/nothing", 404), ("POST", "/orders/ORD-1", 405), ("GET", "/orders/ORD-1/x", 404)],
)
def test_what_the_contract_does_not_declare(mock: ApiMock, method: str, target: str, status: int) -> None:
    answer = ask(mock, method, target, {})
    assert (answer.status, answer.content_type) == (status, "application/problem+json")
    assert status != 405 or dict(answer.headers)["allow"] == "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"


@pytest.mark.parametrize(
    ("method", "target", "body", "pointer"),
    [
        ("GET", "/orders?limit=0", None, "/query/limit"),
        ("GET", "/orders?limit=many", None, "/query/limit"),
        ("GET", "/orders?status=open&status=lost", None, "/query/status/1"),
        ("GET", "/orders/7", None, "/path/orderId"),
        ("POST", "/orders", {"sku": "S"}, "/body/quantity"),
        ("POST", "/orders", {"sku": "S", "quantity": 0}, "/body/quantity"),
        ("POST", "/orders", {"sku": "S", "quantity": 1, "x": 1}, "/body/x"),
        ("POST", "/orders", None, "/body"),
    ],
)
def test_requests_are_held_to_the_contract(mock: ApiMock, method: str, target: str, body: Any, pointer: str) -> None:
    answer = ask(mock, method, target, body)
    assert answer.status == 422
    assert pointer in [entry["pointer"] for entry in said(answer)["errors"]]


def test_a_missing_header_is_missed(mock: ApiMock) -> None:
    answer = ask(mock, "POST", "/orders", NEW, idempotency_key="")
    assert [entry["pointer"] for entry in said(answer)["errors"]] == ["/header/Idempotency-Key"]


def test_credentials_are_asked_for_where_the_contract_asks(mock: ApiMock) -> None:
    answer = ask(mock, "GET", "/orders", x_key="")
    assert (answer.status, dict(answer.headers)["www-authenticate"]) == (401, "ApiKey")
    assert ask(mock, "GET", "/orders/latest", x_key="", accept="text/csv").status == 200


@pytest.mark.parametrize(
    ("scheme", "header", "status"),
    [
        ({"type": "http", "scheme": "basic"}, "Basic eDp5", 200),
        ({"type": "http", "scheme": "basic"}, "Bearer x", 401),
        ({"type": "http", "scheme": "bearer"}, "Bearer x", 200),
        ({"type": "oauth2", "flows": {}}, "Bearer x", 200),
        ({"type": "openIdConnect"}, "", 401),
    ],
)
def test_every_scheme(scheme: dict[str, Any], header: str, status: int) -> None:
    document = {**SHOP, "components": {**SHOP["components"], "securitySchemes": {"key": scheme}}}
    mock = ApiMock(ApiDescription(document), nothing)
    assert ask(mock, "GET", "/orders/ORD-7", x_key="", authorization=header).status == status


def test_media_types_both_ways(mock: ApiMock) -> None:
    assert ask(mock, "POST", "/orders", b"<x/>", content_type="text/xml").status == 415
    assert ask(mock, "GET", "/orders/ORD-7", accept="text/html").status == 406
    assert ask(mock, "GET", "/orders/ORD-7", accept="text/html, application/*;q=0.1").status == 200
    assert ask(mock, "GET", "/orders/latest", accept="application/json;q=0.1, text/csv").content_type == "text/csv"


def test_bytes_that_are_no_json(mock: ApiMock) -> None:
    assert ask(mock, "POST", "/orders", b'{"sku": ').status == 400
    assert ask(mock, "POST", "/orders", b'{"sku": "a", "sku": "b"}').status == 400


def test_preferences(mock: ApiMock) -> None:
    assert said(ask(mock, "GET", "/orders", prefer="example=empty")) == {"orders": []}
    assert ask(mock, "GET", "/orders/ORD-7", prefer="code=404").status == 404
    undeclared = ask(mock, "GET", "/orders", prefer="code=503")
    assert (undeclared.status, dict(undeclared.headers)["x-mock-undeclared-status"]) == (503, "503")
    assert ask(mock, "GET", "/orders?__code=503").status == 503
    assert ask(mock, "GET", "/orders", prefer="code=204").status == 404
    assert ask(mock, "GET", "/orders", prefer="example=lost").status == 404
    assert ask(mock, "GET", "/orders", prefer="code=soon").status == 400
    assert ask(mock, "GET", "/orders", prefer="wait=0.5, code=503").wait_seconds == 0.5
    assert ask(mock, "GET", "/orders", x_mock_latency="250").wait_seconds == 0.25
    assert ask(mock, "GET", "/orders", prefer="wait=100000").wait_seconds == 60


def test_dynamic_data_comes_from_the_generator_and_is_checked() -> None:
    def generate(schema: Any, seed: int) -> Iterator[Any]:
        yield {"orders": "wrong"}
        for number in range(5):
            yield {"orders": [{**EXAMPLE, "quantity": seed * 10 + number}]}

    def quantities(seed: int) -> list[int]:
        mock = ApiMock(ApiDescription(SHOP), generate, seed=seed)
        return [said(ask(mock, "GET", "/orders", prefer="dynamic=true"))["orders"][0]["quantity"] for _ in "ab"]

    assert quantities(1) == quantities(1)
    assert len({*quantities(1), *quantities(2)}) == 4


def test_an_example_that_breaks_its_contract_is_never_sent(mock: ApiMock) -> None:
    asked = ask(mock, "GET", "/orders", prefer="example=broken")
    assert asked.status == 500
    assert "broken breaks the contract: /orders/0" in said(asked)["detail"]
    document = copy.deepcopy(SHOP)
    media = document["paths"]["/orders"]["get"]["responses"]["200"]["content"]["application/json"]
    media["examples"] = {"broken": media["examples"]["broken"], "some": media["examples"]["some"]}
    answer = ask(ApiMock(ApiDescription(document), nothing), "GET", "/orders")
    assert said(answer) == {"orders": [EXAMPLE]}
    assert "broken" in dict(answer.headers)["x-mock-note"]


def test_declared_headers_are_sent(mock: ApiMock) -> None:
    assert int(dict(ask(mock, "GET", "/orders").headers)["x-total"]) == 1


def test_what_was_posted_is_found_changed_and_deleted(mock: ApiMock) -> None:
    made = ask(mock, "POST", "/orders", NEW)
    assert made.status == 201
    assert said(made) == {"id": "ORD-7", "status": "open", **NEW}
    assert dict(made.headers)["location"] == "/orders/ORD-7"
    second = said(ask(mock, "POST", "/orders", {**NEW, "quantity": 4}))
    assert (second["id"], said(ask(mock, "GET", "/orders/ORD-8"))) == ("ORD-8", second)
    assert [one["id"] for one in said(ask(mock, "GET", "/orders"))["orders"]] == ["ORD-7", "ORD-8"]
    patch = ask(mock, "PATCH", "/orders/ORD-8", {"note": "x"}, content_type="application/merge-patch+json")
    assert said(patch) == {**second, "note": "x"}
    replaced = said(ask(mock, "PUT", "/orders/ORD-8", {"sku": "T", "quantity": 1}))
    assert (replaced["id"], replaced["sku"], said(ask(mock, "GET", "/orders/ORD-8"))["sku"]) == ("ORD-8", "T", "T")
    assert ask(mock, "DELETE", "/orders/ORD-8").status == 204
    assert ask(mock, "GET", "/orders/ORD-8").status == 404
    assert [one["id"] for one in said(ask(mock, "GET", "/orders"))["orders"]] == ["ORD-7"]
    mock.memory.shelf.clear()
    assert said(ask(mock, "GET", "/orders")) == {"orders": [EXAMPLE]}


@pytest.mark.parametrize("key", ["--5", "٣", "9" * 5000, "%FF"])
def test_an_id_that_is_no_number_is_the_callers_mistake(key: str) -> None:
    document = copy.deepcopy(SHOP)
    document["components"]["schemas"]["Order"]["properties"]["id"] = {"type": "integer", "readOnly": True}
    document["paths"]["/orders/{orderId}"]["parameters"][0]["schema"] = {}
    answer = ask(ApiMock(ApiDescription(document), nothing), "PUT", f"/orders/{key}", NEW)
    assert answer.status in (200, 500)
    assert answer.status == 200 or "Add an example" in said(answer)["detail"]


def test_what_exists_is_not_created_again_where_the_contract_says_so() -> None:
    document = copy.deepcopy(SHOP)
    del document["components"]["schemas"]["Order"]["properties"]["id"]["readOnly"]
    twice = {"id": "ORD-5", **NEW}
    mock = ApiMock(ApiDescription(document), nothing)
    assert [ask(mock, "POST", "/orders", twice).status for _ in range(2)] == [201, 201]
    document["paths"]["/orders"]["post"]["responses"]["409"] = {"description": "It is there."}
    mock = ApiMock(ApiDescription(document), nothing)
    assert [ask(mock, "POST", "/orders", twice).status for _ in range(2)] == [201, 409]


@pytest.mark.parametrize("more", [{}, {"errors": {"type": "array", "items": {"type": "integer"}}}])
def test_a_refusal_in_the_contracts_own_words_says_what_is_wrong(more: dict[str, Any]) -> None:
    document = copy.deepcopy(SHOP)
    own = {"code": {"type": "string", "examples": ["ORDER_WRONG"]}, "detail": {"type": "string"}, **more}
    schema = {"type": "object", "required": ["code", "detail", *more], "properties": own}
    answers = document["paths"]["/orders"]["post"]["responses"]
    answers["422"]["content"] = {"application/problem+json": {"schema": schema}}
    answer = ask(ApiMock(ApiDescription(document), nothing), "POST", "/orders", {"quantity": 3})
    assert (answer.status, said(answer)["code"]) == (422, "ORDER_WRONG")
    assert said(answer)["detail"] == "The request breaks POST /orders in 1 place."
    assert dict(answer.headers)["x-mock-violations"] == "/body/sku: is required and missing"
    assert said(answer)["errors"] == ([1] if more else [{"pointer": "/body/sku", "detail": "is required and missing"}])


def test_a_refused_request_creates_nothing(mock: ApiMock) -> None:
    ask(mock, "POST", "/orders", {"sku": "S", "quantity": 0})
    ask(mock, "POST", "/orders", NEW, prefer="code=422")
    assert said(ask(mock, "GET", "/orders")) == {"orders": [EXAMPLE]}


def test_what_is_held_is_bounded() -> None:
    shelf = Shelf(limit=3)
    for number in range(10):
        shelf.put("/orders", str(number), {"id": number})
    assert (len(shelf), shelf.get("/orders", "0"), shelf.get("/orders", "9")) == (3, None, {"id": 9})


def test_every_answer_of_every_declared_status_keeps_the_contract(mock: ApiMock) -> None:
    seen = 0
    for operation in mock.api.operations:
        target = operation.path.replace("{orderId}", "ORD-1")
        body = NEW if operation.body else None
        kind = next(iter(operation.body.content), "") if operation.body else ""
        for status, declared in operation.answers.items():
            answer = ask(mock, operation.method, target, body, prefer=f"code={status}", content_type=kind)
            assert answer.status == int(status), (operation.name, answer.body)
            for media in [declared.content[answer.content_type]] if declared.content else []:
                validator = mock.api.validator(media.schema, "response", media.place)
                assert validator.is_valid(said(answer))
                seen += 1
    assert seen >= 7


def test_what_can_neither_be_remembered_nor_made_is_said() -> None:
    mock = ApiMock(ApiDescription(SHOP), nothing)
    answer = ask(mock, "PUT", "/orders/ORD-1", NEW, prefer="code=200")
    assert answer.status == 500
    assert "Add an example" in said(answer)["detail"]
    assert said(ask(mock, "PUT", "/orders/ORD-1", NEW)) == {"id": "ORD-1", **NEW}


def test_options_and_head(mock: ApiMock) -> None:
    answer = ask(mock, "OPTIONS", "/orders")
    assert (answer.status, dict(answer.headers)["allow"]) == (204, "GET, HEAD, OPTIONS, POST")
    assert ask(mock, "HEAD", "/orders/ORD-7").status == 200


def test_openapi_3_0_in_its_own_words() -> None:
    schema = {
        "type": "object",
        "required": ["n", "w"],
        "properties": {
            "n": {"type": "integer", "minimum": 0, "exclusiveMinimum": True, "nullable": True},
            "w": {"type": "string", "writeOnly": True},
        },
    }
    content = {"application/json": {"schema": schema, "example": {"n": None}}}
    document = {
        "openapi": "3.0.3",
        "info": {"title": "t", "version": "1"},
        "paths": {"/n": {"post": {"requestBody": {"content": content}, "responses": {"200": {"content": content}}}}},
    }
    mock = ApiMock(ApiDescription(document), nothing)
    assert said(ask(mock, "POST", "/n", {"n": 1, "w": "x"})) == {"n": None}
    wrong = said(ask(mock, "POST", "/n", {"n": 0}))["errors"]
    assert {entry["pointer"] for entry in wrong} == {"/body/n", "/body/w"}


@pytest.mark.parametrize(
    ("style", "explode", "query", "status"),
    [
        ("form", True, "ids=1&ids=2", 200),
        ("form", False, "ids=1,2", 200),
        ("form", False, "ids=1,x", 422),
        ("pipeDelimited", False, "ids=1%7C2", 200),
        ("spaceDelimited", False, "ids=1%202", 200),
    ],
)
def test_styles_of_lists(style: str, explode: bool, query: str, status: int) -> None:
    items = {"type": "array", "minItems": 2, "items": {"type": "integer"}}
    parameter = {"name": "ids", "in": "query", "style": style, "explode": explode, "schema": items}
    document = {
        "openapi": "3.1.0",
        "info": {},
        "paths": {"/x": {"get": {"parameters": [parameter], "responses": {"200": {"description": ""}}}}},
    }
    assert ask(ApiMock(ApiDescription(document), nothing), "GET", f"/x?{query}").status == status


def test_deep_objects_in_the_query() -> None:
    shape = {"type": "object", "additionalProperties": False, "properties": {"size": {"type": "integer"}}}
    parameter = {"name": "page", "in": "query", "style": "deepObject", "schema": shape}
    document = {
        "openapi": "3.1.0",
        "info": {},
        "paths": {"/x": {"get": {"parameters": [parameter], "responses": {"200": {"description": ""}}}}},
    }
    mock = ApiMock(ApiDescription(document), nothing)
    assert ask(mock, "GET", "/x?page[size]=3").status == 200
    assert said(ask(mock, "GET", "/x?page[size]=x&page[y]=1"))["errors"][0]["pointer"].startswith("/query/page/")


@pytest.mark.parametrize(
    "document",
    [
        {"swagger": "2.0"},
        {"openapi": "2.9"},
        {"openapi": "3.1.0", "paths": {"/x": {"get": {"parameters": [{"$ref": "#/none"}]}}}},
        {"openapi": "3.1.0", "paths": {"/x": {"$ref": "https://example.com/x.json"}}},
        {"openapi": "3.1.0", "paths": {"/x": {"get": {"parameters": ["x"]}}}},
        [],
    ],
)
def test_documents_that_are_none_are_refused(document: Any) -> None:
    with pytest.raises(ContractInvalid):
        ApiDescription(document)


def test_a_schema_that_is_wrong_is_told_where_it_is_used() -> None:
    document = copy.deepcopy(SHOP)
    document["components"]["schemas"]["Order"]["properties"]["sku"] = {"type": "strin"}
    answer = ask(ApiMock(ApiDescription(document), nothing), "GET", "/orders/ORD-7")
    assert answer.status == 500
    assert said(answer)["detail"].startswith("The contract is wrong at /paths/~1orders~1{orderId}/get/responses/200")


def test_a_discriminator_tells_open_alternatives_apart() -> None:
    def reference(name: str) -> dict[str, str]:
        return {"$ref": f"#/components/schemas/{name}"}

    tagged = {"required": ["kind"], "properties": {"kind": {"type": "string"}}}
    pet = {
        "oneOf": [reference("Cat"), reference("Dog")],
        "discriminator": {"propertyName": "kind", "mapping": {"c": "Cat"}},
    }
    content = {"application/json": {"schema": pet}}
    document = {
        "openapi": "3.0.3",
        "info": {},
        "components": {"schemas": {"Cat": tagged, "Dog": tagged}},
        "paths": {"/p": {"post": {"requestBody": {"content": content}, "responses": {"200": {"content": content}}}}},
    }
    mock = ApiMock(ApiDescription(document), nothing)
    assert said(ask(mock, "POST", "/p", {"kind": "Dog"})) == {"kind": "c"}
    assert ask(mock, "POST", "/p", {"kind": "Cat"}).status == 422


def test_recursive_schemas_end() -> None:
    node = {
        "type": "object",
        "required": ["v"],
        "properties": {"v": {"type": "integer"}, "next": {"$ref": "#/components/schemas/N"}},
    }
    document = {
        "openapi": "3.1.0",
        "info": {},
        "components": {"schemas": {"N": node}},
        "paths": {
            "/n": {
                "get": {
                    "responses": {
                        "200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/N"}}}}
                    }
                }
            }
        },
    }
    assert said(ask(ApiMock(ApiDescription(document), nothing), "GET", "/n"))["v"] == 1


def test_a_document_of_megabytes_is_mocked_at_once_and_in_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each schema reaches all others, as in real ones: what one answer needs must not be done for all at once."""
    monkeypatch.setattr(description, "MAX_DEFINITIONS", 1000)
    names = [f"T{number}" for number in range(400)]
    schemas = {
        name: {
            "type": "object",
            "required": ["id"],
            "properties": {"id": {"type": "string"}, "next": {"$ref": f"#/components/schemas/{following}"}}
            | {f"f{number}": {"type": "string", "description": "words " * 50} for number in range(20)},
        }
        for name, following in zip(names, names[1:] + names[:1], strict=True)
    }
    paths = {}
    for name in names:
        schema = {"schema": {"$ref": f"#/components/schemas/{name}"}}
        get = {"operationId": f"get{name}", "responses": {"200": {"description": "It.", "content": {JSON: schema}}}}
        item = {"parameters": [{"name": "id", "in": "path", "required": True, "schema": {}}], "get": get}
        paths |= {f"/{name}": {"get": {**get, "operationId": f"list{name}"}}, f"/{name}/{{id}}": item}
    document = {"openapi": "3.1.0", "info": {}, "paths": paths, "components": {"schemas": schemas}}
    begun = process_time()
    mock = ApiMock(ApiDescription(document), nothing)
    assert process_time() - begun < 2  # a second for each megabyte; once it was seven times that
    for name in names[:10]:
        assert ask(mock, "GET", f"/{name}/1").status == 200
    gc.collect()
    compiled = [one for one in gc.get_objects() if isinstance(one, DocumentSchema) and one.is_valid({"id": "1"})]
    assert len(compiled) < 8
