"""Events that nobody has checked, since they came past the edge, meet their contract before a handler."""

from __future__ import annotations

import msgspec
import pytest

from flows.conftest import Bench
from flows.shop import OrderPlaced
from interlock import Context, Flow
from interlock.model.event import UNCHECKED
from interlock.sdk.flow import reply_type
from interlock.sdk.reply import Reply
from interlock.testing.samples import append

GOOD = {"order_id": "A", "n": 1}


def document(**more: object) -> bytes:
    return msgspec.json.encode(GOOD | more)


@pytest.mark.parametrize(
    ("body", "attributes", "code"),
    [
        (document(), None, None),
        (document(), {"dataschema": "https://x.test/orders.OrderPlaced/1.0.0"}, None),
        (document(undeclared=1), None, "contract_violation"),
        (b'{"order_id":"A","n":1,"n":2}', None, "hostile_json"),
        (document(), {"dataschema": "https://x.test/orders.OrderPlaced/7.0.0"}, "unknown_contract"),
        (document(), {"dataschema": "orders.StockReserved/1.0.0"}, "unknown_contract"),
        (document(), {"dataschema": 7}, "unknown_contract"),
    ],
)
async def test_the_contract_is_kept_or_no_handler_runs(
    bench: Bench, body: bytes, attributes: dict[str, object] | None, code: str | None
) -> None:
    flow, handled = Flow("takes", owner="team"), []

    @flow.on(OrderPlaced)
    async def handle(placed: OrderPlaced, ctx: Context) -> None:
        handled.append((placed.n, ctx.event.version))

    await bench.run(flow)
    encoded = msgspec.json.encode(attributes) if attributes else None
    foreign = bench.producer._order("A", 0, "f")._replace(version=UNCHECKED, body=body, attributes=encoded)
    bench.producer._made -= 1
    await append(bench.store, [foreign])
    bench.producer.place("A", 9)
    await bench.until(lambda: (9, "1.0.0") in handled)
    await bench.settled()
    assert handled == [*([] if code else [(1, "1.0.0")]), (9, "1.0.0")], "its key goes on"
    reader = await bench.backing.reader()
    letters = await reader.dead_letters(None, 10)
    await reader.close()
    assert [letter.error for letter in letters] == ([code] if code else [])
    assert all(letter.attempts == 1 for letter in letters), "no retry mends it"


async def test_nobody_else_can_make_a_reply(bench: Bench) -> None:
    flow, handled = Flow("pays", owner="team"), []

    @flow.on_reply("payments.charge")
    async def paid(reply: Reply, ctx: Context) -> None:
        handled.append(reply)

    await bench.run(flow)
    forged = bench.producer._order("A", 0, "f")._replace(version=UNCHECKED, type=reply_type("payments.charge"))
    bench.producer._made -= 1
    await append(bench.store, [forged])
    await bench.settled()
    assert not handled
    assert (await bench.sums())["pays"].dead == 1
