"""What a compiled contract refuses, with the place of each mistake, and how it routes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import pytest

from interlock.contracts.document_schema import DocumentSchema, SchemaInvalid
from interlock.contracts.event_contract import EventContract
from interlock.model.problems import ContractViolation

from .schemas import DATA, ORDER, contract, order


def places(data: Any, subject: EventContract | None = None) -> dict[str, str]:
    with pytest.raises(ContractViolation) as caught:
        (subject or contract()).check(data)
    return {entry["pointer"]: entry["detail"] for entry in caught.value.errors}


def test_good_data_passes() -> None:
    contract().check(DATA)
    contract().check(order(gift_note=None, payment=None, channel="web", weight=1.5))


def test_every_undeclared_field_is_named_by_its_own_pointer() -> None:
    data = order(a=1, customer={"fax": 1, "number": 2}, lines=[{"sku": "A", "quantity": 1, "x/y": 1, "z": 2}])
    assert places(data) == dict.fromkeys(
        ["/a", "/customer/fax", "/lines/0/x~1y", "/lines/0/z"], "is not declared by the contract"
    )


def test_missing_fields_are_named_by_the_pointer_they_would_have() -> None:
    assert places({"lines": [{"sku": "A"}]}) == dict.fromkeys(
        ["/order_id", "/total", "/placed_at", "/lines/0/quantity"], "is required and missing"
    )


def test_every_wrong_value_is_said_and_none_is_quoted() -> None:
    found = places(order(order_id=7777, channel="hidden-value", placed_at="yesterday-secret", lines=[]))
    assert sorted(found) == ["/channel", "/lines", "/order_id", "/placed_at"]
    assert not any(value in text for text in found.values() for value in ("7777", "hidden-value", "yesterday-secret"))


def test_of_alternatives_the_closest_one_explains() -> None:
    assert places(order(payment={"card": "12"})) == {"/payment/card": 'the value does not match "^[0-9]{4}$"'}
    assert places(order(payment=3)) == {"/payment": "matches none of the alternatives"}


def test_of_one_of_several_alternatives_only_one_may_hold() -> None:
    schema = DocumentSchema({"properties": {"to": {"oneOf": [{"type": "object"}, {"minProperties": 1}, False]}}})
    assert schema.errors({"to": {"a": 1}}) == [
        {"pointer": "/to", "detail": "matches more than one of the alternatives"}
    ]


def test_the_number_of_entries_is_bounded() -> None:
    assert len(places(order(**{f"x{number}": 1 for number in range(5000)}))) == 100


@pytest.mark.parametrize("number", [2**53, -(2**53), 1e29, 1e300])
def test_integers_and_numbers_beyond_what_parsers_agree_on_are_refused(number: float) -> None:
    assert list(places(order(customer={"number": number}))) == ["/customer/number"]
    assert list(places(order(weight=number))) == ["/weight"]


def test_the_bounds_reach_every_corner_of_a_schema() -> None:
    schema = {
        "$defs": {"n": {"type": "integer"}},
        "properties": {
            "a": {"$ref": "#/$defs/n"},
            "b": {"items": {"type": "integer"}},
            "c": {"type": ["integer", "null"]},
        },
        "patternProperties": {"^p": {"anyOf": [{"type": "integer"}]}},
        "additionalProperties": {"type": "integer"},
    }
    compiled = DocumentSchema(schema)
    assert compiled.is_valid({"a": 1, "b": [1], "c": None, "p": 1, "q": 1})
    for bad in ({"a": 2**53}, {"b": [2**53]}, {"c": 2**53}, {"p": 2**53}, {"q": 2**53}):
        assert not compiled.is_valid(bad)


def test_an_author_may_bound_a_number_wider_but_not_an_integer() -> None:
    assert DocumentSchema({"type": "number", "minimum": 0, "maximum": 1e308}).is_valid(1e300)
    assert not DocumentSchema({"type": "integer", "maximum": 2**60}).is_valid(2**53)
    assert not DocumentSchema({"type": "integer", "maximum": 5}).is_valid(6)


@pytest.mark.parametrize("text", ["0", "-1", "12.00", "0.10", "9" * 28])
def test_decimals(text: str) -> None:
    contract().check(order(total=text))


@pytest.mark.parametrize(
    "text", ["", "1.", ".5", "+1", "01", "1e3", "NaN", "Infinity", "1,0", " 1", "1\n", "9" * 31, "١"]
)
def test_what_is_no_decimal(text: str) -> None:
    assert set(places(order(total=text))) == {"/total"}


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-02T03:04:05Z",
        "2026-01-02t03:04:05z",
        "0001-01-01T00:00:00.5+23:59",
        "9999-12-30T23:59:59.999999999-23:59",
    ],
)
def test_moments_that_pass_can_be_decoded(text: str) -> None:
    contract().check(order(placed_at=text))
    assert msgspec.convert(text, datetime).tzinfo is not None


@pytest.mark.parametrize(
    "text",
    [
        "2016-12-31T23:59:60Z",
        "2016-12-31T23:59:60+01:00",
        "0000-01-01T00:00:00Z",
        "2026-01-02T03:04:05",
        "2026-01-02",
        "",
    ],
)
def test_moments_that_no_handler_could_read_are_refused(text: str) -> None:
    assert set(places(order(placed_at=text))) == {"/placed_at"}


def test_routing() -> None:
    assert contract().route(DATA) == ("ORD-1", ("ORD-1",))
    assert contract().route(order(customer={"number": 7})) == ("ORD-1", ("ORD-1", "7"))
    assert contract().route(order(customer={"number": 7.0})) == ("ORD-1", ("ORD-1", "7"))
    nested = contract(**{"x-interlock": {"owner": "t", "partition_key": "/customer/number"}})
    assert nested.route(order(customer={"number": 12})) == ("12", ())


def test_a_new_major_version_is_a_new_type() -> None:
    assert [contract(version=version).type for version in ("1.0.0", "1.9.3", "2.0.0")] == [
        "orders.OrderPlaced",
        "orders.OrderPlaced",
        "orders.OrderPlaced.v2",
    ]


@pytest.mark.parametrize(
    "field",
    [
        {"type": "strin"},
        {"$ref": "#/$defs/nowhere"},
        {"$ref": "https://example.com/x.json"},
        {"type": "string", "pattern": "(?=a)b"},
        {"type": "string", "pattern": "(a"},
        {"minimum": "x"},
    ],
)
def test_what_does_not_compile_is_said(field: dict[str, Any]) -> None:
    with pytest.raises(SchemaInvalid):
        contract(properties={**ORDER["properties"], "bad": field})


def test_patterns_run_in_linear_time() -> None:
    compiled = DocumentSchema({"type": "string", "pattern": "^(a+)+$"})
    assert not compiled.is_valid("a" * 50_000 + "b")
