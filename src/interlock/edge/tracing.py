"""The edge's spans: one for the request, one for each event that it puts into the log. Sampled traces only."""

from __future__ import annotations

from collections.abc import Sequence

from interlock.edge.exchange import Responder, Response
from interlock.edge.traceparent import Sampler
from interlock.model.clock import Clock
from interlock.model.event import Appended, Event
from interlock.model.ids import Ids
from interlock.model.problems import Problem
from interlock.model.trace import child_of, is_sampled
from interlock.ports.event_log import AppendDone
from interlock.ports.trace_sink import SpanKind, TraceSink, span


class EdgeTracing:
    """Who is not sampled passes through here at the cost of one look. Without a recording sink, all pass through."""

    def __init__(self, sampler: Sampler, clock: Clock, ids: Ids, sink: TraceSink | None) -> None:
        self._sampler = sampler
        self._clock = clock
        self._ids = ids
        self._sink = sink if sink is not None and sink.recording else None

    def serve(self, header: str | None, method: str, route: str, respond: Responder) -> tuple[str | None, Responder]:
        """The traceparent for what the request leads to, and how to answer it. `header` is the traceparent as sent."""
        trace = self._sampler.choose(header)
        sink = self._sink
        if trace is None or sink is None or not is_sampled(trace):
            return trace, respond
        began_here = not self._sampler.continues(header)
        own = trace if began_here else child_of(trace, self._ids)
        parent = None if began_here else trace
        start_us = self._clock.now_us()

        def answer(response: Response) -> None:
            status = response.status
            attributes: dict[str, str | int] = {
                "http.request.method": method,
                "http.route": route,
                "http.response.status_code": status,
            }
            error = str(status) if status >= 500 else None  # a caller's mistake is no error of the server's span
            if error is not None:
                attributes["error.type"] = error
            name = f"{method} {route}"
            sink.record(span(own, parent, SpanKind.SERVER, name, start_us, self._clock.now_us(), attributes, error))
            respond(response)

        return own, answer

    def publish(self, events: Sequence[Event], done: AppendDone) -> tuple[Sequence[Event], AppendDone]:
        """The events with the traceparents under which they are handled, and what to call when they are durable."""
        sink = self._sink
        if sink is None or not any(event.trace is not None and is_sampled(event.trace) for event in events):
            return events, done
        traced = [self._publishing(event) for event in events]

        def appended(places: Sequence[Appended] | None, problem: Problem | None) -> None:
            now_us = self._clock.now_us()
            for index, (before, event) in enumerate(zip(events, traced, strict=True)):
                if event is not before:
                    self._published(sink, before, event, places[index] if places else None, problem, now_us)
            done(places, problem)

        return traced, appended

    def _publishing(self, event: Event) -> Event:
        if event.trace is None or not is_sampled(event.trace):
            return event
        return event._replace(trace=child_of(event.trace, self._ids))

    def _published(
        self,
        sink: TraceSink,
        before: Event,
        event: Event,
        place: Appended | None,
        problem: Problem | None,
        now_us: int,
    ) -> None:
        attributes: dict[str, str | int] = {
            "messaging.system": "interlock",
            "messaging.operation.name": "append",
            "messaging.operation.type": "send",
            "messaging.destination.name": event.type,
            "messaging.destination.partition.id": str(event.partition),
            "messaging.message.id": event.id,
            "messaging.message.conversation_id": event.correlation_id,
            "interlock.contract": event.type,
            "interlock.contract.version": event.version,
            "interlock.outcome": _outcome(place, problem),
        }
        if place is not None:
            attributes["interlock.position"] = place.position
        error = problem.code if problem is not None else None
        if error is not None:
            attributes["error.type"] = error
        own, name = event.trace or "", f"append {event.type}"
        sink.record(span(own, before.trace, SpanKind.PRODUCER, name, event.time_us, now_us, attributes, error))


def _outcome(place: Appended | None, problem: Problem | None) -> str:
    if place is None:
        return problem.code if problem else "unknown"
    return "duplicate" if place.duplicate else "accepted"
