"""Serves mocks on the HTTP front end: every path goes to the contracts, those under /__mock to the mock itself.

GET    /__mock                       what is mocked
DELETE /__mock/state                 forget everything that was created
GET    /__mock/events/TYPE?count=N   example events (CloudEvents, a batch when count is given); dynamic=true
POST   /__mock/events                hold a CloudEvent to its contract: 202 or 422
POST   /__mock/emit                  {"type", "url", "count", "dynamic"}: send example events to an address
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec

from interlock.contracts.mock.api_mock import ApiMock
from interlock.contracts.mock.content import NoContent
from interlock.contracts.mock.event_mock import MAX_EVENTS, EventMock
from interlock.contracts.mock.exchange import MockAnswer, MockRequest
from interlock.contracts.mock.refusal import refusal
from interlock.contracts.strict_json import parse
from interlock.edge.exchange import NO_PARAMS, Request, Responder, Response
from interlock.edge.router import Match, Route, Router
from interlock.model.clock import Clock
from interlock.model.problems import CallerProblem, TargetUnavailable
from interlock.ports.http_client import HttpClient

OWN = "/__mock"
ANYBODY = ("access-control-allow-origin", "*")
EVENT_JSON = "application/cloudevents+json"
BATCH_JSON = "application/cloudevents-batch+json"
EMIT_SECONDS = 10.0
_DEPTH = 64


class MockRouter(Router):
    """Every method and path has one handler: what they mean, the contracts say."""

    def __init__(self, mock: MockApi) -> None:
        super().__init__()
        self._mock = mock

    def find(self, method: bytes, target: bytes) -> Match:
        path, _, query = target.decode("latin-1").partition("?")
        return Match(Route(method.decode("latin-1"), path, self._mock.handle, True), path, query, NO_PARAMS)


class MockApi:
    """The first API whose paths fit answers."""

    def __init__(self, apis: Sequence[ApiMock], events: EventMock, clock: Clock, client: HttpClient) -> None:
        self._apis = apis
        self._events = events
        self._clock = clock
        self._client = client
        self._emitted = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def router(self) -> MockRouter:
        return MockRouter(self)

    def handle(self, request: Request, respond: Responder) -> None:
        """A `Handler`. What has to wait, waits in a task of its own."""
        asked = MockRequest(request.method, request.path, request.query, request.headers, request.body)
        if asked.path == f"{OWN}/emit" and asked.method == "POST":
            self._later(self._emit(asked, respond))
            return
        is_own = asked.path == OWN or asked.path.startswith(f"{OWN}/")
        answer = self._own(asked) if is_own else self._mocked(asked)
        if answer.wait_seconds > 0:
            self._later(self._held_back(answer, respond))
        else:
            respond(_response(answer))

    def _mocked(self, request: MockRequest) -> MockAnswer:
        api = next((one for one in self._apis if one.serves(request.path)), None)
        if api is None:
            return refusal(404, f"No contract declares {request.path}. See what is mocked: GET {OWN}")
        return api.answer(request)

    def _own(self, request: MockRequest) -> MockAnswer:
        words = [unquote(word) for word in request.path.removeprefix(OWN).strip("/").split("/")]
        match (request.method, *words):
            case ("GET", ""):
                return _json(200, self._index())
            case ("DELETE", "state"):
                for api in self._apis:
                    api.memory.shelf.clear()
                self._emitted = 0
                return MockAnswer(204)
            case ("GET", "events"):
                return _json(200, {"types": sorted(self._events.schemas)})
            case ("GET", "events", name):
                return self._examples(name, dict(parse_qsl(request.query)))
            case ("POST", "events"):
                return self._received(request)
        return refusal(404, f"{request.method} {request.path} is nothing that this mock does. See: GET {OWN}")

    def _index(self) -> dict[str, Any]:
        apis = [
            {"title": one.api.title, "version": one.api.version, "operations": [op.name for op in one.api.operations]}
            for one in self._apis
        ]
        held = sum(len(one.memory.shelf) for one in self._apis)
        return {"apis": apis, "events": sorted(self._events.schemas), "held": held}

    def _examples(self, name: str, query: dict[str, str]) -> MockAnswer:
        if name not in self._events.schemas:
            return refusal(404, f"There is no event {name}; there are: {', '.join(sorted(self._events.schemas))}.")
        count = _count(query.get("count", "1"))
        if count is None:
            return refusal(400, f"count is a number from 1 to {MAX_EVENTS}.")
        try:
            made = self._events.events(name, count, query.get("dynamic") == "true")
        except NoContent as nothing:
            return refusal(500, str(nothing))
        if "count" in query:
            return MockAnswer(200, msgspec.json.encode(made), BATCH_JSON)
        return MockAnswer(200, msgspec.json.encode(made[0]), EVENT_JSON)

    def _received(self, request: MockRequest) -> MockAnswer:
        try:
            event = parse(request.body, _DEPTH)
        except CallerProblem as problem:
            return refusal(problem.status, f"{problem.detail} {problem.step}", [dict(one) for one in problem.errors])
        name = event.get("type") if isinstance(event, dict) else None
        if not isinstance(name, str) or name not in self._events.schemas:
            return refusal(422, f"No contract of the type {name}; there are: {', '.join(self._events.schemas)}.")
        lacking = [one for one in ("specversion", "id", "source") if not isinstance(event.get(one), str)]
        errors = [{"pointer": f"/{one}", "detail": "is required and missing"} for one in lacking]
        errors += [
            {"pointer": "/data" + one["pointer"], "detail": one["detail"]}
            for one in self._events.errors(name, event.get("data"))
        ]
        if errors:
            return refusal(422, f"The event breaks {name}.", errors)
        return _json(202, {"id": event["id"], "status": "accepted"})

    async def _emit(self, request: MockRequest, respond: Responder) -> None:
        try:
            order = msgspec.json.decode(request.body, type=_Order)
        except msgspec.MsgspecError as error:
            respond(_response(refusal(422, f"The order cannot be read: {error}.")))
            return
        if order.type not in self._events.schemas or not order.url.startswith(("http://", "https://")):
            known = ", ".join(sorted(self._events.schemas))
            respond(_response(refusal(422, f"type is one of {known}, url an address of http or https.")))
            return
        try:
            made = self._events.events(order.type, order.count, order.dynamic, self._emitted)
        except NoContent as nothing:
            respond(_response(refusal(500, str(nothing))))
            return
        self._emitted += len(made)
        results = [await self._sent(order.url, event) for event in made]
        respond(_response(_json(200, {"sent": results})))

    async def _sent(self, url: str, event: dict[str, Any]) -> dict[str, Any]:
        body = msgspec.json.encode(event)
        try:
            answer = await self._client.send("POST", url, {"content-type": EVENT_JSON}, body, EMIT_SECONDS)
        except TargetUnavailable as problem:
            return {"id": event["id"], "error": problem.detail}
        return {"id": event["id"], "status": answer.status}

    async def _held_back(self, answer: MockAnswer, respond: Responder) -> None:
        await self._clock.sleep(answer.wait_seconds)
        respond(_response(answer))

    def _later(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class _Order(msgspec.Struct, forbid_unknown_fields=True):
    """What POST /__mock/emit takes."""

    type: str
    url: str
    count: int = 1
    dynamic: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.count <= MAX_EVENTS:
            raise ValueError(f"count is a number from 1 to {MAX_EVENTS}")


def _count(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) <= 4 and 1 <= int(text) <= MAX_EVENTS else None


def _json(status: int, document: Any) -> MockAnswer:
    return MockAnswer(status, msgspec.json.encode(document))


def _response(answer: MockAnswer) -> Response:
    return Response(answer.status, answer.body, answer.content_type or "text/plain", (*answer.headers, ANYBODY))
