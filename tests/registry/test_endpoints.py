"""The table of endpoints is what is served, and what the page says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from interlock.contracts.avro.rules import RULES
from interlock.edge.exchange import Request
from interlock.edge.registry_api import RegistryApi
from interlock.edge.registry_docs import page
from interlock.edge.registry_endpoints import ABSENT, ENDPOINTS, Absent, Endpoint
from interlock.registry.compatibility import ERROR_TYPES
from interlock.registry.refusal import REFUSALS
from tests.registry.served import Served

ROOT = Path(__file__).parents[2]
SCHEMA: dict[str, Any] = {"schema": '{"type":"object"}', "schemaType": "JSON"}
BODIES = {"config": {"compatibility": "FULL"}, "mode": {"mode": "READWRITE"}}


def filled(path: str) -> str:
    values = {"subject": "a", "version": "1", "id": "1", "context": ".", "guid": "x"}
    return re.sub(r"\{(\w+)\}", lambda match: values[match[1]], path)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda one: f"{one.method} {one.path}")
def test_each_endpoint_answers(endpoint: Endpoint) -> None:
    with Served() as served:
        served.ask("POST", "/subjects/a/versions", SCHEMA)
        for path, body in BODIES.items():
            served.ask("PUT", f"/{path}/a", body)
        body = BODIES.get(endpoint.path.split("/")[1], SCHEMA) if endpoint.method in ("POST", "PUT") else None
        answer = served.ask(endpoint.method, filled(endpoint.path), body)
        assert answer.status == 200, answer.body


@pytest.mark.parametrize("absent", ABSENT, ids=lambda one: f"{one.method} {one.path}")
def test_what_is_said_to_be_absent_is_absent(absent: Absent) -> None:
    with Served() as served:
        served.ask("POST", "/subjects/a/versions", SCHEMA)
        body = SCHEMA if absent.method == "POST" else None
        answer = served.ask(absent.method, filled(absent.path), body)
        assert (answer.status, answer.code) in ((404, 404), (405, 405))


def test_the_page_is_made_from_the_table() -> None:
    assert (ROOT / "docs/reference/registry.md").read_text(encoding="utf-8") == page(), "run: make docs"


def test_every_refusal_is_raised_somewhere() -> None:
    texts = [path.read_text() for path in (ROOT / "src/interlock").rglob("*.py") if path.name != "refusal.py"]
    names = re.findall(
        r"^([A-Z_]+) = RefusalKind", (ROOT / "src/interlock/registry/refusal.py").read_text(), re.MULTILINE
    )
    assert len(names) == len(REFUSALS)
    assert [name for name in names if not any(re.search(rf"\b{name}\(", text) for text in texts)] == []


def test_error_types_name_rules_that_break() -> None:
    breaking = {rule.id for rule in RULES if rule.effect == "breaking"}
    assert set(ERROR_TYPES) <= breaking


class Office:
    """A guard: the header says who, and only `clerk` writes."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str]] = []

    def principal(self, request: Request) -> str | None:
        return request.headers.get("x-name")

    def allows(self, principal: str, action: str, subject: str) -> bool:
        self.asked.append((principal, action, subject))
        return action in ("read", "check") or principal == "clerk"


def test_a_guard_is_asked_before_anything_else() -> None:
    guard = Office()
    with Served(guard=guard) as served:
        nobody = served.get("/subjects")
        assert (nobody.status, nobody.code) == (401, 40101)
        visitor = served.ask("POST", "/subjects/a/versions", b"{not even JSON", x_name="visitor")
        assert (visitor.status, visitor.code) == (403, 40301)
        assert "visitor may not do this (write) to a" in visitor.body["message"]
        assert served.ask("POST", "/subjects/a/versions", SCHEMA, x_name="clerk").status == 200
        assert served.get("/subjects/a/versions", x_name="visitor").body == [1]
        assert served.ask("DELETE", "/subjects/a", x_name="visitor").code == 40301
        assert served.ask("PUT", "/config", {"compatibility": "NONE"}, x_name="visitor").code == 40301
        assert served.get("/contexts/.c/subjects/a/versions", x_name="visitor").code == 40401
    assert guard.asked[0] == ("visitor", "write", "a")
    assert ("visitor", "delete", "a") in guard.asked
    assert ("visitor", "config:write", "global") in guard.asked
    assert guard.asked[-1] == ("visitor", "read", ":.c:a")


def test_every_handler_has_an_endpoint() -> None:
    handlers = {name for name in vars(RegistryApi) if re.fullmatch(r"_[a-z]+(_[a-z]+)*", name)}
    inner = {"_serve", "_answer", "_place", "_id", "_found", "_meant"}
    assert handlers - inner == {f"_{endpoint.handler}" for endpoint in ENDPOINTS}
