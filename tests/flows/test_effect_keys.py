"""Which outside effects share an idempotency key: attempts of one event, never two events."""

from __future__ import annotations

import msgspec
import pytest

from flows.conftest import Bench
from flows.shop import OrderPlaced
from interlock import Context, Flow
from interlock.model.event import Event
from interlock.model.hashing import KeyHasher, partition_of
from interlock.model.record import DeliveryRow


def order(bench: Bench, event_id: str, source: str) -> Event:
    key_hash = KeyHasher(bench.store.secret).number("o-1")
    body = msgspec.json.encode({"order_id": "o-1", "n": 1})
    partition = partition_of(key_hash, bench.store.partitions)
    now_us = bench.clock.now_us()
    return Event(
        partition, event_id, source, "orders.OrderPlaced", "1.0.0", key_hash, now_us, None, None, None, b"", None, 0,
        None, body,
    )  # fmt: skip


@pytest.mark.parametrize(
    "pair",
    [
        (("e-1", "/web"), ("e-1", "/shop")),  # ids are the producers' own (CloudEvents 1.0, section 3.1)
        (("b c", "a"), ("c", "a b")),
        (("e-1", "/web"), ("e-2", "/web")),
    ],
)
async def test_two_events_are_two_effects(bench: Bench, pair: tuple[tuple[str, str], tuple[str, str]]) -> None:
    flow = Flow("billing", owner="team")
    rows: list[DeliveryRow] = []

    @flow.on(OrderPlaced)  # type: ignore[arg-type]
    async def charge(placed: OrderPlaced, ctx: Context) -> None:
        ctx.call("payments.charge", order_id=placed.order_id)

    await bench.run(flow)
    assert bench.engine is not None
    bench.engine.on_calls = rows.extend
    bench.store.append([order(bench, *identity) for identity in pair], lambda appended, problem: None)
    await bench.until(lambda: len(rows) == 2)
    assert len({row.idempotency_key for row in rows}) == 2
