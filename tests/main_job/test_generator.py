"""The built-in stream has every sharp edge of the real data, and is the same for the same seed."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

from demo.generator import OrderStream, write
from demo.reconciler.expected import expect


def test_same_seed_same_file(tmp_path: Path) -> None:
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        write(tmp_path / name, seed, 50)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes() != (tmp_path / "c").read_bytes()


def test_sharp_edges() -> None:
    rows = OrderStream(1).rows(600)
    invoices: dict[str, list[list[str]]] = defaultdict(list)
    for row in rows:
        invoices[row[0]].append(row)
    assert len(invoices) == 600
    assert any(number.startswith("A") for number in invoices)
    assert 0.15 < sum(not row[6] for row in rows) / len(rows) < 0.35
    assert any(len({row[4] for row in own}) == 2 for own in invoices.values())
    assert any(max(Counter(map(tuple, own)).values()) > 1 for own in invoices.values())
    assert any(len(row[5].partition(".")[2]) > 2 for row in rows)
    skus = {row[1] for row in rows}
    assert len(skus) > len({sku.upper() for sku in skus})
    assert {"POST", "DOT", "C2", "M", "D", "gift_0001_20", "S", "BANK CHARGES", "AMAZONFEE", "CRUK", "B"} <= skus
    assert any(row[5].startswith("-") for row in rows)
    assert any(row[5] == "0.0" for row in rows)


def test_the_built_in_stream_meets_almost_every_rule(tmp_path: Path) -> None:
    write(tmp_path / "orders.csv", 1, 600)
    expected = expect(tmp_path / "orders.csv")
    assert expected.by_reason().keys() >= {
        "bad_debt_adjustment", "unreadable_number", "internal_fee", "zero_quantity", "negative_price",
        "stock_write_off", "discount_outside_credit", "no_money", "cancellation_not_negative",
        "cancellation_without_customer", "cancellation_unmatched",
    }  # fmt: skip
    assert any(0 < order.left < order.total for order in expected.orders.values())
    assert any(order.left == 0 < order.total for order in expected.orders.values())
