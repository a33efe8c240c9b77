"""A mock's own refusals as problem details (RFC 9457), where the contract declares nothing better."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec

from interlock.contracts.mock.exchange import MockAnswer

PROBLEM_JSON = "application/problem+json"

Headers = tuple[tuple[str, str], ...]


def document(status: int, detail: str, errors: Sequence[dict[str, str]] = ()) -> dict[str, Any]:
    """`type` is about:blank: the status says it all (RFC 9457 section 4.2.1)."""
    made = {"type": "about:blank", "title": phrase(status), "status": status, "detail": detail}
    return {**made, "errors": list(errors)} if errors else made


def refusal(
    status: int, detail: str, errors: Sequence[dict[str, str]] = (), headers: Headers = (), wait_seconds: float = 0.0
) -> MockAnswer:
    body = msgspec.json.encode(document(status, detail, errors))
    return MockAnswer(status, body, PROBLEM_JSON, headers, wait_seconds)


def phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"Status {status}"
