"""POST /events in all three content modes, and the promise behind a 202."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from interlock.edge.cloudevents import BATCH, STRUCTURED
from interlock.edge.limits import EdgeLimits
from interlock.model.hashing import KeyHasher, partition_of
from interlock.model.problems import StorageUnavailable, TooManyRequests
from tests.edge.shop import Shop, cloud_event, order
from tests.edge.wire import Peer, Reply, post

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b9c7c989f97918e1-01"
OTHER_TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


async def send(peer: Peer, event: Any, content_type: str = STRUCTURED, **headers: str) -> Reply:
    return await peer.ask(post("/events", json.dumps(event).encode(), content_type, **headers))


async def send_binary(peer: Peer, data: Any, content_type: str = "application/json", **headers: str) -> Reply:
    attributes = {
        "ce_specversion": "1.0",
        "ce_id": "event-1",
        "ce_source": "/storefront",
        "ce_type": "orders.OrderPlaced",
        **headers,
    }
    present = {name: value for name, value in attributes.items() if value}
    return await peer.ask(post("/events", json.dumps(data).encode(), content_type, **present))


async def test_a_structured_event_becomes_a_row_of_the_log(shop: Shop, peer: Peer) -> None:
    event = cloud_event(
        subject="ORD-1",
        time="2026-11-22T12:00:00+01:00",
        correlationid="c-1",
        causationid="e-0",
        traceparent=TRACE,
        priority=5,
        gift=True,
        datacontenttype="application/json",
        data=order(1, customer_id="C-7"),
    )
    reply = await send(peer, event)
    assert (reply.status, reply.json) == (202, {"id": "event-1", "status": "accepted"})
    assert reply.headers["content-type"] == "application/json"
    [stored] = shop.log.appended
    hasher = KeyHasher(shop.log.secret)
    assert (stored.id, stored.source, stored.type, stored.version) == (
        "event-1",
        "/storefront",
        "orders.OrderPlaced",
        "1.2.0",
    )
    assert stored.key_hash == hasher.number("ORD-1")
    assert stored.partition == partition_of(stored.key_hash, shop.log.partitions)
    assert stored.business == hasher.digest("ORD-1") + hasher.digest("C-7")
    assert (stored.correlation, stored.causation, stored.trace) == ("c-1", "e-0", TRACE)
    assert json.loads(stored.body) == order(1, customer_id="C-7")
    assert json.loads(stored.attributes or b"") == {
        "subject": "ORD-1",
        "time": "2026-11-22T12:00:00+01:00",
        "priority": 5,
        "gift": True,
    }
    assert (stored.scheme, stored.key_id) == (0, None)
    assert stored.time_us > 0


async def test_the_202_comes_only_after_done(shop: Shop, peer: Peer) -> None:
    shop.log.holding = True
    await peer.send(post("/events", json.dumps(cloud_event()).encode(), STRUCTURED))
    async with asyncio.timeout(5):
        while not shop.log.held:  # noqa: ASYNC110 - the condition is a plain value
            await asyncio.sleep(0.005)
    assert await peer.quiet(), "answered before the log said that the event is durable"
    shop.log.held.pop()()
    assert (await peer.reply()).status == 202


async def test_a_log_that_refuses_means_no_202(shop: Shop, peer: Peer) -> None:
    shop.log.problem = TooManyRequests("Too many appends.", retry_after_seconds=3)
    reply = await send(peer, cloud_event())
    assert reply.status == 429
    assert reply.headers["retry-after"] == "3"
    shop.log.problem = StorageUnavailable("The disk does not answer.")
    reply = await send(peer, [cloud_event()], BATCH)
    assert reply.status == 503
    assert reply.headers["retry-after"] == "1"
    assert shop.log.appended == []
    assert shop.edge.counters.problems == {"too_many_requests": 1, "storage_unavailable": 1}


async def test_a_duplicate_is_told_so(shop: Shop, peer: Peer) -> None:
    assert (await send(peer, cloud_event())).json["status"] == "accepted"
    reply = await send(peer, cloud_event())
    assert (reply.status, reply.json) == (202, {"id": "event-1", "status": "duplicate"})
    assert (await send(peer, cloud_event(source="/other"))).json["status"] == "accepted"
    assert (shop.edge.counters.accepted, shop.edge.counters.duplicates) == (2, 1)


async def test_without_correlation_and_trace_nothing_is_made_up(shop: Shop, peer: Peer) -> None:
    await send(peer, cloud_event())
    [stored] = shop.log.appended
    assert (stored.correlation, stored.causation, stored.trace, stored.attributes) == (None, None, None, None)
    assert stored.correlation_id == "event-1"


async def test_traces() -> None:
    async with Shop(EdgeLimits(sample_ratio=0.5)) as shop:
        peer = await shop.peer()
        await send(peer, cloud_event(1), traceparent=OTHER_TRACE)
        await send(peer, cloud_event(2, traceparent=TRACE), traceparent=OTHER_TRACE)
        assert [event.trace for event in shop.log.appended] == [OTHER_TRACE, TRACE]
        for number in range(3, 103):
            await send(peer, cloud_event(number), traceparent="not a trace")
        fresh = [event.trace for event in shop.log.appended[2:] if event.trace is not None]
        assert 25 < len(fresh) < 75
        assert len(set(fresh)) == len(fresh)
        assert all(trace.endswith("-01") for trace in fresh), "a sampled trace says so"


@pytest.mark.parametrize(
    ("dataschema", "version"),
    [
        (None, "1.2.0"),
        ("1.1.0", "1.1.0"),
        ("https://example.com/schemas/orders.OrderPlaced/1.1.0", "1.1.0"),
        ("/orders.OrderPlaced/1.2.0", "1.2.0"),
        ("orders.OrderPlaced/1.2.0", "1.2.0"),
    ],
)
async def test_dataschema_picks_the_version(shop: Shop, peer: Peer, dataschema: str | None, version: str) -> None:
    assert (await send(peer, cloud_event(dataschema=dataschema))).status == 202
    assert shop.log.appended[0].version == version


@pytest.mark.parametrize("dataschema", ["9.9.9", "1.2", "/other.Type/1.2.0", "/xorders.OrderPlaced/1.2.0", "1.2.0/"])
async def test_an_unknown_version(shop: Shop, peer: Peer, dataschema: str) -> None:
    reply = await send(peer, cloud_event(dataschema=dataschema))
    assert reply.status == 422
    document = reply.problem("unknown_contract")
    assert document["errors"] == [{"pointer": "/dataschema", "detail": "names no known version"}]
    assert "1.1.0, 1.2.0" in document["detail"]


async def test_an_unknown_type_names_the_nearest(shop: Shop, peer: Peer) -> None:
    reply = await send(peer, cloud_event(type="orders.OrderPlacd"))
    assert "Did you mean orders.OrderPlaced?" in reply.problem("unknown_contract")["detail"]


async def test_every_undeclared_field_is_refused_with_its_path(shop: Shop, peer: Peer) -> None:
    data = order(surprise=1)
    data["lines"].append({"sku": "B", "quantity": 1, "colour": "red"})
    reply = await send(peer, cloud_event(data=data))
    assert reply.status == 422
    pointers = {entry["pointer"] for entry in reply.problem("contract_violation")["errors"]}
    assert pointers == {"/data/surprise", "/data/lines/1/colour"}
    assert shop.log.appended == []


async def test_binary_mode(shop: Shop, peer: Peer) -> None:
    reply = await send_binary(peer, order(), ce_id="caf%C3%A9%20%25", ce_subject='"quoted \\"text\\""', ce_rank="7")
    assert reply.status == 202
    [stored] = shop.log.appended
    assert stored.id == "caf\u00e9 %"
    assert json.loads(stored.attributes or b"") == {"subject": 'quoted "text"', "rank": "7"}
    assert json.loads(stored.body) == order()


async def test_binary_mode_refusals(shop: Shop, peer: Peer) -> None:
    reply = await send_binary(peer, order(), ce_id="")
    assert reply.problem("malformed_request")["errors"] == [{"pointer": "/id", "detail": "is missing"}]
    (await send_binary(peer, order(), ce_id="%ff")).problem("malformed_request")
    (await send_binary(peer, order(), ce_id="\xe9")).problem("malformed_request")
    (await send_binary(peer, order(), ce_data="x")).problem("malformed_request")
    (await send_binary(peer, order(), ce_datacontenttype="text/json")).problem("malformed_request")
    (await send_binary(peer, order(), "text/xml")).problem("unsupported_media_type")
    (await send_binary(peer, order(), "application/json; charset=utf-16")).problem("unsupported_media_type")
    reply = await send_binary(peer, order(surprise=1))
    assert reply.problem("contract_violation")["errors"][0]["pointer"] == "/data/surprise"
    assert shop.log.appended == []


async def test_a_batch_is_one_append(shop: Shop, peer: Peer) -> None:
    events = [cloud_event(number) for number in (1, 2, 1)]
    reply = await send(peer, events, BATCH)
    assert reply.status == 202
    assert reply.json == [
        {"id": "event-1", "status": "accepted"},
        {"id": "event-2", "status": "accepted"},
        {"id": "event-1", "status": "duplicate"},
    ]


async def test_an_empty_batch_is_no_error(shop: Shop, peer: Peer) -> None:
    reply = await send(peer, [], BATCH)
    assert (reply.status, reply.json) == (202, [])


async def test_one_bad_event_refuses_the_whole_batch_with_every_place(shop: Shop, peer: Peer) -> None:
    events = [
        cloud_event(0),
        cloud_event(1, data=order(surprise=1)),
        cloud_event(2, id=""),
        "no event",
        cloud_event(4, type="x"),
    ]
    reply = await send(peer, events, BATCH)
    assert reply.status == 422
    errors = reply.problem("contract_violation")["errors"]
    assert [(entry["pointer"], entry["code"]) for entry in errors] == [
        ("/1/data/surprise", "contract_violation"),
        ("/2/id", "malformed_request"),
        ("/3", "malformed_request"),
        ("/4/type", "unknown_contract"),
    ]
    assert shop.log.appended == []
    assert shop.edge.counters.problems == {"contract_violation": 1}


async def test_batch_limits() -> None:
    async with Shop(EdgeLimits(batch_events=2, sample_ratio=0)) as shop:
        peer = await shop.peer()
        reply = await send(peer, [cloud_event(n) for n in range(3)], BATCH)
        assert reply.status == 413
        reply.problem("body_too_large")
        (await send(peer, cloud_event(), BATCH)).problem("malformed_request")


@pytest.mark.parametrize(
    ("content_type", "code"),
    [
        ("application/json", "unsupported_media_type"),
        ("application/cloudevents+xml", "unsupported_media_type"),
        ("application/cloudevents+json; charset=latin-1", "unsupported_media_type"),
        ("", "unsupported_media_type"),
    ],
)
async def test_other_media_types(peer: Peer, content_type: str, code: str) -> None:
    reply = await send(peer, cloud_event(), content_type)
    assert reply.status == 415
    reply.problem(code)


@pytest.mark.parametrize(
    "content_type", ["Application/CloudEvents+JSON", "application/cloudevents+json; charset=UTF-8"]
)
async def test_media_type_spellings(peer: Peer, content_type: str) -> None:
    assert (await send(peer, cloud_event(), content_type)).status == 202


HOSTILE_JSON = {
    "empty": b"",
    "cut off": b'{"specversion":"1.0"',
    "two values": b"{}{}",
    "duplicate name": b'{"id":"a","id":"b"}',
    "duplicate name in data": b'{"data":{"a":{"b":1,"b":1}}}',
    "duplicate by escape": b'{"id":"a","\\u0069d":"b"}',
    "NaN": b'{"data":NaN}',
    "Infinity": b'{"data":-Infinity}',
    "lone surrogate": b'{"id":"\\ud800"}',
    "bad UTF-8": b'{"id":"\xff\xfe"}',
    "overlong UTF-8": b'{"id":"\xc0\xaf"}',
    "byte order mark": b"\xef\xbb\xbf{}",
    "deep": b'{"data":' + b"[" * 65 + b"]" * 65 + b"}",
    "very deep": b"[" * 100_000,
    "huge integer": b'{"data":' + b"9" * 400 + b"}",
    "huge exponent": b'{"data":1e999}',
    "single quotes": b"{'id':1}",
    "trailing comma": b'{"id":"a",}',
    "NUL": b"\x00",
}


@pytest.mark.parametrize("name", HOSTILE_JSON)
@pytest.mark.parametrize("content_type", [STRUCTURED, BATCH])
async def test_hostile_json_gets_a_clean_400(shop: Shop, peer: Peer, name: str, content_type: str) -> None:
    reply = await peer.ask(post("/events", HOSTILE_JSON[name], content_type))
    assert reply.status == 400
    assert reply.json["code"] in ("hostile_json", "malformed_request")
    reply.problem(reply.json["code"])
    assert (await send(peer, cloud_event())).status == 202, "the connection is still usable"
    assert len(shop.log.appended) == 1


@pytest.mark.parametrize("number", ["9007199254740993", "-9007199254740993", "18446744073709551615", "1e300"])
async def test_numbers_beyond_exact_doubles_break_the_contract(peer: Peer, number: str) -> None:
    body = json.dumps(cloud_event()).replace('"quantity": 2', f'"quantity": {number}')
    reply = await peer.ask(post("/events", body.encode(), STRUCTURED))
    assert reply.problem("contract_violation")["errors"][0]["pointer"] == "/data/lines/0/quantity"


BAD_ATTRIBUTES: dict[str, tuple[dict[str, Any], str]] = {
    "no id": ({"id": None}, "/id"),
    "empty id": ({"id": ""}, "/id"),
    "number as id": ({"id": 7}, "/id"),
    "long id": ({"id": "x" * 256}, "/id"),
    "control character in id": ({"id": "a\x07"}, "/id"),
    "noncharacter in id": ({"id": "a\ufffe"}, "/id"),
    "no source": ({"source": None}, "/source"),
    "empty source": ({"source": ""}, "/source"),
    "source no URI": ({"source": "a b"}, "/source"),
    "source with bad escape": ({"source": "/a%zz"}, "/source"),
    "old specversion": ({"specversion": "0.3"}, "/specversion"),
    "no specversion": ({"specversion": None}, "/specversion"),
    "no type": ({"type": None}, "/type"),
    "list as type": ({"type": ["x"]}, "/type"),
    "upper-case name": ({"myExtension": "x"}, "/myExtension"),
    "long name": ({"a" * 21: "x"}, "/" + "a" * 21),
    "name with dash": ({"a-b": "x"}, "/a-b"),
    "name with slash": ({"a/b": "x"}, "/a~1b"),
    "object as extension": ({"ext": {}}, "/ext"),
    "float as extension": ({"ext": 1.5}, "/ext"),
    "big integer as extension": ({"ext": 1 << 31}, "/ext"),
    "control character in extension": ({"ext": "\x9f"}, "/ext"),
    "time in words": ({"time": "yesterday"}, "/time"),
    "time without zone": ({"time": "2026-11-22T12:00:00"}, "/time"),
    "time on no day": ({"time": "2026-02-30T12:00:00Z"}, "/time"),
    "time with hour 24": ({"time": "2026-02-20T24:00:00Z"}, "/time"),
    "empty subject": ({"subject": ""}, "/subject"),
    "number as correlationid": ({"correlationid": 1}, "/correlationid"),
    "number as traceparent": ({"traceparent": 1}, "/traceparent"),
    "number as datacontenttype": ({"datacontenttype": 1}, "/datacontenttype"),
}


@pytest.mark.parametrize("name", BAD_ATTRIBUTES)
async def test_bad_attributes(shop: Shop, peer: Peer, name: str) -> None:
    attributes, pointer = BAD_ATTRIBUTES[name]
    reply = await send(peer, cloud_event(**attributes))
    assert reply.status == 400
    assert [entry["pointer"] for entry in reply.problem("malformed_request")["errors"]] == [pointer]
    assert shop.log.appended == []


async def test_all_bad_attributes_are_named_at_once(peer: Peer) -> None:
    reply = await send(peer, {"specversion": "2.0", "id": 1, "Extension": "x"})
    pointers = {entry["pointer"] for entry in reply.problem("malformed_request")["errors"]}
    assert pointers == {"/specversion", "/id", "/source", "/type", "/Extension"}


async def test_data_of_other_kinds(peer: Peer) -> None:
    reply = await send(peer, cloud_event(data=None))
    assert reply.problem("contract_violation")["errors"] == [{"pointer": "/data", "detail": "is missing"}]
    reply = await send(peer, cloud_event(data=None, data_base64="eyAieHl6IjogMTIzIH0="))
    assert reply.problem("contract_violation")["errors"][0]["pointer"] == "/data_base64"
    reply = await send(peer, cloud_event(datacontenttype="text/xml", data="<a/>"))
    assert reply.status == 415
    assert (await send(peer, cloud_event(datacontenttype="application/vnd.shop+json"))).status == 202


async def test_partitionkey_must_agree_with_the_contract(shop: Shop, peer: Peer) -> None:
    assert (await send(peer, cloud_event(1, partitionkey="ORD-1"))).status == 202
    reply = await send(peer, cloud_event(2, partitionkey="ORD-1"))
    assert reply.problem("contract_violation")["errors"][0]["pointer"] == "/partitionkey"
    assert shop.log.appended[0].attributes is None, "a business key must not stand in clear among the attributes"


async def test_refusals_are_recorded_with_producer_and_time(shop: Shop, peer: Peer) -> None:
    for number in range(3):
        await send(peer, cloud_event(number, data=order(surprise=1)))
    await send(peer, [cloud_event(9, source="/till", data=order(other=1))], BATCH)
    await peer.ask(post("/events", b"{", STRUCTURED))
    rows = sorted(shop.edge.refusals.take())
    assert [(row.code, row.contract, row.source, row.pointer, row.total) for row in rows] == [
        ("contract_violation", "orders.OrderPlaced", "/storefront", "/data/surprise", 3),
        ("contract_violation", "orders.OrderPlaced", "/till", "/data/other", 1),
        ("malformed_request", "", "", "", 1),
    ]
    assert all(0 < row.first_us <= row.last_us for row in rows)
    assert shop.edge.refusals.take() == []


async def test_health_and_metrics(shop: Shop, peer: Peer) -> None:
    assert (await send(peer, cloud_event())).status == 202
    await send(peer, cloud_event())
    await send(peer, cloud_event(id=""))
    live, ready = await peer.ask(get_("/health/live")), await peer.ask(get_("/health/ready"))
    assert (live.json, ready.json) == ({"status": "live"}, {"status": "ready"})
    shop.not_ready = "The store is opening."
    reply = await peer.ask(get_("/health/ready"))
    assert reply.problem("unavailable")["detail"] == "The store is opening."
    assert (await peer.ask(get_("/health/live"))).status == 200
    shop.not_ready = None
    shop.lag = 2_000_000
    await asyncio.sleep(0.6)  # the lag is looked at four times a second
    await asyncio.sleep(0.6)  # the lag is looked at four times a second
    assert (await peer.ask(get_("/health/ready"))).status == 429
    page = (await peer.ask(get_("/metrics"))).body.decode()
    for line in (
        "interlock_edge_accepted_total 1",
        "interlock_edge_duplicates_total 1",
        'interlock_edge_problems_total{code="malformed_request"} 1',
        "interlock_edge_connections 1",
        "engine_lag 0",
    ):
        assert f"{line}\n" in page


def get_(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nhost: t\r\n\r\n".encode()
