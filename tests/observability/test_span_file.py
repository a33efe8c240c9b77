"""The file sink: bounded, off the event loop, and silent about its own troubles."""

from __future__ import annotations

import asyncio
import json
import stat
import threading
from pathlib import Path

import pytest

from interlock.adapters.null_sink import NullSink
from interlock.adapters.span_file import LINE_SPANS, SpanFile
from interlock.ports.trace_sink import Span, SpanKind, span
from interlock.testing.seeded_ids import SeededIds

IDS = SeededIds(1)


def some(name: str = "handle") -> Span:
    own, parent = IDS.trace_parent(), IDS.trace_parent()
    return span(own, parent, SpanKind.CONSUMER, name, 1_000_000, 1_000_250, {"a": "b", "n": 7}, "broken")


def sink_at(path: Path, **limits: float) -> SpanFile:
    return SpanFile(path, {"service.name": "shop"}, "0.1.0", flush_seconds=0.01, **limits)  # type: ignore[arg-type]


def names(path: Path) -> list[str]:
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return [one["name"] for line in lines for one in line["resourceSpans"][0]["scopeSpans"][0]["spans"]]


async def test_one_line_holds_one_request(tmp_path: Path) -> None:
    path = tmp_path / "deep/spans.jsonl"
    sink, one = sink_at(path), some()
    sink.record(one)
    await sink.close()
    assert json.loads(path.read_text()) == {
        "resourceSpans": [
            {
                "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]},
                "scopeSpans": [
                    {
                        "scope": {"name": "interlock", "version": "0.1.0"},
                        "spans": [
                            {
                                "traceId": one.trace_id,
                                "spanId": one.span_id,
                                "parentSpanId": one.parent_id,
                                "flags": 1,
                                "name": "handle",
                                "kind": 5,
                                "startTimeUnixNano": "1000000000",
                                "endTimeUnixNano": "1000250000",
                                "attributes": [
                                    {"key": "a", "value": {"stringValue": "b"}},
                                    {"key": "n", "value": {"intValue": "7"}},
                                ],
                                "status": {"code": 2, "message": "broken"},
                            }
                        ],
                    }
                ],
            }
        ]
    }
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_all_are_written_in_order_and_appended_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "spans.jsonl"
    wanted = [str(number) for number in range(LINE_SPANS * 2 + 10)]
    for part in (wanted[:300], wanted[300:]):
        sink = sink_at(path)
        for name in part:
            sink.record(some(name))
        await sink.close()
        assert sink.dropped == 0
    assert names(path) == wanted


async def test_beyond_the_bound_spans_are_dropped_and_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writing, go_on = threading.Event(), threading.Event()
    append = SpanFile._append

    def slow(sink: SpanFile, line: bytes) -> None:
        writing.set()
        assert go_on.wait(5)
        append(sink, line)

    monkeypatch.setattr(SpanFile, "_append", slow)
    path = tmp_path / "spans.jsonl"
    sink = sink_at(path, limit_spans=10)
    sink.record(some("first"))
    assert await asyncio.to_thread(writing.wait, 5)  # the disk holds up the thread, not the loop
    for _ in range(25):
        sink.record(some("later"))
    go_on.set()
    await sink.close()
    assert (names(path), sink.dropped) == (["first"] + ["later"] * 10, 15)


@pytest.mark.parametrize("trouble", ["a folder", "full"])
async def test_a_file_that_cannot_be_written_costs_spans_and_nothing_else(
    tmp_path: Path, trouble: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path if trouble == "a folder" else tmp_path / "spans.jsonl"
    sink = sink_at(path, limit_bytes=100)
    for _ in range(3):
        sink.record(some())
        await asyncio.sleep(0.05)
    await sink.close()
    sink.record(some())  # too late
    assert sink.dropped == 4
    assert [record.msg for record in caplog.records] == ["trace.file_failed"]  # once


async def test_it_recovers(tmp_path: Path) -> None:
    path = tmp_path / "spans.jsonl"
    path.mkdir()
    sink = sink_at(path)
    sink.record(some("lost"))
    for _ in range(500):
        if not sink.dropped:
            await asyncio.sleep(0.01)
    path.rmdir()
    sink.record(some("kept"))
    await sink.close()
    assert (names(path), sink.dropped) == (["kept"], 1)


async def test_nobody_records_into_nothing() -> None:
    sink = NullSink()
    sink.record(some())
    assert (sink.recording, sink.dropped) == (False, 1)


def test_a_clock_that_was_stepped_back_gives_no_negative_span() -> None:
    own = IDS.trace_parent()
    assert span(own, None, SpanKind.SERVER, "x", 2_000, 1_000, {}).duration_us == 0
