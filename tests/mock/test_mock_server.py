"""`interlock mock` as a process: OpenAPI files, event contracts, whole estates, and what is wrong with them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
import yaml

from .running import command, mocking, send
from .shop import EXAMPLE, SHOP

ESTATE = Path(__file__).parents[2] / "estates" / "commerce"
NEW = {"sku": "SKU-9", "quantity": 3}
CREDENTIALS = {"X_Key": "k", "Idempotency_Key": '"a"'}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    file = tmp_path_factory.mktemp("shop") / "shop.yaml"
    file.write_text(yaml.safe_dump(SHOP, sort_keys=False))
    with mocking(file) as url:
        yield url


@pytest.fixture(scope="module")
def commerce() -> Iterator[str]:
    with mocking(ESTATE) as url:
        yield url


def test_a_caller_can_work_against_the_contract(shop: str) -> None:
    made = send("POST", f"{shop}/orders", NEW, **CREDENTIALS)
    assert (made.status, made.headers["location"]) == (201, "/orders/ORD-7")
    assert send("GET", shop + made.headers["location"], **CREDENTIALS).body == made.body
    assert send("DELETE", f"{shop}/__mock/state").status == 204
    assert send("GET", f"{shop}/orders/ORD-7", **CREDENTIALS).body == EXAMPLE
    assert send("POST", f"{shop}/orders", {"sku": "x"}, **CREDENTIALS).status == 422
    assert send("GET", f"{shop}/orders").status == 401
    assert send("HEAD", f"{shop}/orders/ORD-7", **CREDENTIALS).body == ""
    assert send("OPTIONS", f"{shop}/orders").status == 204
    assert send("GET", f"{shop}/__mock").body["apis"][0]["title"] == "Shop"
    assert send("GET", f"{shop}/nowhere").status == 404


def test_targets_that_are_no_paths_are_answered(shop: str) -> None:
    for target in ("*", "http://else.where/orders/ORD-7", "/__mocked", "//", "/%FF"):
        connection = HTTPConnection(shop.removeprefix("http://"), timeout=10)
        connection.request("OPTIONS", target)
        assert connection.getresponse().status == 404, target
        connection.close()


def test_generated_data_keeps_the_contract_and_is_the_same_for_a_seed(tmp_path: Path) -> None:
    (tmp_path / "shop.json").write_text(json.dumps(SHOP))

    def orders(seed: str) -> Any:
        with mocking(tmp_path / "shop.json", "--seed", seed) as url:
            return [send("GET", f"{url}/orders", **CREDENTIALS, Prefer="dynamic=true").body for _ in range(3)]

    first = orders("3")
    assert first == orders("3")
    assert len({json.dumps(one) for one in first}) == 3
    assert all(set(one["orders"][0]) >= {"id", "sku", "quantity"} for one in first if one["orders"])


def test_answers_wait_when_asked_to(shop: str) -> None:
    before = monotonic()
    assert send("GET", f"{shop}/orders/ORD-7", **CREDENTIALS, Prefer="wait=0.4").status == 200
    assert 0.4 <= monotonic() - before < 5


def test_events_of_an_estate_are_cloudevents_of_their_contracts(commerce: str) -> None:
    types = send("GET", f"{commerce}/__mock/events").body["types"]
    assert "orders.OrderPlaced" in types
    for name in types:
        batch = send("GET", f"{commerce}/__mock/events/{name}?count=3")
        assert batch.headers["content-type"] == "application/cloudevents-batch+json"
        assert len({event["id"] for event in batch.body}) == 3
        assert send("POST", f"{commerce}/__mock/events", batch.body[0]).status == 202
    broken = {**batch.body[0], "data": {}}
    refused = send("POST", f"{commerce}/__mock/events", broken)
    assert refused.status == 422
    assert refused.body["errors"][0]["pointer"].startswith("/data/")
    assert send("GET", f"{commerce}/__mock/events/no.Such").status == 404
    assert send("GET", f"{commerce}/__mock/events/{types[0]}?count=5000").status == 400


def test_an_api_of_an_estate_is_served_beside_its_events(commerce: str) -> None:
    answer = send("POST", f"{commerce}/invoices", {"invoice": 7}, Idempotency_Key='"a"')
    assert answer.status in (400, 422)


def test_events_are_pushed_to_an_address(commerce: str) -> None:
    got: list[dict[str, Any]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(202)
            self.end_headers()

        def log_message(self, *parts: Any) -> None: ...

    receiver = HTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{receiver.server_port}/in"
    order = {"type": "orders.OrderPlaced", "url": url, "count": 2}
    answer = send("POST", f"{commerce}/__mock/emit", order)
    receiver.shutdown()
    receiver.server_close()
    assert [one["status"] for one in answer.body["sent"]] == [202, 202]
    assert [one["type"] for one in got] == ["orders.OrderPlaced"] * 2
    unreachable = send("POST", f"{commerce}/__mock/emit", order)
    assert "connect" in unreachable.body["sent"][0]["error"]
    assert send("POST", f"{commerce}/__mock/emit", {**order, "url": "file:///etc/passwd"}).status == 422


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"openapi": "3.1.0",\n "openapi": "3.1.0"}', "contract.json:2  An object has a name twice"),
        ('{"swagger": "2.0"}', "found: Swagger 2.0"),
        ('{"a": 1}', "neither OpenAPI nor JSON Schema"),
        ('{"type": "objekt"}', "contract.json:1"),
        ('{"openapi": "3.1.0", "paths": {"/x": {"$ref": "http://x/y"}}}', "never fetched"),
    ],
)
def test_a_wrong_contract_is_refused_with_its_place(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "contract.json").write_text(content)
    done = command("mock", tmp_path / "contract.json", "--port", "0")
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_taken_port_is_told(shop: str, tmp_path: Path) -> None:
    (tmp_path / "shop.json").write_text(json.dumps(SHOP))
    done = command("mock", tmp_path / "shop.json", "--port", shop.rpartition(":")[2])
    assert done.returncode == 1
    assert "Choose another port" in done.stderr


def test_ports_that_are_none_are_refused() -> None:
    for port in ("99999", "-1", "http"):
        done = command("mock", ESTATE, "--port", port)
        assert done.returncode == 2, done.stderr
        assert "argument --port" in done.stderr


@pytest.mark.parametrize("kind", ["schema", "api"])
def test_references_in_a_circle_are_refused_before_anybody_calls(kind: str, tmp_path: Path) -> None:
    reference = {"$ref": "#/components/schemas/A"}
    content = {"application/json": {"schema": reference}}
    document = {
        "openapi": "3.1.0",
        "info": {"title": "Shop", "version": "1.0.0"},
        "paths": {"/it": {"get": {"responses": {"200": {"description": "It.", "content": content}}}}},
        "components": {"schemas": {"A": {"anyOf": [{"not": reference}]}}},
    }
    file = tmp_path / "circle.json"
    file.write_text(json.dumps(document if kind == "api" else {"$ref": "#"}, indent=1))
    done = command("mock", file)
    assert (done.returncode, "refers to itself" in done.stderr) == (2, True), done.stderr
