"""What a running provider says beside its answers: values of its states, metadata of its messages; and pending ones."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from interlock.cli.main import main
from interlock.contracts.pact.generators import with_state
from interlock.contracts.pact.matching import Unverifiable
from interlock.contracts.pact.pact_file import Part

from .shop_contract import EXAMPLE, contract
from .test_verify import write


class Provider:
    """Its state has made the order ORD-77 for the tenant t-9; it remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Any, dict[str, str]]] = []
        self.metadata: Any = {"contentType": "application/json", "topic": "orders"}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                raw = self.rfile.read(int(self.headers.get("content-length") or 0))
                sent = json.loads(raw) if raw else None
                headers = {name.lower(): value for name, value in self.headers.items()}
                outer.asked.append((self.command, self.path, sent, headers))
                body: Any = EXAMPLE
                if self.path == "/states":
                    body = {"id": "ORD-77", "tenant": "t-9", "quantity": 3} if sent["action"] == "setup" else {}
                made = json.dumps(body).encode()
                self.send_response(201 if self.command == "POST" and self.path == "/orders" else 200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(made)))
                if self.path == "/messages" and outer.metadata is not None:
                    said = base64.b64encode(json.dumps(outer.metadata).encode()).decode()
                    self.send_header("Pact-Message-Metadata", said)
                self.end_headers()
                self.wfile.write(made)

            do_GET = do_POST = answer

            def log_message(self, *parts: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def provider() -> Iterator[Provider]:
    one = Provider()
    threading.Thread(target=one.server.serve_forever, daemon=True).start()
    yield one
    one.server.shutdown()
    one.server.server_close()


def pact(folder: Path, *interactions: Any) -> Path:
    document = {"consumer": {"name": "c"}, "provider": {"name": "p"}, "interactions": list(interactions)}
    return write(folder, document, "pact.json")


def run(shop: Path, file: Path, provider: Provider, capsys: Any, *more: str) -> tuple[int, Any]:
    addresses = ["--provider", provider.url, "--provider-state-url", f"{provider.url}/states"]
    messages = ["--message-url", f"{provider.url}/messages"]
    code = main(["verify", str(shop), "--pact", str(file), *addresses, *messages, "--json", *more])
    return code, json.loads(capsys.readouterr().out)["pacts"][0]["interactions"]


def from_state(expression: str) -> dict[str, str]:
    return {"type": "ProviderState", "expression": expression}


def test_the_request_has_what_the_state_answered(provider: Provider, tmp_path: Path, capsys: Any) -> None:
    shop = write(tmp_path, contract())
    asks = {
        "type": "Synchronous/HTTP",
        "description": "a read",
        "providerStates": [{"name": "an order exists", "params": {"page": 4}}],
        "request": {
            "method": "GET",
            "path": "/orders/ORD-1",
            "query": {"page": ["1"]},
            "headers": {"X-Tenant": ["t-1"]},
            "generators": {
                "path": from_state("/orders/${id}"),
                "query": {"page[0]": from_state("page")},
                "header": {"X-Tenant": from_state("${tenant}")},
            },
        },
        "response": {"status": 200},
    }
    run(shop, pact(tmp_path, asks), provider, capsys)
    [(_, target, _, headers)] = [one for one in provider.asked if one[0] == "GET"]
    assert (target, headers["x-tenant"]) == ("/orders/ORD-77?page=4", "t-9")


def test_a_body_has_the_values_with_their_types() -> None:
    body = {"id": "x", "lines": [{"quantity": 1, "note": "n"}], "random": 5}
    generators = {
        "body": {
            "$.lines[*].quantity": from_state("${quantity}"),
            "$.id": from_state("order ${id}"),
            "$.random": {"type": "RandomInt", "min": 1, "max": 9},
        }
    }
    made = with_state(Part(body=body, generators=generators), {"id": "ORD-77", "quantity": 3})
    assert made.body == {"id": "order ORD-77", "lines": [{"quantity": 3, "note": "n"}], "random": 5}
    assert body["id"] == "x"
    with pytest.raises(Unverifiable, match="has no quantity"):
        with_state(Part(body=body, generators=generators), {"id": "ORD-77"})


def test_what_the_state_does_not_say_is_no_success(provider: Provider, tmp_path: Path, capsys: Any) -> None:
    asks = {
        "description": "a read",
        "providerState": "an order exists",
        "request": {"method": "GET", "path": "/orders/1", "generators": {"path": from_state("/orders/${number}")}},
        "response": {"status": 200},
    }
    code, [one] = run(write(tmp_path, contract()), pact(tmp_path, asks), provider, capsys)
    assert (code, one["verified"], one["unsupported"]) == (1, False, True)
    assert "has no number" in one["reasons"][0]


MESSAGE = {
    "type": "Asynchronous/Messages",
    "description": "an order",
    "contents": {"content": {"id": "ORD-1"}, "contentType": "application/json", "encoded": False},
    "matchingRules": {
        "body": {"$.id": {"matchers": [{"match": "type"}]}},
        "metadata": {"Topic": {"matchers": [{"match": "regex", "regex": "^ord"}]}},
    },
    "metadata": {"contentType": "application/json", "Topic": "ord-1"},
}


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"topic": "orders"}, ""),
        ({"topic": "returns"}, "the metadata topic is 'returns', expected is regex ^ord"),
        ({"other": "orders"}, "the metadata topic is expected and missing"),
    ],
)
def test_metadata_of_messages(sent: Any, said: str, provider: Provider, tmp_path: Path, capsys: Any) -> None:
    provider.metadata = sent
    code, [one] = run(write(tmp_path, contract()), pact(tmp_path, MESSAGE), provider, capsys)
    assert (code, one["reasons"]) == (1 if said else 0, [said] if said else [])


def test_metadata_that_nobody_tells_is_a_doubt(provider: Provider, tmp_path: Path, capsys: Any) -> None:
    provider.metadata = None
    shop, file = write(tmp_path, contract()), pact(tmp_path, MESSAGE)
    code, [one] = run(shop, file, provider, capsys)
    assert (code, "metadata topic" in one["doubts"][0]) == (0, True)
    assert run(shop, file, provider, capsys, "--strict")[0] == 1


def test_a_pending_interaction_may_fail_and_says_so(tmp_path: Path, capsys: Any) -> None:
    shop = write(tmp_path, contract())
    asks = {
        "description": "what is not there yet",
        "request": {"method": "GET", "path": "/not-there-yet"},
        "response": {"status": 200},
    }
    assert main(["verify", str(shop), "--pact", str(pact(tmp_path, asks))]) == 1
    assert main(["verify", str(shop), "--pact", str(pact(tmp_path, {**asks, "pending": True}))]) == 0
    out = capsys.readouterr().out
    assert "no   what is not there yet (pending: may fail)" in out
    assert "1 of 1 interaction hold" not in out
