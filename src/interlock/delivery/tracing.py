"""The spans of outside calls: one for each attempt. Sampled traces only."""

from __future__ import annotations

from urllib.parse import urlsplit

from interlock.delivery.request import Target
from interlock.delivery.settlement import Tried
from interlock.delivery.targets import subject_of
from interlock.model.ids import Ids
from interlock.model.record import DeliveryRow
from interlock.model.trace import child_of, is_sampled
from interlock.ports.trace_sink import SpanKind, TraceSink, span


class DeliveryTracing:
    """What goes out carries the traceparent of its attempt, and so does the reply event."""

    def __init__(self, ids: Ids, sink: TraceSink | None) -> None:
        self._ids = ids
        self._sink = sink if sink is not None and sink.recording else None

    def under(self, trace: str | None) -> str | None:
        """The traceparent of a new attempt; `trace` itself when it is not sampled or nobody records."""
        if trace is None or self._sink is None or not is_sampled(trace):
            return trace
        return child_of(trace, self._ids)

    def attempted(self, row: DeliveryRow, target: Target | None, tried: Tried, outcome: str) -> None:
        """The outcome is durable. The span covers the call alone."""
        if self._sink is None or tried.trace is None or tried.trace is row.trace:
            return
        attributes: dict[str, str | int] = {
            "interlock.flow": row.flow,
            "interlock.handler": row.step,
            "interlock.system": row.system,
            "interlock.operation": subject_of(row),
            "interlock.delivery": row.id,
            "interlock.attempt": row.attempts + 1,
            "interlock.outcome": outcome,
            "messaging.message.conversation_id": row.correlation,
            "http.request.resend_count": row.attempts,
        }
        if target is not None:
            attributes["http.request.method"] = target.method
            attributes["server.address"] = urlsplit(target.url).hostname or ""
        if tried.answer is not None:
            attributes["http.response.status_code"] = tried.answer.status
        error = _error(tried)
        if error is not None:
            attributes["error.type"] = error
        name = f"{target.method if target else 'call'} {subject_of(row)}"
        end_us = tried.at_us + tried.duration_us
        self._sink.record(span(tried.trace, row.trace, SpanKind.CLIENT, name, tried.at_us, end_us, attributes, error))


def _error(tried: Tried) -> str | None:
    """OpenTelemetry's HTTP client spans: every 4xx and 5xx is an error, named by its status."""
    if tried.answer is None:
        return tried.error
    return str(tried.answer.status) if tried.answer.status >= 400 else None
