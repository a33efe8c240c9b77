"""By which key an event of others is ordered: subjects hold keys with dots, encoded ones, and none."""

from __future__ import annotations

import orjson
import pytest

from interlock.adapters.jetstream.subjects import key_in
from interlock.adapters.jetstream.wire import decode
from interlock.model.hashing import KeyHasher

TYPE = "orders.OrderPlaced"
HASHER = KeyHasher(b"s" * 32)


@pytest.mark.parametrize(
    ("place", "key"),
    [
        (f"A-1.{TYPE}", "A-1"),
        (f"A.1.{TYPE}", "A.1"),
        (f"A%201%2A.{TYPE}", "A 1*"),
        (f"%FF.{TYPE}", "\ufffd"),
        (TYPE, None),
        ("A-1.anything", "A-1"),
        (f"orders.{TYPE}", "orders"),
        ("", None),
    ],
)
def test_the_key_in_a_subject(place: str, key: str | None) -> None:
    assert key_in(place, TYPE) == key


def test_a_type_that_no_subject_can_hold() -> None:
    assert key_in("A-1.https%3A%2F%2Fshop%2Eexample%2Fplaced", "https://shop.example/placed") == "A-1"


@pytest.mark.parametrize(
    ("place", "more", "key"),
    [
        (f"A-1.{TYPE}", {}, "A-1"),
        (f"A-1.{TYPE}", {"partitionkey": "B-2"}, "B-2"),
        (TYPE, {}, "/till\x1f1"),
    ],
)
def test_which_key_an_event_gets(place: str, more: dict[str, str], key: str) -> None:
    body = {"specversion": "1.0", "id": "1", "source": "/till", "type": TYPE, "data": {}, **more}
    found = decode(3, {}, orjson.dumps(body), 5, HASHER, foreign=True, place=place)
    assert (found.partition, found.key_hash) == (3, HASHER.number(key))
