"""API handlers: like event handlers, but somebody waits for the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

import msgspec

from interlock.flows.deadlines import Deadlines
from interlock.flows.effects import Effects
from interlock.flows.limits import FlowLimits
from interlock.flows.run import HANDLERS_OWN
from interlock.flows.tracing import FlowTracing
from interlock.model.clock import Clock
from interlock.model.event import UNPROTECTED, Event
from interlock.model.hashing import DIGEST_BYTES, fingerprint
from interlock.model.ids import Ids
from interlock.model.problems import (
    CounterRefused,
    Draining,
    Fenced,
    HandlerFailed,
    NotFound,
    Problem,
    StaleRead,
    UnavailableProblem,
    to_document,
)
from interlock.model.record import Answer, DeliveryRow
from interlock.model.step import EMPTY, Commit, Step, StepResult
from interlock.ports.state_store import StateStore
from interlock.ports.trace_sink import TraceSink
from interlock.sdk import reply
from interlock.sdk.context import Context
from interlock.sdk.flow import Flow, Handler

MAX_RERUNS = 50
JSON = "application/json"
PROBLEM_JSON = "application/problem+json"


class ApiRunner:
    """Runs the handler, then commits effects and stored answer together. Nothing of a failed run happens."""

    def __init__(
        self,
        flows: Mapping[str, Flow],
        store: StateStore,
        effects: Effects,
        clock: Clock,
        ids: Ids,
        sink: TraceSink,
        limits: FlowLimits,
        on_calls: Callable[[Sequence[DeliveryRow]], None],
    ) -> None:
        self.epoch = 0
        self._store = store
        self._effects = effects
        self._clock = clock
        self._ids = ids
        self._limits = limits
        self._deadlines = Deadlines(clock, limits.handler_seconds)
        self._tracing = FlowTracing(clock, ids, sink)
        self._on_calls = on_calls
        self._handlers: dict[str, tuple[Flow, Handler]] = {
            spec.subject: (flow, spec.handler)
            for flow in flows.values()
            for spec in flow.specs
            if spec.trigger == "api"
        }

    def stop(self) -> None:
        """Time nobody out any more; who is still running goes on to its end."""
        self._deadlines.stop()

    async def call(self, operation: str, body: Any, raw: bytes, scope: str | None, trace: str | None) -> Answer:
        """The handler's answer; a problem that it raised is an answer too, and stored like one.

        `scope` is None for requests without an idempotency key: then nothing is stored. AlreadyHandled when another
        owner stored an answer for the scope meanwhile: read that one. UnavailableProblem when the store failed.
        """
        if operation not in self._handlers:
            raise NotFound(f"No flow answers {operation}.", next_step=f'Write one: @flow.api("{operation}")')
        own, start_us = self._tracing.under(trace), self._clock.now_us()
        for _ in range(MAX_RERUNS):
            context = self._context(operation, raw, own)
            answer, result = await self._run(operation, body, raw, scope, context)
            problem = await self._commit(Step(result=result, answer=answer if scope else None))
            if isinstance(problem, StaleRead) or (isinstance(problem, CounterRefused) and context.counters_read):
                continue  # what the handler had looked at has changed: it decides anew
            if problem is None:
                self._on_calls(result.calls)
            elif isinstance(problem, CounterRefused):
                answer = await self._refused(problem, scope, raw)
            else:
                raise problem
            flow, _handler = self._handlers[operation]
            self._tracing.answered(flow.name, operation, own, trace, start_us, answer.status)
            return answer
        raise HandlerFailed(f"{operation} read values that changed {MAX_RERUNS} times.")

    async def _refused(self, problem: CounterRefused, scope: str | None, raw: bytes) -> Answer:
        """The counter said no: that is the answer, kept without any of the effects."""
        answer = self._answer_of(problem, scope, raw)
        if scope and (failed := await self._commit(Step(answer=answer))) is not None:
            raise failed
        return answer

    def _context(self, operation: str, raw: bytes, trace: str | None) -> Context:
        flow, _handler = self._handlers[operation]
        return Context(flow.name, self._request_event(operation, raw, trace), 0, self._store)

    async def _run(
        self, operation: str, body: Any, raw: bytes, scope: str | None, context: Context
    ) -> tuple[Answer, StepResult]:
        _flow, handler = self._handlers[operation]
        run: Coroutine[Any, Any, Any] = handler(body, context)  # type: ignore[assignment]
        try:
            async with self._deadlines.limit():
                value = await run
            result = self._effects.collect(context, 0)
        except UnavailableProblem:
            raise  # says nothing about the request: kept as its answer, the key would be lost to a passing fault
        except Problem as problem:
            return self._answer_of(problem, scope, raw), EMPTY
        except HANDLERS_OWN as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise  # the caller gives up; else it is the handler's own, and somebody waits for an answer
            failed = HandlerFailed(f"The handler of {operation} raised {type(error).__name__}.")
            return self._answer_of(failed, scope, raw), EMPTY
        said = value if isinstance(value, reply.Answer) else reply.Answer(value)
        return self._answer(said.status, JSON, msgspec.json.encode(said.body), scope, raw), result

    def _request_event(self, operation: str, raw: bytes, trace: str | None) -> Event:
        """The request as a cause: not in the log, since its facts are what it emits.

        Its key is its own: the replies to its calls are in order among themselves, and wait for nobody else's.
        """
        now_us, event_id = self._clock.now_us(), self._ids.new_id()
        key_hash = int.from_bytes(fingerprint(event_id.encode())[:DIGEST_BYTES], "big", signed=True)
        partition = self._effects.partition(key_hash)
        return Event(
            partition, event_id, "api", f"api:{operation}", "1", key_hash, now_us, None, None, trace, b"", None,
            UNPROTECTED, None, raw,
        )  # fmt: skip

    def _answer_of(self, problem: Problem, scope: str | None, raw: bytes) -> Answer:
        return self._answer(problem.status, PROBLEM_JSON, msgspec.json.encode(to_document(problem)), scope, raw)

    def _answer(self, status: int, content_type: str, body: bytes, scope: str | None, raw: bytes) -> Answer:
        now_us = self._clock.now_us()
        expires_us = now_us + int(self._limits.answer_seconds * 1_000_000)
        return Answer(scope or "", fingerprint(raw), self.epoch, now_us, expires_us, status, content_type, body)

    async def _commit(self, step: Step) -> Problem | None:
        done: asyncio.Future[Problem | None] = asyncio.get_running_loop().create_future()

        def finished(outcomes: Sequence[Problem | None] | None, problem: Problem | None) -> None:
            if not done.done():
                done.set_result(problem if outcomes is None else outcomes[0])

        self._store.submit(Commit(self.epoch, [step], [], []), finished)
        problem = await done
        if isinstance(problem, Fenced):  # certain that nothing was stored, and no concern of who asked
            told = "The store has given this process up: it was silent for too long, or was replaced, and joins anew."
            return Draining(told, next_step="Send the request again.", retry_after_seconds=1)
        return problem
