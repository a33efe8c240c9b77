"""However the bytes of a connection are cut into reads, they mean the same; and no bytes make the protocol raise."""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.edge.exchange import Request, Responder, Response
from interlock.edge.http_protocol import HttpProtocol
from interlock.edge.limits import EdgeLimits
from interlock.edge.router import Router
from interlock.edge.server import Server
from interlock.testing.fake_clock import FakeClock
from tests.edge.wire import get, post

LIMITS = EdgeLimits(body_bytes=300, header_bytes=600, headers=8)
MESSAGES = [
    post("/echo", b"abc"),
    post("/echo", b"a longer body"),
    post("/echo", b"\r\n\r\nGET /echo HTTP/1.1\r\nhost: t\r\n\r\n"),
    post("/echo", b"abc", x_id="1"),
    post("/nowhere", b"abc"),
    post("/echo", b"up", connection="upgrade", upgrade="h2c"),
    get("/echo"),
    get("/echo", "HEAD"),
    get("/echo?q=1"),
    b"POST /echo HTTP/1.1\r\nhost: t\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nt: 1\r\n\r\n",
]
ENDINGS = [
    b"",
    b"\x00",
    b"GET /echo HTTP/1.1\r\n\r\n",
    post("/echo", b"x" * 301),
    get("/" + "a" * 700),
    post("/echo", b"last", connection="close") + get("/echo"),
]


class Wire:
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        self.written = b""
        self.closing = False

    def write(self, data: bytes) -> None:
        assert not self.closing
        self.written += data

    def close(self) -> None:
        self.closing = True

    def is_closing(self) -> bool:
        return self.closing

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.closing = True

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


def run(reads: list[bytes]) -> tuple[list[Any], bytes, int]:
    """What was served and answered, and how many requests were left in flight."""
    served: list[Any] = []

    def echo(request: Request, respond: Responder) -> None:
        served.append((request.method, request.target, sorted(request.headers.items()), request.body))
        respond(Response(200, request.body, "text/plain"))

    router = Router()
    router.add("POST", "/echo", echo)
    router.add("GET", "/echo", echo)
    server = Server(router, FakeClock(), LIMITS)
    protocol, wire = HttpProtocol(server), Wire()
    protocol.connection_made(wire)  # type: ignore[arg-type]
    for data in reads:
        protocol.data_received(data)
    protocol.connection_lost(None)
    assert server.admission.collecting == 0
    return served, wire.written, server.admission.in_flight


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    edges = sorted({0, len(stream), *(place % (len(stream) + 1) for place in places)})
    return [stream[begin:end] for begin, end in itertools.pairwise(edges)]


@settings(deadline=None, max_examples=300)
@given(
    st.lists(st.sampled_from(MESSAGES), max_size=6),
    st.sampled_from(ENDINGS),
    st.lists(st.integers(0, 1 << 20), max_size=8),
)
def test_cuts_do_not_matter(messages: list[bytes], ending: bytes, places: list[int]) -> None:
    stream = b"".join(messages) + ending
    whole = run([stream])
    assert run(cut(stream, places)) == whole
    assert run([*messages, ending]) == whole, "one message a read: the way on which known heads are used"
    assert run([bytes([byte]) for byte in stream]) == whole
    assert whole[2] == 0


@settings(deadline=None, max_examples=300)
@given(st.lists(st.binary(max_size=60) | st.sampled_from(MESSAGES), max_size=5), st.lists(st.integers(0, 1 << 20)))
def test_no_bytes_make_the_protocol_raise(parts: list[bytes], places: list[int]) -> None:
    served, written, in_flight = run(cut(b"".join(parts), places))
    assert in_flight == 0
    assert not written or written.startswith(b"HTTP/1.1 ")
    assert len(served) <= written.count(b"HTTP/1.1 200") + written.count(b"HTTP/1.1 4")
