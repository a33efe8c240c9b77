"""Draws docs/reference/problems.md from the tree in model/problems.py and the examples here.

python -m interlock.edge.problem_docs docs/reference

A test sends each example to a running edge and compares code and status; another fails for a class without a row.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

from interlock.model.problems import TYPE_PREFIX, Problem, every_problem

EVENT = (
    '{"specversion":"1.0","id":"1","source":"/till","type":"orders.OrderPlaced","data":{"order_id":"A-1","lines":[]}}'
)
CLOUD_EVENT = "content-type: application/cloudevents+json"
JSON = "content-type: application/json"
KEY = 'idempotency-key: "k-1"'
INVOICE = '{"number":"R-1"}'


class Example(NamedTuple):
    """A request that is answered with the problem. `when`: what must be the case besides, in words."""

    line: str
    headers: tuple[str, ...] = ()
    body: str = ""
    when: str = ""


EXAMPLES: dict[str, Example] = {
    "malformed_request": Example("POST /events", (CLOUD_EVENT,), '{"specversion":"1.0"}'),
    "hostile_json": Example("POST /events", (CLOUD_EVENT,), '{"id":"1","id":"2"}'),
    "idempotency_key_missing": Example("POST /invoices", (JSON,), INVOICE),
    "header_limit": Example("GET /health/live", tuple(f"x-{n}: 1" for n in range(5)), when="limits.headers is 5"),
    "not_found": Example("GET /nowhere"),
    "method_not_allowed": Example("DELETE /events"),
    "request_timeout": Example("POST /events", (CLOUD_EVENT, "content-length: 100"), "{", "the rest never comes"),
    "body_too_large": Example("POST /events", (CLOUD_EVENT, "content-length: 100000000")),
    "unsupported_media_type": Example("POST /events", ("content-type: text/csv",), "a,b"),
    "unknown_contract": Example("POST /events", (CLOUD_EVENT,), EVENT.replace("OrderPlaced", "OrderPlacd")),
    "contract_violation": Example("POST /events", (CLOUD_EVENT,), EVENT.replace('"lines"', '"gift":true,"lines"')),
    "idempotency_key_reused": Example(
        "POST /invoices", (JSON, KEY), '{"number":"R-2"}', "the key was used with another body"
    ),
    "rejected": Example("POST /invoices", (JSON, KEY), INVOICE, "the handler calls ctx.reject"),
    "idempotency_key_in_flight": Example("POST /invoices", (JSON, KEY), INVOICE, "the first request still runs"),
    "business_conflict": Example("POST /invoices", (JSON, KEY), INVOICE, "the handler raises it"),
    "unavailable": Example("GET /health/ready", when="the engine is still starting"),
    "too_many_requests": Example("POST /events", (CLOUD_EVENT,), EVENT, "limits.concurrent_requests are in flight"),
    "draining": Example("POST /events", (CLOUD_EVENT,), EVENT, "the engine is stopping"),
    "storage_unavailable": Example("POST /events", (CLOUD_EVENT,), EVENT, "the store does not answer"),
    "storage_full": Example("POST /events", (CLOUD_EVENT,), EVENT, "less than limits.min_free_disk_bytes is free"),
    "unexpected": Example("POST /invoices", (JSON, KEY), INVOICE, "a defect in Interlock"),
}

ELSEWHERE: dict[str, str] = {
    "counter_refused": "In a flow: a failed attempt; runs again at once where the handler had read the counter.",
    "stale_read": "In a flow: the handler runs again at once and spends no attempt.",
    "already_handled": "In the store: the second handling is dropped.",
    "leased_elsewhere": "From `interlock dlq`, when another process has the partition of the dead letter.",
    "target_unavailable": "In a delivery: retried by its schedule.",
    "estate_invalid": "From `interlock check` and at start.",
    "setting_invalid": "From `interlock check` and at start.",
    "already_running": "At start.",
    "events_expired": "Where a flow reads an outside log whose retention was shorter than the flow was behind.",
    "transaction_missing": "In an application that writes to its outbox: nothing was written.",
    "format_unsupported": "At start.",
    "handler_failed": "In a flow: retried, parked, then dead-lettered; see `interlock dlq show`.",
    "diverged": "In a flow: the event that would bring the run on is a dead letter.",
    "fenced": "In the store: this process stops.",
    "storage_corrupt": "At start, or in the store: this process stops.",
    "closed": "Inside, while the process stops.",
}

_HEAD = f"""# Problems

<!-- Made by `python -m interlock.edge.problem_docs docs/reference`; a test compares. Do not edit. -->

Every error answer is a problem document (RFC 9457, `application/problem+json`):

| member | meaning |
|---|---|
| `type` | `{TYPE_PREFIX}` and the code |
| `title`, `status`, `detail` | as in RFC 9457 |
| `code` | the stable code of the tables below |
| `next_step` | what to do about it |
| `errors` | where present, one entry for each wrong place: `pointer`, `detail`, and in a batch the `code` |

A pointer (RFC 6901) leads into the event or the body; in a batch it begins with the index of the event.

What may succeed later carries `Retry-After` in seconds. 'Try again' says whether the same request can succeed later.
"""


def page() -> str:
    """The whole page, as Markdown."""
    tables = [_branch(branch) for branch in Problem.__subclasses__()]
    return _HEAD + "".join(tables) + "\n## Examples\n" + "".join(_example(kind) for kind in every_problem())


def message(example: Example) -> bytes:
    """The example as the bytes that a client sends."""
    headers = ["host: localhost", *example.headers]
    if example.body and not any(header.startswith("content-length") for header in headers):
        headers.append(f"content-length: {len(example.body.encode())}")
    lines = "".join(f"{header}\r\n" for header in headers)
    return f"{example.line} HTTP/1.1\r\n{lines}\r\n{example.body}".encode()


def _branch(branch: type[Problem]) -> str:
    title = branch.title if branch.title.endswith(".") else branch.title + "."
    rows = "".join(_row(kind) for kind in every_problem(branch) if kind is not branch or kind.code in EXAMPLES)
    heading = f"\n## {branch.__name__.removesuffix('Problem')}\n\n{title} {branch.next_step}\n\n"
    return heading + "| code | status | means | try again | next step | where |\n|---|---|---|---|---|---|\n" + rows


def _row(kind: type[Problem]) -> str:
    where = f"[example](#{kind.code})" if kind.code in EXAMPLES else ELSEWHERE[kind.code]
    again = "yes" if kind.retryable else "no"
    return f"| `{kind.code}` | {kind.status} | {kind.title} | {again} | {kind.next_step} | {where} |\n"


def _example(kind: type[Problem]) -> str:
    example = EXAMPLES.get(kind.code)
    if example is None:
        return ""
    when = f" when {example.when}" if example.when else ""
    text = "\n".join((f"{example.line} HTTP/1.1", *example.headers)) + ("\n\n" + example.body if example.body else "")
    return f"\n### {kind.code}\n\nStatus {kind.status}{when}:\n\n```http\n{text}\n```\n"


if __name__ == "__main__":
    (Path(sys.argv[1]) / "problems.md").write_text(page())
