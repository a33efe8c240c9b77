"""`interlock import confluent`: a running registry, over HTTP. Ours, which stock clients take for the real one."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from interlock.app import registry_source
from tests.registry.served import Served

from .conftest import Place

DRAFT_7 = "http://json-schema.org/draft-07/schema#"
FILL = ("--classify", "internal", "--close", "--partition-key", "/order_id", "--examples")


def json_schema(**changes: Any) -> dict[str, Any]:
    return {
        "$schema": DRAFT_7, "title": "OrderPlaced", "type": "object", "additionalProperties": False,
        "properties": {"order_id": {"type": "string"}}, "required": ["order_id"],
    } | changes  # fmt: skip


def register(served: Served, subject: str, schema: Any, kind: str = "JSON", **more: Any) -> int:
    answer = served.ask(
        "POST", f"/subjects/{subject}/versions", {"schema": json.dumps(schema), "schemaType": kind, **more}
    )
    assert answer.status == 200, answer.body
    return int(answer.body["id"])


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with Served() as one:
        register(one, "orders-value", json_schema())
        more = json_schema(properties={"order_id": {"type": "string"}, "note": {"type": "string"}})
        register(one, "orders-value", more)
        one.ask("PUT", "/config/orders-value", {"compatibility": "NONE"})
        register(one, "orders-value", json_schema(properties={"order_id": {"type": "string"}, "n": {"type": "integer"}},
                                                  required=["order_id", "n"]))  # fmt: skip
        register(one, "orders-key", {"type": "string"})
        one.ask("PUT", "/config/addresses", {"compatibility": "FULL"})
        register(one, "addresses", {"$schema": DRAFT_7, "title": "AddressChanged", "type": "object",
                                    "properties": {"street": {"type": "string"}}})  # fmt: skip
        register(
            one, "parcels-value",
            {"$schema": DRAFT_7, "title": "ParcelSent", "type": "object", "required": ["order_id"],
             "properties": {"order_id": {"type": "string"}, "to": {"$ref": "address.json"}}},
            references=[{"name": "address.json", "subject": "addresses", "version": 1}],
        )  # fmt: skip
        money = {"type": "record", "name": "Money", "namespace": "com.shop", "fields": [
            {"name": "amount", "type": {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2}},
            {"name": "currency", "type": {"type": "enum", "name": "Currency", "symbols": ["EUR", "GBP"]}}]}  # fmt: skip
        register(one, "money", money, "AVRO")
        paid = {"type": "record", "name": "InvoicePaid", "namespace": "com.shop.billing", "doc": "Settled.", "fields": [
            {"name": "order_id", "type": "string"}, {"name": "total", "type": "com.shop.Money"},
            {"name": "before", "type": ["null", "com.shop.Money"], "default": None}]}  # fmt: skip
        register(
            one,
            "invoices-value",
            paid,
            "AVRO",
            references=[{"name": "com.shop.Money", "subject": "money", "version": 1}],
        )
        register(one, "gone-value", json_schema(title="OrderGone"))
        one.ask("DELETE", "/subjects/gone-value")
        withdrawn = {"$schema": DRAFT_7, "title": "AddressChanged", "type": "object", "description": "Withdrawn.",
                     "properties": {"street": {"type": "string"}}}  # fmt: skip
        register(one, "addresses", withdrawn)
        one.ask("DELETE", "/subjects/addresses/versions/2")
        one.ask("PUT", "/config", {"compatibility": "FORWARD"})
        yield one


def test_every_version_becomes_a_contract_whose_number_the_diff_decides(place: Place, served: Served) -> None:
    done = place.take("confluent", served.url, *FILL)
    assert [path for path in done.standings if "order_placed" in path] == [
        f"contracts/events/orders/order_placed/{version}.json" for version in ("1.0.0", "1.1.0", "2.0.0")
    ]
    assert {path.split("/")[3] for path in done.standings} == {
        "order_placed", "parcel_sent", "invoice_paid", "money", "address_changed",
    }  # fmt: skip


def test_ids_and_versions_are_remembered(place: Place, served: Served) -> None:
    place.take("confluent", served.url)
    [memory] = place.root.glob("imports/*.json")
    rows = {(row["subject"], row["version"]): row for row in json.loads(memory.read_text())["versions"]}
    for subject, version in rows:
        there = served.ask("GET", f"/subjects/{subject}/versions/{version}").body
        assert rows[subject, version]["id"] == there["id"]
    assert "file" not in rows["orders-key", 1]
    assert rows["orders-value", 3]["file"].endswith("order_placed/2.0.0.json")
    kept = place.contract("events/orders/order_placed/1.1.0.json")["x-registry"]
    assert (kept["subject"], kept["version"]) == ("orders-value", 2)


def test_what_is_left_to_say_is_said(place: Place, served: Served) -> None:
    done = place.take("confluent", served.url, *FILL)
    assert [(note["source"], note["what"]) for note in done.notes("lost")] == [
        ("gone-value", "A subject that was deleted softly."),
        ("addresses version 2", "A version that was deleted softly."),
        ("/config", "The registry's own compatibility, FORWARD."),
        ("orders-key", "The schema of keys."),
        ("orders-value", "The compatibility NONE."),
    ]
    plan = next(note for note in done.notes("missing") if "no end" in note["what"])
    assert plan["source"] == "orders-value"
    assert "deprecations.toml" in plan["step"]
    assert place.contract("events/addresses/address_changed/1.0.0.json")["x-interlock"]["compatibility"] == "FULL"


def test_references_are_drawn_in(place: Place, served: Served) -> None:
    place.take("confluent", served.url, *FILL)
    parcel = place.contract("events/parcels/parcel_sent/1.0.0.json")
    assert parcel["properties"]["to"]["$ref"] == "#/$defs/addresses_1"
    assert parcel["$defs"]["addresses_1"]["properties"]["street"]["type"] == "string"
    paid = place.contract("events/billing/invoice_paid/1.0.0.json")
    assert paid["description"] == "Settled."
    assert paid["properties"]["before"]["anyOf"] == [{"type": "null"}, {"$ref": "#/$defs/Money"}]
    assert paid["$defs"]["Money"]["properties"]["amount"]["format"] == "decimal"
    assert paid["required"] == ["order_id", "total"]


def test_check_asks_for_what_the_report_names_and_for_nothing_else(place: Place, served: Served) -> None:
    renames = ("--rename", "money=MoneyMoved", "--rename", "addresses=AddressMoved")
    done = place.take("confluent", served.url, *FILL, *renames)
    named = {what.split(": ")[1].split(" ")[0] for what in done.what("missing") if " at " in what}
    found = place.check()
    assert named == {"PARTITION_KEY_MISSING"}  # of those that have no order_id
    assert set(found) - named == {"DEPRECATION_MISSING"}
    assert sum("no end" in what for what in done.what("missing")) == found["DEPRECATION_MISSING"]


def test_again_changes_nothing_and_more_versions_are_added(place: Place) -> None:
    with Served() as one:
        register(one, "orders-value", json_schema())
        place.take("confluent", one.url, *FILL)
        before = place.files()
        assert set(place.take("confluent", one.url, *FILL).standings.values()) == {"unchanged"}
        assert place.files() == before
        register(one, "orders-value", json_schema(properties={"order_id": {"type": "string"}, "x": {"type": "string"}}))
        standings = place.take("confluent", one.url, *FILL).standings
        assert list(standings.values()) == ["unchanged", "written"]


def test_two_subjects_of_one_name_are_told_apart_by_the_user(place: Place) -> None:
    with Served() as one:
        register(one, "shop.orders-value", json_schema())
        register(one, "shop.returns-value", json_schema())
        done = place.take("confluent", one.url)
        assert done.what("lost") == ["The whole subject."]
        done = place.take("confluent", one.url, "--rename", "shop.returns-value=OrderReturned", "--replace")
        assert done.what("lost") == []
        assert len(done.standings) == 2


class Scripted:
    """An HTTP server that answers as a function says."""

    def __init__(self, answer: Callable[[str, dict[str, str]], tuple[int, Any]]) -> None:
        asked = self.asked = list[str]()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                status, body = answer(self.path, dict(self.headers))
                text = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                if status == 302:
                    self.send_header("location", "http://127.0.0.1:1/")
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: Any) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self) -> Scripted:
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_source, "PAUSE_SECONDS", 0.001)


def test_basic_auth_comes_from_a_variable(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = "Basic " + base64.b64encode(b"ada:s3cret").decode()

    def answer(path: str, headers: dict[str, str]) -> tuple[int, Any]:
        return (200, []) if headers.get("Authorization") == wanted else (401, {"error_code": 401})

    with Scripted(answer) as one:
        assert "--auth env:NAME" in place.refused("confluent", one.url)
        assert "is not set" in place.refused("confluent", one.url, "--auth", "env:REGISTRY_LOGIN")
        said = place.refused("confluent", one.url, "--auth", "ada:s3cret")
        assert "does not belong on a command line" in said
        assert "s3cret" not in said
        monkeypatch.setenv("REGISTRY_LOGIN", "ada:s3cret")
        assert place.take("confluent", one.url, "--auth", "env:REGISTRY_LOGIN").standings == {}
        assert b"s3cret" not in b"".join(place.files().values())


def test_a_passing_fault_is_tried_again_and_a_lasting_one_is_told(place: Place) -> None:
    faults = [503, 500]

    def answer(path: str, headers: dict[str, str]) -> tuple[int, Any]:
        return (faults.pop(), {}) if faults else (200, [])

    with Scripted(answer) as one:
        assert place.take("confluent", one.url).standings == {}
    with Scripted(lambda path, headers: (503, {})) as one:
        assert "answers 503 to /subjects" in place.refused("confluent", one.url)
        assert one.asked == ["/subjects"] * registry_source.ATTEMPTS


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((200, b"<html>"), "does not answer as a schema registry does"),
        ((200, {"a": 1}), "does not answer as a schema registry does"),
        ((200, b"[" * 100_000), "does not answer as a schema registry does"),
        ((302, b""), "answers 302 to /subjects"),
        ((404, {}), "answers 404 to /subjects"),
        ((200, b" " * 8_000_001), "more than 8000000 bytes"),
    ],
)
def test_what_is_no_registry_is_said_to_be_none(place: Place, answer: tuple[int, Any], said: str) -> None:
    with Scripted(lambda path, headers: answer) as one:
        assert said in place.refused("confluent", one.url)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http://127.0.0.1:1", "does not answer"),
        ("localhost:8081", "is no address of a registry"),
        ("file:///etc/passwd", "is no address of a registry"),
        ("http://ada:s3cret@127.0.0.1:1", "The address holds a password."),
    ],
)
def test_addresses(place: Place, address: str, said: str) -> None:
    got = place.refused("confluent", address)
    assert said in got
    assert "s3cret" not in got


def test_a_schema_that_cannot_be_read_is_told_and_the_others_go_on(place: Place) -> None:
    stored = {
        "a-value": {"schema": json.dumps(json_schema(title="OrderMade")), "schemaType": "JSON"},
        "b-value": {"schema": 'syntax = "proto3";', "schemaType": "PROTOBUF"},
        "c-value": {"schema": "{", "schemaType": "JSON"},
        "d-value": {"schema": json.dumps({"$ref": "elsewhere.json"}), "schemaType": "JSON"},
    }

    def answer(path: str, headers: dict[str, str]) -> tuple[int, Any]:
        parts = path.partition("?")[0].split("/")
        if path.startswith("/subjects?") or path == "/subjects":
            return 200, list(stored)
        if parts[-1] == "versions":
            return 200, [1]
        if parts[1] == "subjects":
            return 200, {"subject": parts[2], "version": 1, "id": 7, **stored[parts[2]]}
        return 404, {"error_code": 40408}

    with Scripted(answer) as one:
        done = place.take("confluent", one.url)
    assert list(done.standings) == ["contracts/events/a/order_made/1.0.0.json"]
    assert [note["source"].partition("/")[0] for note in done.notes("lost")] == [
        f"{letter}-value version 1" for letter in "bcd"
    ]
