"""The HTTP face of one service: verify, honour the idempotency key, have bad luck."""

from __future__ import annotations

import asyncio
import time

from aiohttp import web

from demo.systems.books import Answer, Books, Decide
from demo.systems.faults import Fault, Luck
from demo.systems.signature import BadSignature, SignatureVerifier

USUAL_SECONDS = 0.005
SLOW_SECONDS = 0.4
HANG_SECONDS = 3.0
BODY_BYTES = 4 * 1024 * 1024


class Service:
    """SQLite calls run on the event loop: they take microseconds, and effects stay one after the other."""

    def __init__(self, books: Books, luck: Luck, verifier: SignatureVerifier) -> None:
        self._books = books
        self._luck = luck
        self._verifier = verifier

    def application(self, routes: dict[str, Decide]) -> web.Application:
        application = web.Application(client_max_size=BODY_BYTES)
        for path, decide in routes.items():
            application.router.add_post(path, self._handler(decide))
        return application

    def _handler(self, decide: Decide):  # type: ignore[no-untyped-def]
        async def handle(request: web.Request) -> web.StreamResponse:
            return await self._serve(request, decide)

        return handle

    async def _serve(self, request: web.Request, decide: Decide) -> web.StreamResponse:
        raw = await request.read()
        self._books.count("requests")
        try:
            webhook = self._verifier.verify(request.headers, raw, time.time())
        except BadSignature as bad:
            self._books.count("bad_signature")
            return _render(Answer(401, {"detail": str(bad)}))
        key = request.headers.get("Idempotency-Key", "").strip('"')
        if not key:
            return _render(Answer(400, {"detail": "Idempotency-Key is missing"}))
        fault = self._luck.draw(key)
        self._books.count(fault)
        if fault is Fault.ERROR:
            return _render(Answer(500, {"detail": "something broke"}))
        if fault is Fault.BUSY:
            return _render(Answer(503, {"detail": "busy"}), {"Retry-After": "0"})
        answer = self._books.perform(key, webhook, raw, decide)
        return await self._deliver(request, fault, answer)

    async def _deliver(self, request: web.Request, fault: Fault, answer: Answer) -> web.StreamResponse:
        if fault is Fault.LOST_ANSWER and request.transport is not None:
            request.transport.close()
        delays = {Fault.SLOW: SLOW_SECONDS, Fault.HANG: HANG_SECONDS}
        await asyncio.sleep(delays.get(fault, USUAL_SECONDS))
        return _render(answer)


def _render(answer: Answer, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response(answer.body, status=answer.status, headers=headers)
