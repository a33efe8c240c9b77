"""Same key, same answer, one effect."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo.reconciler.books import read_books
from demo.systems.books import Books
from demo.systems.trade import routes

CHARGE = b'{"order_id": "1", "amount": "5.00", "currency": "GBP"}'
REFUND = b'{"order_id": "1", "amount": "%s", "reference": "C2", "currency": "GBP"}'


@pytest.fixture
def books(tmp_path: Path) -> Books:
    for name in ("warehouse", "finance"):
        Books(tmp_path / f"{name}.db").close()
    return Books(tmp_path / "payments.db")


def test_a_key_has_one_effect_and_one_answer(books: Books, tmp_path: Path) -> None:
    charge = routes("payments", 1, 0)["/charges"]
    first = books.perform("k", "w", CHARGE, charge)
    assert first.status == 201
    assert books.perform("k", "w", CHARGE, charge) == first
    assert books.perform("k", "w", CHARGE + b" ", charge).status == 422
    books.close()
    assert [entry.amount for entry in read_books(tmp_path).of("charge", "1")] == [500]


def test_two_keys_are_two_visible_effects(books: Books, tmp_path: Path) -> None:
    charge = routes("payments", 1, 0)["/charges"]
    books.perform("k1", "w", CHARGE, charge)
    books.perform("k2", "w", CHARGE, charge)
    books.close()
    assert len(read_books(tmp_path).of("charge", "1")) == 2


def test_answers_survive_a_restart_and_refusals_leave_no_entry(books: Books, tmp_path: Path) -> None:
    table = routes("payments", 1, 0)
    books.perform("k", "w", CHARGE, table["/charges"])
    assert books.perform("r1", "w", REFUND % b"5.01", table["/refunds"]).status == 409
    books.close()
    again = Books(tmp_path / "payments.db")
    assert again.perform("r1", "w", REFUND % b"5.01", table["/refunds"]).status == 409
    assert again.perform("r2", "w", REFUND % b"5.00", table["/refunds"]).status == 201
    assert again.perform("r3", "w", REFUND % b"0.01", table["/refunds"]).status == 409
    again.close()


def test_declined_orders_are_the_same_in_every_run(books: Books) -> None:
    declined = [
        routes("payments", 4, 0.5)["/charges"](books, {"order_id": str(n), "amount": "1.00"})[1].status
        for n in range(50)
    ]
    again = [
        routes("payments", 4, 0.5)["/charges"](books, {"order_id": str(n), "amount": "1.00"})[1].status
        for n in range(50)
    ]
    assert declined == again
    assert set(declined) == {201, 402}
