"""Sampled traces through the whole engine, read back from the file."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from observability.paying_shop import CALLER, TRACE_ID, VALUE, running, write_estate

from delivery.faulty_target import FaultyTarget, answer

SAMPLED = f"00-{TRACE_ID}-{CALLER}-01"
FILE = ".interlock/spans.jsonl"
SETTINGS = '[trace]\nfile = ".interlock/spans.jsonl"\nsample_ratio = {ratio}'
Span = dict[str, Any]


def spans(root: Path) -> list[Span]:
    """All spans of the file; each line must be one whole request."""
    file = root / FILE
    lines = file.read_text().splitlines() if file.exists() else []
    return [
        span
        for line in lines
        for resource in json.loads(line)["resourceSpans"]
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    ]


def attributes(span: Span) -> dict[str, str]:
    return {entry["key"]: next(iter(entry["value"].values())) for entry in span["attributes"]}


def path_of(span: Span, found: list[Span]) -> list[str]:
    """The names from the outermost span of ours down to this one."""
    by_id = {one["spanId"]: one for one in found}
    parent = by_id.get(span.get("parentSpanId", ""))
    return [*(path_of(parent, found) if parent else []), span["name"]]


async def run(root: Path, *calls: tuple[str, str, str | None], ratio: float = 0) -> FaultyTarget:
    """Post (path, order id, traceparent) one after the other; the target fails once, then takes all."""
    async with FaultyTarget(answer(503), answer(200)) as target:
        write_estate(root, target.url, SETTINGS.format(ratio=ratio))
        async with running(root) as site:
            for path, order_id, trace in calls:
                assert await site.order(path, order_id, **({"traceparent": trace} if trace else {})) == 202
                await site.settled()
    return target


async def test_each_hop_of_an_api_call_is_a_child_of_the_one_before(tmp_path: Path) -> None:
    root = tmp_path / "shop"
    target = await run(root, ("/orders", "1", SAMPLED))
    found = spans(root)
    assert {span["traceId"] for span in found} == {TRACE_ID}
    assert len({span["spanId"] for span in found} | {CALLER}) == len(found) + 1
    assert sorted(path_of(span, found) for span in found) == sorted(
        [
            ["POST /orders"],
            ["POST /orders", "answer shop.placeOrder"],
            ["POST /orders", "answer shop.placeOrder", "handle spending add_to_total"],
            ["POST /orders", "answer shop.placeOrder", "handle paying charge"],
            ["POST /orders", "answer shop.placeOrder", "handle paying charge", "POST payments.charge"],
            ["POST /orders", "answer shop.placeOrder", "handle paying charge", "POST payments.charge"],
            [
                "POST /orders",
                "answer shop.placeOrder",
                "handle paying charge",
                "POST payments.charge",
                "handle paying charged",
            ],
        ]
    )
    assert next(span for span in found if span["name"] == "POST /orders")["parentSpanId"] == CALLER
    calls = [span for span in found if span["name"] == "POST payments.charge"]
    assert [one.headers["traceparent"] for one in target.received] == [
        f"00-{TRACE_ID}-{span['spanId']}-01" for span in calls
    ]
    reply = next(span for span in found if span["name"] == "handle paying charged")
    assert reply["parentSpanId"] == calls[1]["spanId"]  # the attempt that was answered for good


async def test_an_event_goes_through_the_log(tmp_path: Path) -> None:
    root = tmp_path / "shop"
    await run(root, ("/events", "1", SAMPLED))
    found = spans(root)
    handled = next(span for span in found if span["name"] == "handle paying charge")
    assert path_of(handled, found) == ["POST /events", "append orders.OrderPlaced", "handle paying charge"]
    named = attributes(handled)
    expected = {"interlock.contract": "orders.OrderPlaced", "interlock.flow": "paying", "interlock.handler": "charge"}
    assert named | expected | {"interlock.attempt": "1", "interlock.outcome": "done"} == named
    outcomes = [attributes(span)["interlock.outcome"] for span in found if span["name"] == "POST payments.charge"]
    assert outcomes == ["retry", "succeeded"]


async def test_who_is_not_sampled_leaves_no_span_and_passes_its_trace_on(tmp_path: Path) -> None:
    root = tmp_path / "shop"
    unsampled = f"00-{TRACE_ID}-{CALLER}-00"
    target = await run(root, ("/events", "1", unsampled), ("/events", "2", None), ("/orders", "3", unsampled))
    assert spans(root) == []
    carried = [one.headers.get("traceparent") for one in target.received]
    assert carried == [unsampled, unsampled, None, unsampled]


async def test_the_ratio_begins_traces_here(tmp_path: Path) -> None:
    root = tmp_path / "shop"
    await run(root, ("/events", "1", None), ("/orders", "2", None), ratio=1)
    found = spans(root)
    roots = [span["name"] for span in found if "parentSpanId" not in span]
    assert sorted(roots) == ["POST /events", "POST /orders"]
    assert len({span["traceId"] for span in found}) == 2


async def test_without_a_file_traces_go_through_unchanged(tmp_path: Path) -> None:
    root = tmp_path / "shop"
    async with FaultyTarget(answer(200)) as target:
        write_estate(root, target.url, "")
        async with running(root) as site:
            await site.order("/events", traceparent=SAMPLED)
            await site.settled()
    assert [one.headers["traceparent"] for one in target.received] == [SAMPLED]


async def test_failures_are_errors_and_no_value_of_a_payload_is_in_any_span(tmp_path: Path) -> None:
    root = tmp_path / "shop"
    await run(root, ("/events", "1", SAMPLED), ("/events", "skipped", SAMPLED), ("/events", "failing", SAMPLED))
    found = spans(root)
    failed = [span for span in found if span["status"]]
    assert {(span["name"], span["status"]["message"]) for span in failed} == {
        ("handle paying charge", "handler_failed:ValueError"),
        ("POST payments.charge", "503"),
    }
    assert all(span["status"]["code"] == 2 for span in failed)
    outcomes = {attributes(span).get("interlock.outcome") for span in found if span["name"] == "handle paying charge"}
    assert outcomes == {"parked", "skipped", "done"}
    assert VALUE not in (root / FILE).read_text()


async def test_the_lines_are_otlp_json(tmp_path: Path) -> None:
    root = tmp_path / "shop"
    await run(root, ("/events", "1", SAMPLED))
    for span in spans(root):
        assert re.fullmatch("[0-9a-f]{32}", span["traceId"])
        assert re.fullmatch("[0-9a-f]{16}", span["spanId"])
        assert re.fullmatch("[0-9a-f]{16}", span["parentSpanId"])
        assert span["kind"] in (1, 2, 3, 4, 5)
        begun, ended = span["startTimeUnixNano"], span["endTimeUnixNano"]
        assert isinstance(begun, str)
        assert 1.7e18 < int(begun) <= int(ended)
        for entry in span["attributes"]:
            assert set(entry) == {"key", "value"}
            assert all(isinstance(value, str) for value in entry["value"].values())
