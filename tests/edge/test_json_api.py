"""JSON APIs of the estate, and every case of Idempotency-Key."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from interlock.model.problems import AlreadyHandled, BusinessConflict, Rejected, StorageUnavailable
from tests.edge.shop import Shop
from tests.edge.wire import Peer, Reply, get, post

KEY = '"8e03978e-40d5-43dd-bc93-6894a57f9324"'


async def invoice(peer: Peer, number: str = "R-1", key: str | None = KEY, **headers: str) -> Reply:
    return await peer.ask(invoice_bytes(number, key, **headers))


def invoice_bytes(number: str = "R-1", key: str | None = KEY, **headers: str) -> bytes:
    keys = {} if key is None else {"idempotency_key": key}
    return post("/invoices", json.dumps({"number": number}).encode(), **keys, **headers)


async def test_the_first_answer_is_given_and_stored(shop: Shop, peer: Peer) -> None:
    reply = await invoice(peer)
    assert (reply.status, reply.json) == (201, {"operation": "shop.importInvoice", "call": 1})
    assert "idempotency-replayed" not in reply.headers
    operation, body, scope, trace = shop.engine.calls[0]
    assert (operation, body, trace) == ("shop.importInvoice", {"number": "R-1"}, None)
    assert scope == "anonymous\x1fPOST\x1f/invoices\x1f" + KEY.strip('"')


async def test_the_same_request_gets_the_stored_answer(shop: Shop, peer: Peer) -> None:
    first = await invoice(peer)
    again = await invoice(await shop.peer())
    assert (again.status, again.body) == (first.status, first.body)
    assert again.headers["idempotency-replayed"] == "true"
    assert len(shop.engine.calls) == 1
    assert shop.edge.counters.replayed == 1


async def test_a_stored_answer_survives_a_restart_of_the_edge(shop: Shop, peer: Peer) -> None:
    first = await invoice(peer)
    async with Shop(log=shop.log) as second:
        again = await invoice(await second.peer())
        assert again.body == first.body
        assert again.headers["idempotency-replayed"] == "true"
        assert second.engine.calls == []
        (await invoice(await second.peer(), "R-2")).problem("idempotency_key_reused")


async def test_a_stored_error_is_given_again(shop: Shop, peer: Peer) -> None:
    async def refuse(operation: str, body: Any) -> tuple[int, Any]:
        raise Rejected("closed", "The books are closed.")

    shop.engine.handler = refuse
    first = await invoice(peer)
    assert first.status == 422
    first.problem("rejected")
    shop.engine.handler = shop.engine.accept
    again = await invoice(peer)
    assert (again.body, again.headers["idempotency-replayed"]) == (first.body, "true")
    assert again.headers["content-type"] == "application/problem+json"


async def test_a_missing_key_is_a_400_where_required(shop: Shop, peer: Peer) -> None:
    reply = await invoice(peer, key=None)
    assert reply.status == 400
    reply.problem("idempotency_key_missing")
    assert shop.engine.calls == []
    reply = await peer.ask(post("/orders/ORD-1/cancel", b""))
    assert reply.status == 201, "optional by x-idempotency"
    assert shop.engine.calls[0][2] is None


async def test_another_body_under_the_same_key_is_a_422(shop: Shop, peer: Peer) -> None:
    await invoice(peer, "R-1")
    reply = await invoice(peer, "R-2")
    assert reply.status == 422
    reply.problem("idempotency_key_reused")
    assert len(shop.engine.calls) == 1


async def test_another_key_method_or_path_is_another_request(shop: Shop, peer: Peer) -> None:
    await invoice(peer, key='"a"')
    await invoice(peer, key='"b"')
    for order in ("ORD-1", "ORD-2"):
        assert (await peer.ask(post(f"/orders/{order}/cancel", b"", idempotency_key='"a"'))).status == 201
    assert len(shop.engine.calls) == 4


async def test_in_flight_is_a_409_and_another_body_a_422(shop: Shop, peer: Peer) -> None:
    go_on = asyncio.Event()

    async def slow(operation: str, body: Any) -> tuple[int, Any]:
        await go_on.wait()
        return 200, {"slow": True}

    shop.engine.handler = slow
    await peer.send(invoice_bytes())
    other = await shop.peer()
    await until(lambda: len(shop.engine.calls) == 1)
    reply = await invoice(other)
    assert reply.status == 409
    assert reply.headers["retry-after"] == "1"
    reply.problem("idempotency_key_in_flight")
    (await invoice(other, "R-2")).problem("idempotency_key_reused")
    go_on.set()
    assert (await peer.reply()).json == {"slow": True}
    assert (await invoice(other)).headers["idempotency-replayed"] == "true"
    assert len(shop.engine.calls) == 1


async def test_a_caller_that_goes_away_does_not_stop_the_handler(shop: Shop, peer: Peer) -> None:
    go_on = asyncio.Event()

    async def slow(operation: str, body: Any) -> tuple[int, Any]:
        await go_on.wait()
        return 200, {"kept": True}

    shop.engine.handler = slow
    await peer.send(invoice_bytes())
    await until(lambda: len(shop.engine.calls) == 1)
    peer.writer.transport.abort()
    other = await shop.peer()
    (await invoice(other)).problem("idempotency_key_in_flight")
    go_on.set()
    await asyncio.sleep(0.05)
    reply = await invoice(other)
    assert (reply.json, reply.headers["idempotency-replayed"]) == ({"kept": True}, "true")
    assert len(shop.engine.calls) == 1


async def test_what_fails_without_an_answer_can_be_sent_again(shop: Shop, peer: Peer) -> None:
    async def unavailable(operation: str, body: Any) -> tuple[int, Any]:
        raise KeyError("a defect")

    shop.engine.handler = unavailable
    (await invoice(peer)).problem("unexpected")
    shop.engine.handler = shop.engine.accept
    assert (await invoice(peer)).status == 201


async def test_refusals_before_the_handler_are_not_stored(shop: Shop, peer: Peer) -> None:
    bad = await peer.ask(post("/invoices", b'{"number":1,"more":2}', idempotency_key=KEY))
    pointers = {entry["pointer"] for entry in bad.problem("contract_violation")["errors"]}
    assert pointers == {"/number", "/more"}
    assert (await invoice(peer)).status == 201
    [row] = shop.edge.refusals.take()
    assert (row.code, row.contract) == ("contract_violation", "shop.importInvoice")


@pytest.mark.parametrize(
    ("sent", "key"),
    [
        ('"simple"', "simple"),
        ('  "padded"  ', "padded"),
        (r'"a \"quoted\" \\ one"', r'a "quoted" \ one'),
        ('"with";parameter=1', "with"),
        ('"with"; a="b"; c', "with"),
    ],
)
async def test_key_forms(shop: Shop, peer: Peer, sent: str, key: str) -> None:
    assert (await invoice(peer, key=sent)).status == 201
    assert (shop.engine.calls[0][2] or "").split("\x1f")[-1] == key


@pytest.mark.parametrize(
    "sent",
    ["bare", '""', '"open', '"a" "b"', '"a", "b"', '"\xe9"', r'"bad \escape"', '"' + "x" * 256 + '"', ":AAA=:", ""],
)
async def test_keys_that_are_no_structured_string(shop: Shop, peer: Peer, sent: str) -> None:
    reply = await invoice(peer, key=sent)
    assert reply.status == 400
    reply.problem("malformed_request")
    assert shop.engine.calls == []


async def test_bodies(shop: Shop, peer: Peer) -> None:
    (await peer.ask(post("/invoices", b"", idempotency_key=KEY))).problem("malformed_request")
    (await peer.ask(post("/invoices", b"{}", "text/plain", idempotency_key=KEY))).problem("unsupported_media_type")
    (await peer.ask(post("/invoices", b'{"number":"1","number":"1"}', idempotency_key=KEY))).problem("hostile_json")
    assert (await peer.ask(get("/invoices"))).status == 201
    assert shop.engine.calls == [("shop.listInvoices", None, None, None)]


async def test_path_variables_reach_the_handler(shop: Shop, peer: Peer) -> None:
    await peer.ask(post("/orders/ORD%201/cancel", b'{"reason":"late"}'))
    assert shop.engine.calls[0][1] == {"order_id": "ORD 1", "reason": "late"}
    reply = await peer.ask(post("/orders/ORD-1/cancel", b'{"order_id":"ORD-2"}'))
    assert reply.problem("malformed_request")["errors"][0]["pointer"] == "/order_id"
    (await peer.ask(post("/orders/ORD-1/cancel", b"[1]"))).problem("malformed_request")


async def test_problems_of_the_engine(shop: Shop, peer: Peer) -> None:
    problems = [StorageUnavailable("Slow disk."), BusinessConflict("Sold.")]

    async def fail(operation: str, body: Any, raw: bytes, scope: str | None, trace: str | None) -> Any:
        raise problems.pop(0)

    shop.engine.call_api = fail  # type: ignore[method-assign]
    for status in (503, 409):
        reply = await invoice(peer)
        assert reply.status == status
        assert ("retry-after" in reply.headers) is (status == 503)


async def test_an_answer_that_another_owner_stored_meanwhile_is_given(shop: Shop, peer: Peer) -> None:
    call_api = shop.engine.call_api

    async def beaten(operation: str, body: Any, raw: bytes, scope: str | None, trace: str | None) -> Any:
        await call_api(operation, body, raw, scope, trace)
        raise AlreadyHandled("There is an answer for this key.")

    shop.engine.call_api = beaten  # type: ignore[method-assign]
    reply = await invoice(peer)
    assert (reply.status, reply.headers["idempotency-replayed"]) == (201, "true")


async def until(condition: Any) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - the conditions are plain values
            await asyncio.sleep(0.005)
