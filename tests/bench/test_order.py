"""The order that is sent: its size is part of every claim."""

from __future__ import annotations

import orjson

from bench import order
from bench.subjects.interlock import ESTATE
from interlock.estate.loader import load


def test_an_event_has_600_bytes_and_its_contract_takes_it() -> None:
    contract = load(ESTATE).latest["orders.OrderPlaced"]
    for identity in (order.event_id(order.new_run(), 7), order.random_id("run", 8)):
        event = order.event(identity)
        assert len(event) == order.EVENT_BYTES
        document = orjson.loads(event)
        contract.check(document["data"])
        assert orjson.loads(order.data(identity)) == document["data"]


def test_ids_differ_and_rise() -> None:
    ids = [order.event_id("0123456789a", number) for number in range(2000)]
    assert ids == sorted(set(ids))
    assert len({order.random_id("r", number) for number in range(2000)}) == 2000
