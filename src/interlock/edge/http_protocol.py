"""HTTP/1.1 (RFC 9112) for one connection, on httptools (llhttp in its strict mode).

Three rules hold the design together:
1. Answers leave in the order of the requests: each request has an Exchange in a queue; `flush` sends from its front.
2. No Task and no timer per request: handlers answer by callback, the server's tick looks for slow and idle peers.
3. After a framing error nothing that follows on the connection can be trusted: answer, close, read no more.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

import httptools

from interlock.edge.exchange import Exchange, Request, Response
from interlock.edge.head_rules import (
    NAMES,
    body_limit,
    coding_fault,
    collected_limit,
    framing_fault,
    header_limit,
    repeat,
    without_upgrade,
)
from interlock.edge.known_heads import Head
from interlock.edge.problem_response import problem_response
from interlock.edge.response_writer import CONTINUE
from interlock.edge.router import Match
from interlock.model.problems import (
    MalformedRequest,
    MethodNotAllowed,
    Problem,
    RequestTimeout,
)

if TYPE_CHECKING:
    from interlock.edge.server import Server

log = logging.getLogger(__name__)

LINGER_US = 2_000_000
END_OF_HEAD = b"\r\n\r\n"
CLOSE = b"connection: close\r\n"
KEEP_ALIVE = b"connection: keep-alive\r\n"


class _Stop(Exception):
    """Ends parsing from inside a parser callback; the reason is in `_fatal`."""


class HttpProtocol(asyncio.Protocol):
    """One connection."""

    # fmt: off
    __slots__ = (
        "_admission", "_body", "_collected_bytes", "_collecting", "_continue", "_eof", "_fatal", "_find", "_headers",
        "_held", "_in_body", "_in_head", "_known", "_limits", "_lost", "_match", "_messages", "_method", "_more_lines",
        "_parser", "_paused_us", "_queue", "_read_bytes", "_reading", "_refusal", "_render", "_since_us", "_split",
        "_stopped", "_switching", "_transport", "_url", "_write_paused", "server",
    )
    # fmt: on

    def __init__(self, server: Server) -> None:
        self.server = server
        self._limits = server.limits
        self._admission = server.admission
        self._find = server.router.find
        self._render = server.writer.render
        self._transport: asyncio.Transport
        self._parser = httptools.HttpRequestParser(self)
        self._queue: deque[Exchange] = deque()
        self._url = b""
        self._method = b""
        self._headers: dict[str, str] = {}
        self._known = server.known.heads
        self._messages = 0  # completed within the read that goes on
        self._more_lines = 0  # header lines that are no entry of their own in `_headers`
        self._collected_bytes = 0  # of a head, in reads that lie wholly within it
        self._split = False  # the head began in an earlier read
        self._read_bytes = 0
        self._collecting = 0  # bytes of a body that has not come to its end
        self._body: bytes | bytearray = b""
        self._match: Match  # valid where there is no refusal
        self._refusal: Problem | None = None  # answered once the body has passed by
        self._fatal: Problem | None = None  # answered at once; the connection ends with it
        self._in_head = False  # between the first byte and the end of the head
        self._in_body = False  # between the end of the head and that of the message
        self._held = False  # this message holds a place among the requests in flight
        self._continue = False  # the peer waits for 100 Continue
        self._switching = False  # the peer asked to upgrade the connection
        self._stopped = False  # read no more requests
        self._eof = False  # the peer sends no more
        self._lost = False
        self._reading = True
        self._write_paused = False
        self._paused_us = 0
        self._since_us = server.now_us  # begin of the message being read, or of the idle time

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        refusal = self.server.opened(self)
        if refusal is not None:
            self._refuse_and_stop(refusal)

    def data_received(self, data: bytes) -> None:
        between = not (self._in_head or self._in_body or self._stopped)
        if between:
            end = data.find(END_OF_HEAD) + len(END_OF_HEAD)
            head = self._known.get(data[:end])
            if head is not None and len(data) == end + head.body_bytes:
                self._serve_known(head, data[end:])
                return
        self._messages = 0
        self._read(data)
        clean = not (self._in_head or self._in_body or self._stopped)
        if between and clean and self._messages == 1 and self._refusal is None:
            self.server.known.learn(data, self._method, self._url, self._headers, self._match)

    def _read(self, data: bytes) -> None:
        while data and not self._stopped:
            begun = self._headers if self._in_head else None
            self._read_bytes = len(data)
            try:
                self._parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                data = self._without_upgrade(data[upgrade.args[0] :])
                continue
            except httptools.HttpParserError as error:
                if not self._stopped:
                    self._refuse_and_stop(self._fatal or MalformedRequest(f"This is no HTTP/1.1 request: {error}."))
                return
            self._split = self._in_head
            if self._in_head and self._headers is begun:
                # All of it belongs to a head that goes on. The parser hands a header over only when it is whole:
                # bound what it may collect meanwhile.
                self._collected_bytes += len(data)
                if self._collected_bytes > 2 * self._limits.header_bytes:
                    self._refuse_and_stop(header_limit(self._limits))
            return

    def eof_received(self) -> bool:
        """The peer will send no more. Answers under way still go out."""
        self._eof = True
        if self._in_head or self._in_body:
            self._refuse_and_stop(MalformedRequest("The request ended in the middle."))
        if self._queue:
            self._stopped = True
            self._queue[-1].close = True
            return True
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self._lost = True
        self._stopped = True
        self._release()
        self._queue.clear()
        self.server.closed(self)

    def pause_writing(self) -> None:
        """The peer does not read its answers: take no more requests from it."""
        self._write_paused = True
        self._paused_us = self.server.now_us
        self._gate()

    def resume_writing(self) -> None:
        self._write_paused = False
        self._gate()

    def on_message_begin(self) -> None:
        self._url = self._method = b""
        self._headers = {}
        self._more_lines = self._collected_bytes = 0
        self._body = b""
        self._in_head = True
        self._since_us = self.server.now_us

    def on_url(self, url: bytes) -> None:
        self._url = self._url + url if self._url else url

    def on_header(self, name: bytes, value: bytes) -> None:
        headers = self._headers
        key = NAMES.get(name)
        if key is None or key in headers or self._in_body:
            self._on_other_header(key or name.decode("latin-1").lower(), value.decode("latin-1"))
        else:
            headers[key] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._in_body = True
        if self._parser.should_upgrade():
            self._switching = True
            return
        self._method = self._parser.get_method()
        headers = self._headers
        limits = self._limits
        if len(headers) + self._more_lines > limits.headers:
            raise self._stop(header_limit(self._limits))
        # A head that stands in one short read cannot be too long: mostly, nothing needs to be counted.
        if self._split or self._read_bytes > limits.header_bytes:
            total = len(self._url) + sum(len(name) + len(value) for name, value in headers.items())
            if total > limits.header_bytes:
                raise self._stop(header_limit(self._limits))
        length = headers.get("content-length")
        if length is not None and int(length) > limits.body_bytes:
            raise self._stop(body_limit(self._limits))
        if "transfer-encoding" in headers or "host" not in headers:
            fault = framing_fault(headers, self._parser.get_http_version())
            if fault is not None:
                raise self._stop(fault)
        self._refusal = self._admit(headers)
        self._held = True
        self._admission.in_flight += 1
        if "expect" in headers:
            self._expected(headers["expect"])

    def on_body(self, data: bytes) -> None:
        self._collecting += len(data)
        self._admission.collecting += len(data)
        if self._collecting > self._limits.body_bytes:
            raise self._stop(body_limit(self._limits))
        if self._admission.collecting > self._limits.collected_bytes:
            raise self._stop(collected_limit())
        if not self._body:
            self._body = data
        elif isinstance(self._body, bytearray):
            self._body += data
        else:
            self._body = bytearray(self._body) + data

    def on_message_complete(self) -> None:
        if self._switching:
            return
        self._admission.collecting -= self._collecting
        self._collecting = 0
        self._in_body = False
        self._held = False  # from here on the exchange holds the place
        self._messages += 1
        self._since_us = self.server.now_us
        close = not self._parser.should_keep_alive()
        headers = self._headers
        exchange = Exchange(self, self._method == b"HEAD", KEEP_ALIVE if "connection" in headers else b"", close)
        self._stopped = close
        self._serve(exchange, headers, self._body if type(self._body) is bytes else bytes(self._body))
        self._body = b""

    def answered(self, body_bytes: int) -> None:
        """An exchange got its answer: a place is free, and its front of the queue can leave."""
        self._admission.in_flight -= 1
        self._admission.unanswered_bytes -= body_bytes
        if not self._lost:
            self.flush()

    def flush(self) -> None:
        """Send every answer whose predecessors have been sent."""
        queue = self._queue
        while queue:
            exchange = queue[0]
            response = exchange.response
            if response is None:
                break
            queue.popleft()
            close = exchange.close or (self._admission.draining and not queue and not self._in_body)
            self._write(response, exchange, close)
            if close:
                self._end()
                return
        if self._continue and not queue:
            self._continue = False
            self._transport.write(CONTINUE)
        if not self._reading:
            self._gate()

    def sweep(self, now_us: int, request_us: int, idle_us: int) -> None:
        """End what takes too long: a slow sender, a peer that reads nothing, an idle connection."""
        waited = now_us - self._since_us
        if self._stopped and not self._queue:
            if waited > (request_us if self._fatal is None else LINGER_US):
                self.abort()
        elif self._write_paused and now_us - self._paused_us > request_us:
            self.abort()
        elif self._in_head or self._in_body:
            if waited > request_us and self._reading and not self._stopped:
                self._refuse_and_stop(RequestTimeout("The request did not arrive within limits.request_seconds."))
        elif not self._queue and waited > idle_us:
            self._transport.close()

    def drain(self) -> None:
        """Close now if nothing is under way; otherwise the last answer closes."""
        if not (self._queue or self._in_head or self._in_body or self._stopped):
            self._stopped = True
            self._transport.close()

    def abort(self) -> None:
        """Drop the connection; what was not sent is lost."""
        self._lost = True
        self._transport.abort()

    def _serve_known(self, head: Head, body: bytes) -> None:
        """A whole request whose head was read before, byte for byte."""
        self._since_us = self.server.now_us
        self._url = head.target
        self._match = head.match
        self._refusal = self._admission.refusal() if head.match.route.guarded else None
        self._admission.in_flight += 1
        self._serve(Exchange(self, head.head_only, b"", False), head.headers, body)

    def _serve(self, exchange: Exchange, headers: Mapping[str, str], body: bytes) -> None:
        queue = self._queue
        queue.append(exchange)
        exchange.body_bytes = len(body)
        self._admission.unanswered_bytes += exchange.body_bytes
        if self._refusal is not None:
            exchange.respond(self._problem(self._refusal))
            return
        route, path, query, params = self._match
        try:
            route.handler(Request(route.method, path, query, headers, body, params), exchange.respond)
        except Problem as problem:
            exchange.respond(self._problem(problem))
        except Exception:
            log.exception("the handler of %s %s raised", route.method, route.template)
            exchange.respond(self.server.unexpected())
        if len(queue) >= self._limits.pipelined_requests:
            self._gate()

    def _problem(self, problem: Problem) -> Response:
        allow = (("allow", self.server.router.allowed(self._url)),) if isinstance(problem, MethodNotAllowed) else ()
        self.server.refused(problem)
        return problem_response(problem, allow)

    def _on_other_header(self, key: str, text: str) -> None:
        """A header that is not one of the usual, or is there again, or stands in the trailer section."""
        headers = self._headers
        limits = self._limits
        again = headers.get(key, "")
        if len(headers) + self._more_lines >= limits.headers or len(again) + len(text) > limits.header_bytes:
            raise self._stop(header_limit(self._limits))
        if self._in_body:
            self._more_lines += 1  # trailers (RFC 9110 section 6.5.1) may be discarded, but not without a bound
        elif key not in headers:
            headers[key] = text
        else:
            self._more_lines += 1
            fault = repeat(headers, key, text)
            if fault is not None:
                raise self._stop(fault)

    def _admit(self, headers: dict[str, str]) -> Problem | None:
        """Choose the route; a problem when there is none, or when the request may not come in."""
        try:
            match = self._match = self._find(self._method, self._url)
        except Problem as problem:
            return problem
        if match.route.guarded:
            refusal = self._admission.refusal()
            if refusal is not None:
                return refusal
        return coding_fault(headers) if "content-encoding" in headers else None

    def _expected(self, expectation: str) -> None:
        """RFC 9110 section 10.1.1: let the body come, or say no before it is sent."""
        if expectation.lower() != "100-continue" or self._parser.get_http_version() != "1.1":
            return
        if self._refusal is not None:
            raise self._stop(self._refusal)
        if self._queue:
            self._continue = True
        else:
            self._transport.write(CONTINUE)

    def _without_upgrade(self, rest: bytes) -> bytes:
        """The same message again for a new parser: llhttp takes all that follows an upgrade for the other protocol."""
        self._switching = False
        self._in_body = False
        method = self._parser.get_method()
        if method == b"CONNECT":
            self._refuse_and_stop(MethodNotAllowed("This server is no proxy.", next_step="Send the request itself."))
            return b""
        self._parser = httptools.HttpRequestParser(self)
        return without_upgrade(method, self._url, self._headers) + rest

    def _stop(self, problem: Problem) -> _Stop:
        self._fatal = problem
        return _Stop()

    def _refuse_and_stop(self, problem: Problem) -> None:
        """Answer with `problem` after all earlier answers, and read no more."""
        self._stopped = True
        self._fatal = problem
        self._in_head = self._in_body = self._continue = False
        self._release()
        self._since_us = self.server.now_us
        exchange = Exchange(self, self._method == b"HEAD", b"", True)
        self._queue.append(exchange)
        self._admission.in_flight += 1  # `answered` gives it back
        exchange.respond(self._problem(problem))

    def _write(self, response: Response, exchange: Exchange, close: bool) -> None:
        connection = CLOSE if close else exchange.keep_alive
        try:
            message = self._render(response, exchange.head_only, connection)
        except Problem as problem:
            log.error("an answer could not be sent: %s", problem)
            message = self._render(problem_response(problem), exchange.head_only, connection)
        self._transport.write(message)

    def _end(self) -> None:
        """Half-close and wait for the peer: a reset, due to bytes that nobody read, could destroy the answer."""
        self._stopped = True
        self._since_us = self.server.now_us
        self._queue.clear()
        if not self._reading:
            self._reading = True
            self._transport.resume_reading()
        if self._fatal is not None and not self._eof and self._transport.can_write_eof():
            self._transport.write_eof()
        else:
            self._transport.close()

    def _gate(self) -> None:
        """Read only while the peer takes its answers and has not too many requests queued."""
        wanted = not self._write_paused and len(self._queue) < self._limits.pipelined_requests
        if wanted == self._reading or self._transport.is_closing():
            return
        self._reading = wanted
        if wanted:
            self._since_us = self.server.now_us  # that the peer had to wait is no fault of its own
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

    def _release(self) -> None:
        self._admission.collecting -= self._collecting
        self._collecting = 0
        if self._held:
            self._held = False
            self.server.release()
