"""Port: where sampled spans go."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import NamedTuple, Protocol

from interlock.model.trace import span_id_of, trace_id_of


class SpanKind(IntEnum):
    """Values are those of OTLP (opentelemetry.proto.trace.v1, enum SpanKind)."""

    INTERNAL = 1
    SERVER = 2
    CLIENT = 3
    PRODUCER = 4
    CONSUMER = 5


class Span(NamedTuple):
    """A finished span. Ids as in W3C Trace Context, hexadecimal; times in microseconds since the epoch.

    Attributes name things, never payload values. `error` is a code; None for a span that went well.
    """

    trace_id: str
    span_id: str
    parent_id: str | None  # None: the trace begins with this span
    kind: SpanKind
    name: str
    start_us: int
    duration_us: int
    attributes: Mapping[str, str | int]
    error: str | None


class TraceSink(Protocol):
    """Takes spans of sampled traces. Must return at once and never raise; may drop, and counts what it drops."""

    @property
    def recording(self) -> bool:
        """False: nobody collects. Then no span is made, and traceparents are passed on as they came."""
        ...

    @property
    def dropped(self) -> int: ...

    def record(self, span: Span) -> None: ...

    async def close(self) -> None:
        """Write what is buffered, as far as that is possible. Later spans are dropped."""
        ...


def span(
    own: str,
    parent: str | None,
    kind: SpanKind,
    name: str,
    start_us: int,
    end_us: int,
    attributes: Mapping[str, str | int],
    error: str | None = None,
) -> Span:
    """The span of the hop whose traceparent is `own` and which was handed `parent`."""
    parent_id = None if parent is None else span_id_of(parent)
    duration_us = max(0, end_us - start_us)  # the wall clock may be stepped back meanwhile
    return Span(trace_id_of(own), span_id_of(own), parent_id, kind, name, start_us, duration_us, attributes, error)
