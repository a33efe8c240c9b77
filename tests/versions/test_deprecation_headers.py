"""What callers of a deprecated version are told, by a running engine: RFC 9745, RFC 8594, RFC 8288, RFC 5829."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from interlock.contracts.deprecation import parse
from interlock.edge.deprecation_fields import Ending, first
from interlock.estate.new_version import make_version
from interlock.testing.end_with_run import start_server

from .conftest import TODAY, Shop, plan

LINK = "https://docs.example/orders/v1"
# date +%s -d 2026-12-01T00:00Z and date -R, by hand
DEPRECATION, SUNSET = "@1796083200", "Mon, 01 Jun 2099 00:00:00 GMT"
FLOW = """
from interlock import Context, Flow

flow = Flow("state", owner="team-orders")


@flow.api("shop.state")
async def state(data: dict, ctx: Context) -> dict:
    return {"major": 1}


@flow.api("shop.v2.state")
async def state_v2(data: dict, ctx: Context) -> dict:
    return {"major": 2}
"""
API = {
    "openapi": "3.1.0",
    "info": {"title": "Shop", "version": "1.0.0"},
    "x-interlock": {"owner": "team-orders"},
    "paths": {"/state": {"get": {"operationId": "state", "responses": {"200": {"description": "It."}}}}},
}


class Engine:
    """The address of `interlock up`, and what it answers."""

    def __init__(self, url: str) -> None:
        self._url = url

    def send(self, path: str, body: Any = None, kind: str = "application/json") -> tuple[int, dict[str, str], Any]:
        raw = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._url + path, raw, {"content-type": kind} if raw else {})
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, {name.lower(): value for name, value in error.headers.items()}, error.read()

    def event(self, *types: str, **changed: Any) -> tuple[int, dict[str, str]]:
        events = []
        for number, type_ in enumerate(types):
            event = json.loads(self.example)
            event.update(type=type_, id=f"{type_}-{number}-{len(types)}", **changed)
            events.append(event)
        batch = len(events) != 1
        kind = f"application/cloudevents{'-batch' * batch}+json"
        status, headers, _ = self.send("/events", events if batch else events[0], kind)
        return status, headers

    example = ""


@pytest.fixture
def engine(shop: Shop) -> Iterator[Engine]:
    shop.write("contracts/apis/shop/1.0.0.json", json.dumps(API, indent=2))
    shop.write("flows/state.py", FLOW)
    make_version(shop.root, "apis/shop", "major", TODAY)
    make_version(shop.root, "orders.OrderPlaced", "major", TODAY)
    link = f'"{LINK}"'
    shop.write("deprecations.toml", plan(link=link) + plan(contract='"apis/shop"', link=link))
    settings = (shop.root / "interlock.toml").read_text().replace("port = 8700", "port = 0")
    shop.write("interlock.toml", settings)
    assert shop.check() == {}
    Engine.example = (shop.root / "examples/order-placed.json").read_text()
    command = [sys.executable, "-m", "interlock.cli.main", "up", str(shop.root)]
    process = start_server(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        while said and "listening" not in said:
            said = process.stdout.readline()
        found = re.search(r"http://[\d.]+:\d+", said)
        assert found, process.stderr.read() if process.stderr else said
        yield Engine(found.group())
    finally:
        os.kill(process.pid, signal.SIGTERM)
        process.communicate(timeout=30)


def test_both_majors_of_an_api_answer_and_the_old_one_says_that_it_ends(engine: Engine) -> None:
    status, headers, body = engine.send("/state")
    assert (status, json.loads(body)) == (200, {"major": 1})
    assert (headers["deprecation"], headers["sunset"]) == (DEPRECATION, SUNSET)
    assert headers["link"] == (
        f'<{LINK}>; rel="deprecation", <{LINK}>; rel="sunset", </v2/state>; rel="successor-version"'
    )
    status, headers, body = engine.send("/v2/state")
    assert (status, json.loads(body)) == (200, {"major": 2})
    assert not {"deprecation", "sunset", "link"} & headers.keys()


def test_an_accepted_event_of_the_old_type_says_so(engine: Engine) -> None:
    status, headers = engine.event("orders.OrderPlaced")
    assert status == 202
    assert (headers["deprecation"], headers["sunset"]) == (DEPRECATION, SUNSET)
    assert headers["link"] == f'<{LINK}>; rel="deprecation", <{LINK}>; rel="sunset"'
    status, headers = engine.event("orders.OrderPlaced.v2")
    assert status == 202
    assert not {"deprecation", "sunset", "link"} & headers.keys()


def test_a_batch_says_it_once_when_one_of_its_events_is_old(engine: Engine) -> None:
    status, headers = engine.event("orders.OrderPlaced.v2", "orders.OrderPlaced", "orders.OrderPlaced")
    assert (status, headers["deprecation"], headers["sunset"]) == (202, DEPRECATION, SUNSET)
    status, headers = engine.event("orders.OrderPlaced.v2", "orders.OrderPlaced.v2")
    assert status == 202
    assert "sunset" not in headers


def test_of_several_endings_the_first_is_told() -> None:
    """A field stands once in an answer, also in that to a batch."""
    plans, _ = parse(plan(sunset="2099-06-01") + plan(sunset="2098-06-01"))
    later, sooner = map(Ending, plans)
    for endings in ([later, None, sooner], [sooner, later]):
        found = first(endings)
        assert found is sooner
    assert first([None]) is None
