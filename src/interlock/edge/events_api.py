"""POST /events: CloudEvents in, durable events in the log, and only then the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import orjson

from interlock.contracts.strict_json import parse
from interlock.edge.cloudevents import BATCH, FAMILY, HEADER_PREFIX, MAX_ERRORS, STRUCTURED, from_headers
from interlock.edge.counters import Counters
from interlock.edge.deprecation_fields import event_endings, first
from interlock.edge.event_intake import EventIntake
from interlock.edge.exchange import Request, Responder, Response
from interlock.edge.limits import EdgeLimits
from interlock.edge.media_type import is_json, media_type
from interlock.edge.problem_response import problem_response
from interlock.edge.refusals import Refusals
from interlock.edge.traceparent import Sampler
from interlock.edge.tracing import EdgeTracing
from interlock.model.clock import Clock
from interlock.model.event import Appended, Event
from interlock.model.ids import Ids
from interlock.model.problems import BodyTooLarge, MalformedRequest, Problem, Unexpected, UnsupportedMediaType
from interlock.ports.event_log import EventLog
from interlock.ports.trace_sink import TraceSink

if TYPE_CHECKING:
    from interlock.estate.estate import Estate

ACCEPTED = 202
ROUTE = "/events"


class EventsApi:
    """Validates each event against its contract and appends: one event, or a batch as a whole."""

    def __init__(
        self,
        estate: Estate,
        log: EventLog,
        clock: Clock,
        ids: Ids,
        limits: EdgeLimits,
        counters: Counters,
        refusals: Refusals,
        sink: TraceSink | None = None,
    ) -> None:
        self._event = EventIntake(estate, log).event
        self._endings = event_endings(estate)
        self._log = log
        self._clock = clock
        self._tracing = EdgeTracing(Sampler(ids, limits.sample_ratio), clock, ids, sink)
        self._limits = limits
        self._counters = counters
        self._refusals = refusals

    def post(self, request: Request, respond: Responder) -> None:
        """Handler of POST /events. See `Handler`."""
        content_type = request.headers.get("content-type", "")
        # The media type as almost everybody spells it needs no parsing.
        media = content_type if content_type == STRUCTURED else self._media(request, content_type)
        if media == BATCH:
            self._post_batch(request, respond)
            return
        document = parse(request.body, self._limits.json_depth)
        if media != STRUCTURED:
            document = from_headers(request.headers, document)
        trace, respond = self._tracing.serve(request.headers.get("traceparent"), "POST", ROUTE, respond)
        try:
            event = self._event(document, trace, self._clock.now_us())
        except Problem as problem:
            self._counters.problems[problem.code] += 1
            self._record(problem, document)
            respond(problem_response(problem))
            return
        if self._endings:
            respond = self._ending((event,), respond)

        def done(appended: Sequence[Appended] | None, problem: Problem | None) -> None:
            if appended is None:
                respond(self._failed(problem))
            else:
                respond(Response(ACCEPTED, orjson.dumps(self._receipt(event, appended[0]))))

        if event.trace is None:
            self._log.append((event,), done)
        else:
            self._log.append(*self._tracing.publish((event,), done))

    def _post_batch(self, request: Request, respond: Responder) -> None:
        documents = parse(request.body, self._limits.json_depth)
        if type(documents) is not list:
            raise MalformedRequest("A batch is a JSON array of events.")
        if len(documents) > self._limits.batch_events:
            limit = self._limits.batch_events
            raise BodyTooLarge(
                f"The batch holds {len(documents)} events, more than {limit}.",
                next_step="Send smaller batches, or raise limits.batch_events.",
            )
        trace, respond = self._tracing.serve(request.headers.get("traceparent"), "POST", ROUTE, respond)
        events, problem = self._events(documents, trace)
        if problem is not None:
            self._counters.problems[problem.code] += 1
            respond(problem_response(problem))
            return
        if not events:
            respond(Response(ACCEPTED, b"[]"))
            return
        if self._endings:
            respond = self._ending(events, respond)

        def done(appended: Sequence[Appended] | None, problem: Problem | None) -> None:
            if appended is None:
                respond(self._failed(problem))
            else:
                receipts = [self._receipt(event, place) for event, place in zip(events, appended, strict=True)]
                respond(Response(ACCEPTED, orjson.dumps(receipts)))

        self._log.append(*self._tracing.publish(events, done))

    def _events(self, documents: list[Any], trace: str | None) -> tuple[list[Event], Problem | None]:
        """The events of a batch, and one problem that lists what is wrong with each of the others."""
        now_us = self._clock.now_us()
        events: list[Event] = []
        refused: list[tuple[int, Problem]] = []
        for index, document in enumerate(documents):
            try:
                events.append(self._event(document, trace, now_us))
            except Problem as problem:
                refused.append((index, problem))
                self._record(problem, document)
        return events, _batch_problem(refused, len(documents)) if refused else None

    def _ending(self, events: Sequence[Event], respond: Responder) -> Responder:
        """Says with the answer when the type ends; of a batch, what ends first."""
        ending = first(self._endings.get(event.type) for event in events)
        return respond if ending is None else ending.on(respond)

    def _media(self, request: Request, content_type: str) -> str:
        media = media_type(content_type)
        if media in (STRUCTURED, BATCH):
            return media
        if media.startswith(FAMILY):
            raise UnsupportedMediaType(f"Of the CloudEvents formats, JSON is taken: {STRUCTURED} and {BATCH}.")
        if not any(name.startswith(HEADER_PREFIX) for name in request.headers):
            raise UnsupportedMediaType(
                f"This is no CloudEvent: send {STRUCTURED}, {BATCH}, or the attributes as ce- headers."
            )
        if not is_json(media):
            raise UnsupportedMediaType("In binary mode, data of the type application/json or +json is taken.")
        return media

    def _receipt(self, event: Event, appended: Appended) -> dict[str, str]:
        if appended.duplicate:
            self._counters.duplicates += 1
            return {"id": event.id, "status": "duplicate"}
        self._counters.accepted += 1
        return {"id": event.id, "status": "accepted"}

    def _failed(self, problem: Problem | None) -> Response:
        """The log refused: nothing was appended."""
        problem = problem or Unexpected("The log refused without a reason.")
        self._counters.problems[problem.code] += 1
        return problem_response(problem)

    def _record(self, problem: Problem, document: Any) -> None:
        """Under what it claimed to be, as far as that can be read."""
        claimed: Mapping[str, Any] = document if type(document) is dict else {}
        contract, source = claimed.get("type"), claimed.get("source")
        self._refusals.record(
            problem.code,
            contract if type(contract) is str else "",
            source if type(source) is str else "",
            str(problem.errors[0].get("pointer", "")) if problem.errors else "",
            self._clock.now_us(),
        )


def _batch_problem(refused: list[tuple[int, Problem]], total: int) -> Problem:
    """The class of the first problem; entries of all, each with its own code."""
    first = refused[0][1]
    errors: list[dict[str, Any]] = []
    for index, problem in refused:
        entries = problem.errors or ({"pointer": "", "detail": problem.detail},)
        for entry in entries:
            errors.append({**entry, "pointer": f"/{index}{entry.get('pointer', '')}", "code": problem.code})
    detail = f"{len(refused)} of {total} events are refused, so none of the batch is taken. The first: {first.detail}"
    return type(first)(detail, next_step=first.step, errors=errors[:MAX_ERRORS])
