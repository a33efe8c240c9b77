"""Spans as lines of a file, for an OpenTelemetry Collector or any reader of OTLP to take up.

The format is that of the OpenTelemetry specification, 'Protocol: File Exporter': each line is one
ExportTraceServiceRequest in OTLP's JSON encoding, where ids are hexadecimal, enums are numbers and 64-bit integers
are text (OTLP 1.x, 'JSON Protobuf Encoding').
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from interlock.ports.trace_sink import Span

log = logging.getLogger(__name__)
FLUSH_SECONDS = 1.0
LINE_SPANS = 256
_STATUS_ERROR = 2  # opentelemetry.proto.trace.v1, enum Status.StatusCode
_SAMPLED = 1  # Span.flags, bit 0


class SpanFile:
    """Appends to one file from a thread of its own. Spans are lost, and counted, in a crash, beyond `limit_spans`
    that wait, beyond `limit_bytes` of the file, and while the file cannot be written."""

    def __init__(
        self,
        path: Path,
        resource: Mapping[str, str | int],
        version: str,
        *,
        limit_spans: int = 8192,
        limit_bytes: int = 1 << 30,
        flush_seconds: float = FLUSH_SECONDS,
    ) -> None:
        self._path = path
        self._resource = {"attributes": attributes_of(resource)}
        self._scope = {"name": "interlock", "version": version}
        self._limit_spans = limit_spans
        self._limit_bytes = limit_bytes
        self._flush_seconds = flush_seconds
        self._waiting: deque[Span] = deque()
        self._refused = 0  # counted on the event loop's thread
        self._lost = 0  # counted on the writing thread
        self._failing = False
        self._closed = False
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._write_for_ever, name="interlock-spans", daemon=True)
        self._thread.start()

    @property
    def recording(self) -> bool:
        return True

    @property
    def dropped(self) -> int:
        return self._refused + self._lost

    def record(self, span: Span) -> None:
        if self._closed or len(self._waiting) >= self._limit_spans:
            self._refused += 1
            return
        self._waiting.append(span)
        if len(self._waiting) == self._limit_spans // 2:
            self._wake.set()

    async def close(self) -> None:
        self._closed = True
        self._wake.set()
        await asyncio.get_running_loop().run_in_executor(None, self._thread.join)

    def _write_for_ever(self) -> None:
        while not self._closed:
            self._wake.wait(self._flush_seconds)
            self._wake.clear()
            self._write()
        self._write()

    def _write(self) -> None:
        """Write all that waits. A failure costs the spans of its line, never the thread."""
        while spans := self._take():
            try:
                self._append(self.line(spans))
            except Exception as error:
                self._lost += len(spans)
                if not self._failing:
                    log.warning("trace.file_failed", extra={"kind": type(error).__name__})
                self._failing = True
            else:
                self._failing = False

    def _take(self) -> list[Span]:
        return [self._waiting.popleft() for _ in range(min(len(self._waiting), LINE_SPANS))]

    def _append(self, line: bytes) -> None:
        """Opened for each flush, so that whoever rotates the file needs to tell nobody."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with open(descriptor, "ab") as file:
            if file.tell() + len(line) > self._limit_bytes:
                raise OSError("The file is full.")
            file.write(line)

    def line(self, spans: Sequence[Span]) -> bytes:
        """One ExportTraceServiceRequest, with its line break."""
        scoped = {"scope": self._scope, "spans": [otlp_of(span) for span in spans]}
        request = {"resourceSpans": [{"resource": self._resource, "scopeSpans": [scoped]}]}
        return json.dumps(request, separators=(",", ":")).encode() + b"\n"


def otlp_of(span: Span) -> dict[str, Any]:
    """opentelemetry.proto.trace.v1.Span."""
    made: dict[str, Any] = {
        "traceId": span.trace_id,
        "spanId": span.span_id,
        "flags": _SAMPLED,
        "name": span.name,
        "kind": int(span.kind),
        "startTimeUnixNano": f"{span.start_us}000",
        "endTimeUnixNano": f"{span.start_us + span.duration_us}000",
        "attributes": attributes_of(span.attributes),
        "status": {} if span.error is None else {"code": _STATUS_ERROR, "message": span.error},
    }
    return made if span.parent_id is None else made | {"parentSpanId": span.parent_id}


def attributes_of(values: Mapping[str, str | int]) -> list[dict[str, Any]]:
    """opentelemetry.proto.common.v1.KeyValue, in the order given."""
    return [{"key": name, "value": _value(value)} for name, value in values.items()]


def _value(value: str | int) -> dict[str, str]:
    return {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}
