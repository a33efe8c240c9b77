"""What an operator may ask of a running engine, over a Unix socket that only its user can open."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
import orjson
from msgspec import Meta

from interlock.delivery.dead_letter import discard as discard_delivery
from interlock.delivery.dead_letter import redrive as redrive_delivery
from interlock.edge.admission import Admission, no_lag, unlimited_disk
from interlock.edge.exchange import Request, Responder, Response
from interlock.edge.limits import EdgeLimits
from interlock.edge.problem_response import problem_response
from interlock.edge.router import Router
from interlock.edge.server import Server
from interlock.flows.engine import Engine
from interlock.model.clock import Clock
from interlock.model.handling import Mark
from interlock.model.ids import Ids
from interlock.model.problems import MalformedRequest, Problem, Unexpected
from interlock.operate.dead_letters import LARGEST, REASON
from interlock.ports.state_store import StateStore
from interlock.sdk.news import NewsKind

Number = Annotated[int, Meta(ge=0, le=LARGEST)]
N = TypeVar("N")
Act = Callable[[N], Awaitable[dict[str, Any]]]


class DeadLetterName(msgspec.Struct, forbid_unknown_fields=True):
    """Either a mark or a delivery id; `reason` belongs to a discard, and is a code: the record holds no free text."""

    flow: str | None = None
    partition: Number = 0
    position: Number = 0
    generation: Number = 0
    delivery_id: str | None = None
    reason: Annotated[str, Meta(pattern=REASON)] = "discarded"


class ExpiredName(msgspec.Struct, forbid_unknown_fields=True):
    """Where a flow stands; `reason` is a code."""

    flow: str
    partition: Number
    reason: Annotated[str, Meta(pattern=REASON)]


class RunName(msgspec.Struct, forbid_unknown_fields=True):
    """A run, and why it is to be cancelled: a code."""

    run: str
    reason: Annotated[str, Meta(pattern=REASON)] = "cancelled"


class Control:
    """POST /dlq/redrive, /dlq/discard and /expired/discard; POST /runs/pause, /runs/resume and /runs/cancel."""

    def __init__(self, engine: Engine, store: StateStore, clock: Clock, ids: Ids) -> None:
        self._engine = engine
        self._store = store
        self._clock = clock
        self._ids = ids
        router = Router()
        limits = EdgeLimits()
        router.add("POST", "/dlq/redrive", self._route(DeadLetterName, self._redrive))
        router.add("POST", "/dlq/discard", self._route(DeadLetterName, self._discard))
        router.add("POST", "/expired/discard", self._route(ExpiredName, self._discard_expired))
        kinds: tuple[NewsKind, ...] = ("pause", "resume", "cancel")
        for kind in kinds:
            router.add("POST", f"/runs/{kind}", self._route(RunName, partial(self._tell, kind)))
        self._server = Server(router, clock, limits, Admission(limits, no_lag, unlimited_disk))
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, path: Path) -> None:
        await self._server.listen_unix(path)

    async def drain(self, seconds: float) -> None:
        await self._server.drain(seconds)

    def _route(self, kind: type[N], act: Act[N]) -> Callable[[Request, Responder], None]:
        def handle(request: Request, respond: Responder) -> None:
            task = asyncio.get_running_loop().create_task(self._answer(kind, act, request, respond))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        return handle

    async def _answer(self, kind: type[N], act: Act[N], request: Request, respond: Responder) -> None:
        try:
            name = msgspec.json.decode(request.body, type=kind)
            respond(Response(200, orjson.dumps(await act(name))))
        except msgspec.MsgspecError as error:
            respond(problem_response(MalformedRequest(f"{error}.")))
        except Problem as problem:
            respond(problem_response(problem))
        except Exception as error:
            respond(problem_response(Unexpected.of(error)))

    async def _redrive(self, name: DeadLetterName) -> dict[str, Any]:
        if name.delivery_id is not None:
            row = await redrive_delivery(self._store, self._clock, self._ids, self._engine.epoch, name.delivery_id)
            self._engine.on_calls([row])
            return {"redriven": row.id}
        mark = await self._engine.redrive(mark_of(name))
        return {"redriven": "/".join(map(str, mark))}

    async def _tell(self, kind: NewsKind, name: RunName) -> dict[str, Any]:
        run = await self._engine.runs.tell(name.run, kind, name.reason if kind == "cancel" else "")
        return {"told": kind, "run": run.id, "was": run.state.name.lower()}

    async def _discard(self, name: DeadLetterName) -> dict[str, Any]:
        if name.delivery_id is not None:
            await discard_delivery(self._store, self._clock, self._ids, self._engine.epoch, name.delivery_id)
            return {"discarded": name.delivery_id}
        mark = mark_of(name)
        await self._engine.discard(mark, name.reason)
        return {"discarded": "/".join(map(str, mark))}

    async def _discard_expired(self, name: ExpiredName) -> dict[str, Any]:
        return (await self._engine.give_up_expired(name.flow, name.partition, name.reason))._asdict()


def mark_of(name: DeadLetterName) -> Mark:
    if name.flow is None:
        raise MalformedRequest("Name a flow with partition, position and generation, or a delivery_id.")
    return Mark(name.flow, name.partition, name.position, name.generation)
