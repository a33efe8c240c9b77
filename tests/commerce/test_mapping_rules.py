"""Rule by rule on hand-made rows, and the flow against the reconciler's own reading on hostile ones."""

from __future__ import annotations

import asyncio
import csv
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commerce.estate_simulation import Tables, load_contracts
from demo.generator import COLUMNS
from demo.invoices import read_invoices
from demo.reconciler.expected import Expected, expect
from interlock.model.event import Event
from interlock.sdk.context import Context

CONTRACTS = load_contracts()


def write_rows(path: Path, rows: list[tuple[str, ...]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([COLUMNS, *rows])


async def map_all(source: Path) -> list[dict[str, Any]]:
    """Every fact that the flow emits, in order, each valid under its contract."""
    from estate.contracts.orders import InvoiceImported
    from estate.flows.import_invoices import map_invoice

    tables, facts = Tables(), []
    for invoice in read_invoices(source):
        event = Event(0, "e", "/t", "t", "1.0.0", 0, 0, None, None, None, b"", None, 0, None, b"")
        ctx = Context("import-invoices", event, 0, tables)
        await map_invoice(msgspec.convert(invoice.data, InvoiceImported), ctx)
        tables.rows.update({(put.table, put.key): put.value for put in ctx.puts if put.value is not None})
        for fact in ctx.emits:
            data = msgspec.json.decode(msgspec.json.encode(fact))
            CONTRACTS[fact.__contract__][0].validate(data)
            facts.append({"type": fact.__contract__, **data})
    return facts


def agree(facts: list[dict[str, Any]], expected: Expected) -> None:
    orders = {fact["order_id"]: fact for fact in facts if fact["type"] == "orders.OrderPlaced"}
    assert {number: _pennies(fact["total"]) for number, fact in orders.items()} == {
        number: order.total for number, order in expected.orders.items()
    }
    for number, fact in orders.items():
        goods: Counter[str] = Counter()
        for line in fact["lines"]:
            if line["kind"] == "goods":
                goods[line["sku"]] += line["quantity"]
        assert goods == expected.orders[number].goods
    cancelled = [fact for fact in facts if fact["type"] == "orders.OrderCancelled"]
    assert {(fact["order_id"], fact["cancellation"]) for fact in cancelled} == expected.cancelled
    for fact in cancelled:
        assert _pennies(fact["amount"]) == expected.orders[fact["order_id"]].refunds[fact["cancellation"]]
        assert _pennies(fact["amount"]) == sum(_pennies(line["amount"]) for line in fact["lines"])
    refused = [fact for fact in facts if fact["type"] == "orders.RowsRefused"]
    assert {(fact["invoice"], fact["reason"]): (fact["rows"], fact.get("units", 0)) for fact in refused} == {
        place: (refusal.rows, refusal.units) for place, refusal in expected.refusals.items()
    }


def _pennies(text: str) -> int:
    return int(text.replace(".", ""))


ROW = st.tuples(
    st.sampled_from(["1", "2", "C3", "C4", "A5", "6", "C7", "c8"]),
    st.sampled_from(["A1", "a1", "B2", "POST", "post", "M", "D", "gift_0001_20", "S", "AMAZONFEE", "", " ", "x" * 41]),
    st.sampled_from(["THING", "", "ß"]),
    st.sampled_from(["1", "2", "3", "-1", "-2", "-5", "0", "-0", "1.5", "x", "", " 4 ", "+1", "12345678", "１"]),
    st.sampled_from(["2010-12-01 08:26:00", "12/1/2010 8:27", "2010-12-01T08:25:00", "yesterday", ""]),
    st.sampled_from(["2.55", "0.125", "0", "0.0", "-0.00", "-1", "1e3", "nan", "", "0.0000001", "1.005", "9999999"]),
    st.sampled_from(["17850.0", "17850", "17850", "17850", "", "12"]),
    st.just("EIRE"),
)
CLEAN = st.tuples(
    st.sampled_from(["1", "2", "C3", "4", "C5", "C6"]),
    st.sampled_from(["A1", "a1", "POST", "D"]),
    st.just("THING"),
    st.sampled_from(["1", "2", "3", "5", "-1", "-2", "-4"]),
    st.just("2010-12-01 08:26:00"),
    st.sampled_from(["0.125", "0.375", "1.005", "2.55", "0"]),
    st.just("17850"),
    st.just("EIRE"),
)


@given(st.lists(ROW, min_size=1, max_size=30))
@settings(max_examples=300, deadline=None)
def test_flow_and_reconciler_read_hostile_rows_alike(rows: list[tuple[str, ...]]) -> None:
    check(rows)


@given(st.lists(CLEAN, min_size=1, max_size=30))
@settings(max_examples=300, deadline=None)
def test_flow_and_reconciler_match_cancellations_alike(rows: list[tuple[str, ...]]) -> None:
    check(rows)


def check(rows: list[tuple[str, ...]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "rows.csv"
        write_rows(source, rows)
        agree(asyncio.run(map_all(source)), expect(source))


def order(number: str, sku: str, quantity: str, price: str, customer: str = "1", at: str = "") -> tuple[str, ...]:
    return (number, sku, "THING", quantity, at or "2010-12-01 08:26:00", price, customer, "EIRE")


def mapped(tmp_path: Path, *rows: tuple[str, ...]) -> list[dict[str, Any]]:
    source = tmp_path / "rows.csv"
    write_rows(source, list(rows))
    facts = asyncio.run(map_all(source))
    agree(facts, expect(source))
    return facts


def test_lines_are_rounded_half_up_one_by_one(tmp_path: Path) -> None:
    (placed,) = mapped(tmp_path, order("1", "a", "1", "0.125"), order("1", "x", "1", "0.125"))
    assert [line["amount"] for line in placed["lines"]] == ["0.13", "0.13"]
    assert placed["total"] == "0.26"


def test_exact_duplicates_collapse_and_one_sku_twice_stays(tmp_path: Path) -> None:
    (placed,) = mapped(tmp_path, order("1", "a", "1", "2"), order("1", "a", "1", "2"), order("1", "A", "2", "2"))
    assert placed["duplicate_rows"] == 1
    assert [(line["sku"], line["quantity"]) for line in placed["lines"]] == [("A", 1), ("A", 2)]


def test_the_earliest_time_stamp_counts(tmp_path: Path) -> None:
    (placed,) = mapped(
        tmp_path, order("1", "a", "1", "2", at="2010-12-01 08:27:00"), order("1", "x", "1", "2", at="12/1/2010 8:26")
    )
    assert placed["placed_at"] == "2010-12-01T08:26:00Z"


def test_a_cancellation_takes_from_the_most_recent_order_first(tmp_path: Path) -> None:
    facts = mapped(tmp_path, order("1", "a", "3", "2"), order("2", "a", "3", "2"), order("C3", "a", "-4", "2"))
    assert [(fact["order_id"], fact["amount"]) for fact in facts[2:]] == [("2", "6.00"), ("1", "2.00")]


def test_what_nothing_matches_is_refused_with_its_units(tmp_path: Path) -> None:
    facts = mapped(tmp_path, order("1", "a", "3", "2"), order("C2", "a", "-4", "2"), order("C3", "a", "-1", "2"))
    assert [(fact.get("reason"), fact.get("units"), fact.get("rows")) for fact in facts[2:]] == [
        ("cancellation_unmatched", 1, [1]),
        ("cancellation_unmatched", 1, [1]),
    ]


def test_parts_of_a_line_add_up_to_the_line(tmp_path: Path) -> None:
    facts = mapped(
        tmp_path, order("1", "a", "2", "0.125"), order("C2", "a", "-1", "0.125"), order("C3", "a", "-1", "0.125")
    )
    assert facts[0]["total"] == "0.25"
    assert [fact["amount"] for fact in facts[1:]] == ["0.12", "0.13"]


def test_a_discount_is_never_given_back_twice(tmp_path: Path) -> None:
    facts = mapped(tmp_path, order("1", "a", "1", "10"), order("C2", "D", "-1", "4"), order("C3", "a", "-1", "10"))
    assert [fact["amount"] for fact in facts[1:]] == ["4.00", "6.00"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (order("A1", "B", "1", "5"), "bad_debt_adjustment"),
        (order("1", "", "1", "5"), "unreadable_sku"),
        (order("1", "a", "one", "5"), "unreadable_number"),
        (order("1", "a", "1", "5", at="soon"), "unreadable_date"),
        (order("1", "cruk", "1", "5"), "internal_fee"),
        (order("1", "a", "0", "5"), "zero_quantity"),
        (order("1", "a", "1", "-5"), "negative_price"),
        (order("1", "a", "-1", "0", customer=""), "stock_write_off"),
        (order("1", "D", "1", "5"), "discount_outside_credit"),
        (order("1", "a", "1", "0", customer=""), "no_money"),
        (order("C1", "a", "1", "5"), "cancellation_not_negative"),
        (order("C1", "a", "-1", "5", customer=""), "cancellation_without_customer"),
        (order("C1", "a", "-1", "5"), "cancellation_unmatched"),
    ],
)
def test_each_reason_has_a_row(row: tuple[str, ...], reason: str, tmp_path: Path) -> None:
    (refused,) = mapped(tmp_path, row)
    assert refused["reason"] == reason


def test_rows_of_another_customer_are_refused(tmp_path: Path) -> None:
    facts = mapped(tmp_path, order("1", "a", "1", "5"), order("1", "x", "1", "5", customer="2"))
    assert facts[1]["reason"] == "other_customer"
