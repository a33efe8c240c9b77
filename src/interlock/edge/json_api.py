"""JSON APIs from the estate's OpenAPI documents: checked input, and one answer for each Idempotency-Key."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from interlock.contracts.strict_json import parse
from interlock.edge.counters import Counters
from interlock.edge.deprecation_fields import operation_ending
from interlock.edge.exchange import Request, Responder, Response
from interlock.edge.idempotency import HEADER, REPLAYED, InFlight, key_of, same_body, scope_of
from interlock.edge.limits import EdgeLimits
from interlock.edge.media_type import is_json, media_type
from interlock.edge.problem_response import problem_response
from interlock.edge.router import Router
from interlock.edge.traceparent import Sampler
from interlock.edge.tracing import EdgeTracing
from interlock.model.clock import Clock
from interlock.model.hashing import fingerprint
from interlock.model.ids import Ids
from interlock.model.problems import AlreadyHandled, MalformedRequest, Problem, Unexpected, UnsupportedMediaType
from interlock.model.record import Answer
from interlock.ports.state_store import StateStore
from interlock.ports.trace_sink import TraceSink

if TYPE_CHECKING:
    from interlock.contracts.api_contract import ApiOperation
    from interlock.estate.estate import Estate

log = logging.getLogger(__name__)


class ApiEngine(Protocol):
    """What runs the handler of an operation. The flows room provides it."""

    async def call_api(self, operation: str, body: Any, raw: bytes, scope: str | None, trace: str | None) -> Answer:
        """Run the handler and commit. With a `scope`, the answer is stored in the same commit.

        `raw` is what `Answer.fingerprint` stands for.
        """
        ...


class JsonApi:
    """Serves the operations. A caller that goes away does not stop the handler: its answer is stored all the same."""

    def __init__(
        self,
        estate: Estate,
        store: StateStore,
        engine: ApiEngine,
        clock: Clock,
        ids: Ids,
        limits: EdgeLimits,
        counters: Counters,
        refused: Callable[[Problem, str], None],
        sink: TraceSink | None = None,
    ) -> None:
        self._estate = estate
        self._store = store
        self._engine = engine
        self._clock = clock
        self._tracing = EdgeTracing(Sampler(ids, limits.sample_ratio), clock, ids, sink)
        self._limits = limits
        self._counters = counters
        self._refused = refused
        self._in_flight = InFlight()
        self._tasks: set[asyncio.Task[None]] = set()

    def attach(self, router: Router) -> None:
        """Serve each operation at its method and path."""
        for operation in self._estate.apis.values():
            router.add(operation.method, operation.path, self._handler(operation))

    def _handler(self, operation: ApiOperation) -> Callable[[Request, Responder], None]:
        ending = operation_ending(self._estate, operation)

        def handle(request: Request, respond: Responder) -> None:
            if ending is not None:
                respond = ending.on(respond)
            try:
                body = self._body(operation, request)
                scope = self._claim(operation, request)
            except Problem as problem:
                respond(self._refusal(operation, problem))
                return
            task = asyncio.get_running_loop().create_task(self._run(operation, request, body, scope, respond))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        return handle

    def _claim(self, operation: ApiOperation, request: Request) -> str | None:
        """The scope of the request's Idempotency-Key, which is ours until it is released; None without a key."""
        key = key_of(request.headers.get(HEADER), required=operation.idempotency_required)
        if key is None:
            return None
        scope = scope_of(request.method, request.target, key)
        self._in_flight.claim(scope, fingerprint(request.body))
        return scope

    def _refusal(self, operation: ApiOperation, problem: Problem) -> Response:
        self._refused(problem, operation.name)
        return problem_response(problem)

    def _body(self, operation: ApiOperation, request: Request) -> Any:
        """The checked body, None when there is none, with the values of path variables as further members."""
        body = self._parsed(operation, request)
        if not request.params:
            return body
        twice = sorted(set(request.params) & set(body or {})) if body is None or isinstance(body, dict) else [""]
        if twice:
            errors = [{"pointer": f"/{name}" if name else "", "detail": "stands in the path too"} for name in twice]
            raise MalformedRequest("Path variables and body do not fit together.", errors=errors)
        return {**request.params, **(body or {})}

    def _parsed(self, operation: ApiOperation, request: Request) -> Any:
        if not request.body:
            if operation.body_required:
                raise MalformedRequest("This operation requires a body.", next_step="Send a JSON body.")
            return None
        if not is_json(media_type(request.headers.get("content-type", ""))):
            raise UnsupportedMediaType("This operation takes application/json.")
        body = parse(request.body, self._limits.json_depth)
        operation.check(body)
        return body

    async def _run(
        self, operation: ApiOperation, request: Request, body: Any, scope: str | None, respond: Responder
    ) -> None:
        header = request.headers.get("traceparent")
        trace, respond = self._tracing.serve(header, operation.method, operation.path, respond)
        try:
            response = await self._answer(operation, request, body, scope, trace)
        except Problem as problem:
            response = self._refusal(operation, problem)
        except Exception:
            log.exception("the operation %s failed", operation.name)
            response = self._refusal(operation, Unexpected("The request met a defect in Interlock."))
        finally:
            if scope is not None:
                self._in_flight.release(scope)
        respond(response)

    async def _answer(
        self, operation: ApiOperation, request: Request, body: Any, scope: str | None, trace: str | None
    ) -> Response:
        stored = await self._stored(request, scope)
        if stored is not None:
            return stored
        try:
            answer = await self._engine.call_api(operation.name, body, request.body, scope, trace)
        except AlreadyHandled:
            # Another process answered this key between our look and our commit: its answer is the one.
            stored = await self._stored(request, scope)
            if stored is None:
                raise
            return stored
        return Response(answer.status, answer.body, answer.content_type)

    async def _stored(self, request: Request, scope: str | None) -> Response | None:
        if scope is None:
            return None
        stored = await self._store.answer(scope, self._clock.now_us())
        if stored is None:
            return None
        same_body(stored.fingerprint, fingerprint(request.body))
        self._counters.replayed += 1
        return Response(stored.status, stored.body, stored.content_type, (REPLAYED,))
