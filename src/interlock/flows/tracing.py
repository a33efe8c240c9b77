"""The spans of handlers. Sampled traces only: for the others, the caller looks once and is done."""

from __future__ import annotations

from interlock.flows.handler_run import HandlerRun
from interlock.model.clock import Clock
from interlock.model.event import Event
from interlock.model.handling import WORDS, HandlingState
from interlock.model.ids import Ids
from interlock.model.problems import Problem
from interlock.model.record import HandlingRow
from interlock.model.step import Step
from interlock.model.trace import child_of, is_sampled
from interlock.ports.trace_sink import SpanKind, TraceSink, span


class FlowTracing:
    """One hop: what a handler emits and calls carries the traceparent of the handler's own span."""

    def __init__(self, clock: Clock, ids: Ids, sink: TraceSink) -> None:
        self._clock = clock
        self._ids = ids
        self._sink = sink
        self._recording = sink.recording

    def under(self, trace: str | None) -> str | None:
        """The traceparent of a new span below `trace`; `trace` itself when it is not sampled or nobody records."""
        if trace is None or not self._recording or not is_sampled(trace):
            return trace
        return child_of(trace, self._ids)

    def enter(self, event: Event) -> Event:
        """The event as its handler sees it: in a span of its own. The same object when that is not sampled."""
        own = self.under(event.trace)
        return event if own is event.trace else event._replace(trace=own)

    def settled(self, run: HandlerRun, step: Step, problem: Problem | None) -> None:
        """The run's span, if it is sampled: then the handler's event is not the one that was read."""
        context, row = run.context, step.handling
        if context is not None and row is not None and context.event is not run.event:
            self.handled(run.event, context.event, row, problem)

    def handled(self, event: Event, inside: Event, row: HandlingRow, problem: Problem | None) -> None:
        """The run's commit ended: with `problem`, or well. `inside` is what `enter` made of the event."""
        outcome = problem.code if problem is not None else WORDS[row.state]
        failed = row.error if row.state is not HandlingState.SKIPPED else None  # a skip's reason is free text
        error = problem.code if problem is not None else failed
        attributes: dict[str, str | int] = {
            "messaging.system": "interlock",
            "messaging.operation.name": "handle",
            "messaging.operation.type": "process",
            "messaging.destination.name": event.type,
            "messaging.destination.partition.id": str(row.partition),
            "messaging.consumer.group.name": row.flow,
            "messaging.message.id": event.id,
            "messaging.message.conversation_id": event.correlation_id,
            "interlock.contract": event.type,
            "interlock.contract.version": event.version,
            "interlock.flow": row.flow,
            "interlock.handler": row.handler,
            "interlock.attempt": row.attempts,
            "interlock.generation": row.generation,
            "interlock.position": row.position,
            "interlock.outcome": outcome,
        }
        if error is not None:
            attributes["error.type"] = error
        name = f"handle {row.flow} {row.handler}"
        own, end_us = inside.trace or "", self._clock.now_us()
        self._sink.record(span(own, event.trace, SpanKind.CONSUMER, name, row.at_us, end_us, attributes, error))

    def answered(self, flow: str, operation: str, own: str | None, parent: str | None, at_us: int, status: int) -> None:
        """An API handler's effects and answer are committed. Nothing to do when `own` is no span of ours."""
        if own is None or own is parent:
            return
        attributes: dict[str, str | int] = {
            "interlock.flow": flow,
            "interlock.handler": operation,
            "interlock.attempt": 1,
            "interlock.outcome": str(status),
        }
        error = str(status) if status >= 500 else None
        if error is not None:
            attributes["error.type"] = error
        name = f"answer {operation}"
        self._sink.record(span(own, parent, SpanKind.INTERNAL, name, at_us, self._clock.now_us(), attributes, error))
