"""The HTTP server on raw sockets: order, limits, hostile bytes, and what becomes of the connection."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from interlock.adapters.system import SystemClock
from interlock.edge.admission import Admission
from interlock.edge.exchange import Request, Responder, Response
from interlock.edge.limits import EdgeLimits
from interlock.edge.router import Router
from interlock.edge.server import Server
from interlock.model.problems import Rejected
from tests.edge.wire import Peer, get, post

LIMITS = EdgeLimits(
    body_bytes=1000,
    headers=10,
    header_bytes=2000,
    concurrent_requests=4,
    request_seconds=0.5,
    idle_seconds=1.0,
    pipelined_requests=3,
)


class Site:
    """A server whose /late requests are answered when the test says so."""

    def __init__(self, limits: EdgeLimits) -> None:
        self.requests: list[Request] = []
        self.late: list[Responder] = []
        self.router = Router()
        self.router.add("POST", "/echo", self.echo)
        self.router.add("GET", "/echo", self.echo)
        self.router.add("POST", "/late", self.wait)
        self.router.add("POST", "/broken", self.broken)
        self.router.add("POST", "/rejects", self.rejects)
        self.router.add("GET", "/open", self.echo, guarded=False)
        self.router.add("GET", "/big", self.big)
        self.router.add("GET", "/things/{thing}/parts/{part}", self.echo)
        self.disk = 1 << 60
        self.lag = 0
        admission = Admission(limits, lambda: self.lag, lambda: self.disk)
        self.server = Server(self.router, SystemClock(), limits, admission)
        self.port = 0

    def echo(self, request: Request, respond: Responder) -> None:
        self.requests.append(request)
        respond(Response(200, request.body or request.target.encode(), "text/plain"))

    def wait(self, request: Request, respond: Responder) -> None:
        self.requests.append(request)
        self.late.append(respond)

    def broken(self, request: Request, respond: Responder) -> None:
        raise KeyError("secret")

    def rejects(self, request: Request, respond: Responder) -> None:
        raise Rejected("no", "Not this one.")

    def big(self, request: Request, respond: Responder) -> None:
        respond(Response(200, b"x" * 30_000_000, "text/plain"))

    async def peer(self) -> Peer:
        return await Peer.connect(self.port)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not condition():  # noqa: ASYNC110 - the conditions are plain values
                await asyncio.sleep(0.005)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    site = Site(LIMITS)
    site.port = await site.server.listen_tcp("127.0.0.1", 0)
    yield site
    await site.server.drain(0)


async def test_keep_alive_serves_many_requests_on_one_connection(site: Site) -> None:
    peer = await site.peer()
    for number in range(5):
        reply = await peer.ask(post("/echo", b"n%d" % number))
        assert (reply.status, reply.body) == (200, b"n%d" % number)
        assert "GMT" in reply.headers["date"]
    assert site.server.connections == 1


async def test_pipelined_answers_leave_in_request_order(site: Site) -> None:
    peer = await site.peer()
    await peer.send(post("/late", b"1") + post("/late", b"2") + post("/echo", b"3"))
    await site.until(lambda: len(site.requests) == 3)
    site.late[1](Response(200, b"second"))
    assert await peer.quiet()
    site.late[0](Response(200, b"first"))
    assert [(await peer.reply()).body for _ in range(3)] == [b"first", b"second", b"3"]


async def test_a_deep_pipeline_pauses_reading_and_goes_on(site: Site) -> None:
    peer = await site.peer()
    await peer.send(post("/late", b"a"))
    await site.until(lambda: len(site.late) == 1)
    await peer.send(post("/echo", b"b") + post("/echo", b"c"))
    await site.until(lambda: len(site.requests) == 3)
    await peer.send(post("/echo", b"d"))
    await asyncio.sleep(0.05)
    assert len(site.requests) == 3, "the fourth request was read although three wait for the first"
    site.late[0](Response(200, b"a"))
    assert [(await peer.reply()).body for _ in range(4)] == [b"a", b"b", b"c", b"d"]


async def test_chunked_body_with_extension_and_trailer(site: Site) -> None:
    peer = await site.peer()
    head = b"POST /echo HTTP/1.1\r\nhost: t\r\ntransfer-encoding: chunked\r\n\r\n"
    reply = await peer.ask(head + b"3;x=y\r\nabc\r\n2\r\nde\r\n0\r\ntrailer: dropped\r\n\r\n")
    assert reply.body == b"abcde"
    assert "trailer" not in site.requests[0].headers
    assert (await peer.ask(post("/echo", b"after"))).body == b"after"


async def test_a_request_in_single_bytes(site: Site) -> None:
    peer = await site.peer()
    for byte in post("/echo", b"slow but whole", x_filler="f" * 300):
        await peer.send(bytes([byte]))
    assert (await peer.reply()).body == b"slow but whole"


async def test_head_has_the_length_but_no_body(site: Site) -> None:
    peer = await site.peer()
    await peer.send(get("/echo", "HEAD"))
    reply = await peer.reply(head_only=True)
    assert reply.headers["content-length"] == str(len("/echo"))
    assert (await peer.ask(get("/echo"))).body == b"/echo"


async def test_expect_100_continue(site: Site) -> None:
    peer = await site.peer()
    await peer.send(b"POST /echo HTTP/1.1\r\nhost: t\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n")
    assert (await peer.reply()).status == 100
    assert (await peer.ask(b"ok")).body == b"ok"


async def test_expect_waits_for_earlier_answers(site: Site) -> None:
    peer = await site.peer()
    await peer.send(
        post("/late", b"") + b"POST /echo HTTP/1.1\r\nhost: t\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n"
    )
    await site.until(lambda: len(site.late) == 1)
    assert await peer.quiet()
    site.late[0](Response(200, b"first"))
    assert (await peer.reply()).body == b"first"
    assert (await peer.reply()).status == 100
    assert (await peer.ask(b"ok")).body == b"ok"


async def test_expect_is_refused_before_the_body_is_sent(site: Site) -> None:
    peer = await site.peer()
    head = b"POST /nowhere HTTP/1.1\r\nhost: t\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n"
    (await peer.ask(head)).problem("not_found")
    assert await peer.closed()


async def test_connection_close_is_honoured(site: Site) -> None:
    peer = await site.peer()
    reply = await peer.ask(post("/echo", b"x", connection="close") + post("/echo", b"never read"))
    assert reply.headers["connection"] == "close"
    assert await peer.closed()
    assert len(site.requests) == 1


async def test_http_1_0(site: Site) -> None:
    peer = await site.peer()
    reply = await peer.ask(b"GET /echo HTTP/1.0\r\nconnection: keep-alive\r\n\r\n")
    assert reply.headers["connection"] == "keep-alive"
    reply = await peer.ask(b"GET /echo HTTP/1.0\r\n\r\n")
    assert reply.headers["connection"] == "close"
    assert await peer.closed()


async def test_a_wish_to_upgrade_is_ignored(site: Site) -> None:
    peer = await site.peer()
    wish = post("/echo", b"body", connection="Upgrade, HTTP2-Settings", upgrade="h2c", http2_settings="AAMAAABkAAQ")
    await peer.send(wish * 2 + post("/echo", b"next"))
    assert [(await peer.reply()).body for _ in range(3)] == [b"body", b"body", b"next"]


async def test_half_close_after_the_request_still_gets_the_answer(site: Site) -> None:
    peer = await site.peer()
    await peer.send(post("/late", b"x"))
    peer.writer.write_eof()
    await site.until(lambda: len(site.late) == 1)
    await asyncio.sleep(0.02)
    site.late[0](Response(200, b"done"))
    assert (await peer.reply()).body == b"done"
    assert await peer.closed()


async def test_absolute_form_and_query(site: Site) -> None:
    peer = await site.peer()
    reply = await peer.ask(b"GET http://t/echo?a=1 HTTP/1.1\r\nhost: t\r\n\r\n")
    assert reply.body == b"/echo?a=1"


async def test_template_variables_are_percent_decoded(site: Site) -> None:
    peer = await site.peer()
    assert (await peer.ask(get("/things/a%2Fb%20c/parts/7"))).status == 200
    assert site.requests[0].params == {"thing": "a/b c", "part": "7"}
    (await peer.ask(get("/things/%ff/parts/7"))).problem("malformed_request")
    (await peer.ask(get("/things//parts/7"))).problem("not_found")


async def test_unknown_path_and_method(site: Site) -> None:
    peer = await site.peer()
    (await peer.ask(post("/nowhere", b"body that is skipped"))).problem("not_found")
    reply = await peer.ask(get("/echo", "DELETE"))
    reply.problem("method_not_allowed")
    assert reply.headers["allow"] == "GET, HEAD, POST"
    assert (await peer.ask(post("/echo", b"still here"))).body == b"still here"


async def test_a_problem_and_a_defect_of_a_handler(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    peer = await site.peer()
    (await peer.ask(post("/rejects", b""))).problem("rejected")
    reply = await peer.ask(post("/broken", b""))
    assert reply.status == 500
    assert b"secret" not in reply.body
    reply.problem("unexpected")
    assert "secret" in caplog.text
    assert site.server.admission.in_flight == 0


ECHO = b"POST /echo HTTP/1.1\r\nhost: t\r\n"
HOSTILE = {
    "garbage": b"\x16\x03\x01\x02\x00 no http",
    "h2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "http 0.9": b"GET /echo\r\n\r\n",
    "no host": b"GET /echo HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /echo HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
    "length and chunked": ECHO + b"content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked and length": ECHO + b"transfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n0\r\n\r\n",
    "two lengths": ECHO + b"content-length: 3\r\ncontent-length: 4\r\n\r\nabc",
    "negative length": ECHO + b"content-length: -3\r\n\r\nabc",
    "length list": ECHO + b"content-length: 3, 3\r\n\r\nabc",
    "gzip, chunked": ECHO + b"transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked twice": ECHO + b"transfer-encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "bad chunk size": ECHO + b"transfer-encoding: chunked\r\n\r\nzz\r\n",
    "chunk overflow": ECHO + b"transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
    "bare line feeds": b"GET /echo HTTP/1.1\nhost: t\n\n",
    "folded header": b"GET /echo HTTP/1.1\r\nhost: t\r\nx: a\r\n b\r\n\r\n",
    "space before colon": b"GET /echo HTTP/1.1\r\nhost : t\r\n\r\n",
    "nul in header": b"GET /echo HTTP/1.1\r\nhost: t\r\nx: a\x00b\r\n\r\n",
    "raw bytes in target": b"GET /\xff\xfe HTTP/1.1\r\nhost: t\r\n\r\n",
    "bad ipv6 in target": b"GET http://[/echo HTTP/1.1\r\nhost: t\r\n\r\n",
    "two idempotency keys": b'POST /echo HTTP/1.1\r\nhost: t\r\nidempotency-key: "a"\r\nidempotency-key: "b"\r\n\r\n',
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_framing_gets_a_400_and_the_connection_ends(site: Site, name: str) -> None:
    peer = await site.peer()
    reply = await peer.ask(HOSTILE[name])
    assert reply.status == 400
    reply.problem("malformed_request")
    if name != "bad ipv6 in target":
        assert reply.headers["connection"] == "close"
        assert await peer.closed()
    assert site.requests == []
    assert site.server.admission.in_flight == 0


async def test_connect_is_refused(site: Site) -> None:
    peer = await site.peer()
    assert (await peer.ask(b"CONNECT t:443 HTTP/1.1\r\nhost: t:443\r\n\r\n")).status == 405
    assert await peer.closed()


async def test_an_earlier_answer_leaves_before_the_refusal(site: Site) -> None:
    peer = await site.peer()
    await peer.send(post("/late", b"x") + b"\x00\x00\x00")
    await site.until(lambda: len(site.late) == 1)
    assert await peer.quiet()
    site.late[0](Response(200, b"first"))
    assert (await peer.reply()).body == b"first"
    (await peer.reply()).problem("malformed_request")
    assert await peer.closed()


async def test_body_limit_by_content_length_before_the_body_comes(site: Site) -> None:
    peer = await site.peer()
    reply = await peer.ask(ECHO + b"content-length: 1001\r\n\r\n")
    assert reply.status == 413
    reply.problem("body_too_large")
    assert await peer.closed()


async def test_body_limit_while_reading_chunks(site: Site) -> None:
    peer = await site.peer()
    chunk = b"1f4\r\n" + b"x" * 500 + b"\r\n"
    await peer.send(ECHO + b"transfer-encoding: chunked\r\n\r\n" + chunk * 3)
    (await peer.reply()).problem("body_too_large")
    assert await peer.closed()
    assert site.server.admission.in_flight == 0


async def test_a_refused_sender_that_keeps_sending_still_gets_its_answer(site: Site) -> None:
    """Without a lingering close, unread bytes make the kernel send a reset that may destroy the answer."""
    peer = await site.peer()
    peer.writer.write(ECHO + b"content-length: 4000000\r\n\r\n" + b"x" * 4_000_000)
    assert (await peer.reply()).status == 413


async def test_body_of_exactly_the_limit(site: Site) -> None:
    peer = await site.peer()
    assert (await peer.ask(post("/echo", b"x" * 1000))).status == 200


async def test_header_count(site: Site) -> None:
    peer = await site.peer()
    many = {f"x_{number}": "v" for number in range(8)}
    reply = await peer.ask(post("/echo", b"", **many))
    assert reply.status == 431
    reply.problem("header_limit")
    assert await peer.closed()


@pytest.mark.parametrize("size", [1900, 300_000])
async def test_header_bytes(site: Site, size: int) -> None:
    peer = await site.peer()
    (await peer.ask(post("/echo", b"", x_long="v" * size + "w" * 100))).problem("header_limit")
    assert await peer.closed()


async def test_a_header_without_end_is_not_collected(site: Site) -> None:
    peer = await site.peer()
    await peer.send(ECHO + b"x: ")
    for _ in range(60):
        peer.writer.write(b"v" * 100)
        await asyncio.sleep(0.001)
    (await peer.reply()).problem("header_limit")


async def test_long_target(site: Site) -> None:
    peer = await site.peer()
    (await peer.ask(get("/" + "a" * 2500))).problem("header_limit")


async def test_trailers_are_bounded(site: Site) -> None:
    peer = await site.peer()
    head = ECHO + b"transfer-encoding: chunked\r\n\r\n0\r\n"
    (await peer.ask(head + b"t: 1\r\n" * 20 + b"\r\n")).problem("header_limit")


async def test_concurrent_requests(site: Site) -> None:
    peers = [await site.peer() for _ in range(5)]
    for peer in peers[:4]:
        await peer.send(post("/late", b"x"))
    await site.until(lambda: len(site.late) == 4)
    reply = await peers[4].ask(post("/echo", b"one too many"))
    assert reply.status == 429
    assert reply.headers["retry-after"] == "1"
    reply.problem("too_many_requests")
    assert (await peers[4].ask(get("/open"))).status == 200, "unguarded routes are served under load"
    site.late[0](Response(200, b"a"))
    assert (await peers[4].ask(post("/echo", b"now"))).body == b"now", "the connection stayed usable"


async def test_lag_and_disk(site: Site) -> None:
    peer = await site.peer()
    site.lag = LIMITS.max_lag_events + 1
    site.server.tick()
    reply = await peer.ask(post("/echo", b""))
    assert reply.problem("too_many_requests")["status"] == 429
    assert reply.headers["retry-after"] == "5"
    site.lag = 0
    site.disk = LIMITS.min_free_disk_bytes - 1
    site.server.admission.tick(site.server.now_us + 2_000_000)
    reply = await peer.ask(post("/echo", b""))
    assert reply.problem("storage_full")["status"] == 503
    assert "retry-after" in reply.headers


async def test_compressed_bodies_are_refused(site: Site) -> None:
    peer = await site.peer()
    (await peer.ask(post("/echo", b"\x1f\x8b", content_encoding="gzip"))).problem("unsupported_media_type")


async def test_connection_limit() -> None:
    site = Site(EdgeLimits(connections=1))
    site.port = await site.server.listen_tcp("127.0.0.1", 0)
    first = await site.peer()
    assert (await first.ask(get("/echo"))).status == 200
    second = await site.peer()
    (await second.reply()).problem("too_many_requests")
    assert await second.closed()
    await site.server.drain(0)


@pytest.mark.parametrize("start", [b"POST /echo HTT", ECHO + b"", post("/echo", b"0123456789")[:-3]])
async def test_slow_loris(site: Site, start: bytes) -> None:
    peer = await site.peer()
    await peer.send(start)
    reply = await peer.reply()
    assert reply.status == 408
    reply.problem("request_timeout")
    assert await peer.closed()
    assert site.server.admission.in_flight == 0


async def test_trickling_bytes_do_not_extend_the_time(site: Site) -> None:
    peer = await site.peer()
    await peer.send(ECHO + b"content-length: 500\r\n\r\n")

    async def trickle() -> None:
        for _ in range(100):
            peer.writer.write(b"x")
            await asyncio.sleep(0.02)

    trickling = asyncio.create_task(trickle())
    (await peer.reply()).problem("request_timeout")
    trickling.cancel()


async def test_idle_connections_are_closed(site: Site) -> None:
    peer = await site.peer()
    await peer.ask(get("/echo"))
    assert await peer.closed()


async def test_a_waiting_request_is_not_timed_out(site: Site) -> None:
    peer = await site.peer()
    await peer.send(post("/late", b"x"))
    await asyncio.sleep(1.6)
    site.late[0](Response(200, b"late but sure"))
    assert (await peer.reply()).body == b"late but sure"


async def test_disconnect_in_the_body_serves_nothing(site: Site) -> None:
    peer = await site.peer()
    await peer.send(post("/echo", b"0123456789")[:-3])
    await site.until(lambda: site.server.admission.in_flight == 1)
    peer.writer.transport.abort()
    await site.until(lambda: site.server.connections == 0)
    assert site.requests == []
    assert site.server.admission.in_flight == 0


async def test_end_in_the_body_is_a_400(site: Site) -> None:
    peer = await site.peer()
    await peer.send(post("/echo", b"0123456789")[:-3])
    peer.writer.write_eof()
    (await peer.reply()).problem("malformed_request")
    assert await peer.closed()


async def test_answers_for_lost_callers_are_dropped(site: Site) -> None:
    peer = await site.peer()
    await peer.send(post("/late", b"x"))
    await site.until(lambda: len(site.late) == 1)
    peer.writer.transport.abort()
    await asyncio.sleep(0.05)
    assert site.server.admission.in_flight == 1, "the handler still works on it"
    site.late[0](Response(200, b"nobody listens"))
    assert site.server.admission.in_flight == 0
    await site.until(lambda: site.server.connections == 0)


async def test_a_second_answer_is_dropped(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    peer = await site.peer()
    await peer.send(post("/late", b"x"))
    await site.until(lambda: len(site.late) == 1)
    site.late[0](Response(200, b"one"))
    site.late[0](Response(500, b"two"))
    assert (await peer.reply()).body == b"one"
    assert (await peer.ask(post("/echo", b"x"))).body == b"x"
    assert "answered twice" in caplog.text


async def test_a_peer_that_reads_nothing_is_not_read_from(site: Site) -> None:
    peer = await site.peer()
    peer.writer.transport.pause_reading()
    await peer.send(get("/big"))
    await asyncio.sleep(0.1)
    await peer.send(post("/echo", b"not yet"))
    await asyncio.sleep(0.1)
    assert site.requests == []
    await site.until(lambda: site.server.connections == 0)  # ended after request_seconds


async def test_header_injection_through_an_answer_is_refused(site: Site) -> None:
    peer = await site.peer()
    await peer.send(post("/late", b"x"))
    await site.until(lambda: len(site.late) == 1)
    site.late[0](Response(200, b"x", headers=(("x", "a\r\nset-cookie: b"),)))
    reply = await peer.reply()
    reply.problem("unexpected")
    assert "set-cookie" not in reply.headers


async def test_drain_finishes_what_is_in_flight_and_refuses_the_rest(site: Site) -> None:
    busy, idle, sender = [await site.peer() for _ in range(3)]
    await busy.send(post("/late", b"x"))
    await idle.ask(get("/echo"))
    await sender.send(post("/late", b"0123456789")[:-3])
    await site.until(lambda: site.server.admission.in_flight == 2)
    draining = asyncio.create_task(site.server.drain(5))
    assert await idle.closed()
    with pytest.raises(ConnectionRefusedError):
        await site.peer()
    await sender.send(b"789")
    await site.until(lambda: len(site.late) == 2)
    for respond in site.late:
        respond(Response(200, b"finished"))
    for peer in (busy, sender):
        reply = await peer.reply()
        assert (reply.body, reply.headers["connection"]) == (b"finished", "close")
        assert await peer.closed()
    assert await draining == 0


async def test_drain_gives_up_after_its_time(site: Site) -> None:
    peer = await site.peer()
    await peer.send(post("/late", b"x"))
    await site.until(lambda: len(site.late) == 1)
    assert await site.server.drain(0.05) == 1
    assert await peer.closed()


async def test_unix_socket_is_private_and_replaces_a_stale_one(tmp_path: Path) -> None:
    path = tmp_path / "shop.control"
    for _ in range(2):  # the second server finds the file of the first
        site = Site(LIMITS)
        await site.server.listen_unix(path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        peer = Peer(*await asyncio.open_unix_connection(str(path)))
        assert (await peer.ask(get("/echo"))).status == 200
    await site.server.drain(0)
    assert not path.exists()


async def test_a_head_that_was_read_before_means_the_same(site: Site) -> None:
    """Requests served from known heads equal those that went through the parser, whatever comes between."""
    peer = await site.peer()
    plain, other = post("/echo", b"abc"), post("/echo", b"abcd")
    steps = [plain, plain, other, other, plain]
    for step in steps:
        assert (await peer.ask(step)).body == step[-(3 if step is plain else 4) :]
    assert len({(r.method, r.path, r.query, tuple(r.headers.items())) for r in site.requests}) == 2
    assert len(site.server.known.heads) == 2
    await peer.send(plain + plain)
    assert [(await peer.reply()).body for _ in range(2)] == [b"abc", b"abc"]
    await peer.send(plain[:-1])
    assert await peer.quiet()
    await peer.send(b"c" + plain)
    assert [(await peer.reply()).body for _ in range(2)] == [b"abc", b"abc"]
    assert (await peer.ask(plain + b"\x00")).body == b"abc"
    (await peer.reply()).problem("malformed_request")


async def test_known_heads_are_limited_by_admission_and_bounded(site: Site) -> None:
    peer = await site.peer()
    plain = post("/echo", b"abc")
    await peer.ask(plain)
    busy = await site.peer()
    for _ in range(2):
        await busy.send(post("/late", b"x") + post("/late", b"x"))
    await site.until(lambda: len(site.late) == 4)
    assert (await peer.ask(plain)).status == 429
    assert site.server.admission.in_flight == 4


@pytest.mark.parametrize(
    "message",
    [
        post("/echo", b"abc", connection="keep-alive"),
        post("/echo", b"abc", x_request_id="7"),
        post("/nowhere", b"abc"),
        b"POST /echo HTTP/1.1\r\nhost: t\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET /echo HTTP/1.0\r\nhost: t\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nhost: t\r\ncontent-length: 12\r\n\r\nab\r\n\r\nabcdef",
    ],
)
async def test_what_is_not_learned(site: Site, message: bytes) -> None:
    peer = await site.peer()
    await peer.ask(message)
    known = {head for head in site.server.known.heads if b"content-length: 12" not in head}
    assert known == set()


async def test_a_body_that_looks_like_a_head(site: Site) -> None:
    peer = await site.peer()
    inner = b"\r\n\r\nGET /open HTTP/1.1\r\nhost: t\r\n\r\n"
    for _ in range(3):
        assert (await peer.ask(post("/echo", inner))).body == inner
    assert [request.path for request in site.requests] == ["/echo"] * 3


async def test_a_head_request_does_not_silence_a_later_problem(site: Site) -> None:
    peer = await site.peer()
    await peer.send(get("/echo", "HEAD"))
    await peer.reply(head_only=True)
    (await peer.ask(b"\x00")).problem("malformed_request")


async def test_unfinished_bodies_are_bounded_together() -> None:
    site = Site(EdgeLimits(body_bytes=1000, collected_bytes=2000))
    site.port = await site.server.listen_tcp("127.0.0.1", 0)
    senders = [await site.peer() for _ in range(3)]
    for sender in senders[:2]:
        await sender.send(post("/echo", b"x" * 1000)[:-1])
    await site.until(lambda: site.server.admission.collecting == 1998)
    reply = await senders[2].ask(post("/echo", b"x" * 1000)[:-1])
    reply.problem("too_many_requests")
    assert "retry-after" in reply.headers
    assert await senders[2].closed()
    assert site.server.admission.collecting == 1998
    senders[1].writer.transport.abort()
    assert (await senders[0].ask(b"x")).status == 200
    await site.until(lambda: site.server.connections == 2)
    assert (site.server.admission.collecting, site.server.admission.in_flight) == (0, 0)
    await site.server.drain(0)


async def test_bodies_that_wait_for_an_answer_are_bounded_together() -> None:
    """As while a store hangs: requests that may be many are also bounded by what they weigh."""
    site = Site(EdgeLimits(body_bytes=1000, unanswered_bytes=2000))
    site.port = await site.server.listen_tcp("127.0.0.1", 0)
    waiting = [await site.peer() for _ in range(2)]
    for sender in waiting:
        await sender.send(post("/late", b"x" * 1000))
    await site.until(lambda: len(site.late) == 2)
    third = await site.peer()
    reply = await third.ask(post("/echo", b"x"))
    reply.problem("too_many_requests")
    assert "retry-after" in reply.headers
    site.late[0](Response(200, b"late"))
    assert (await third.ask(post("/echo", b"x"))).status == 200
    site.late[1](Response(200, b"late"))
    assert (site.server.admission.unanswered_bytes, site.server.admission.in_flight) == (0, 0)
    await site.server.drain(0)


async def test_a_request_that_we_did_not_read_on_is_not_timed_out(site: Site) -> None:
    peer = await site.peer()
    last = post("/echo", b"last")
    await peer.send(post("/late", b"a") * 3 + last[:-2])
    await site.until(lambda: len(site.late) == 3)
    await asyncio.sleep(1.0)  # twice request_seconds
    for respond in site.late:
        respond(Response(200, b"a"))
    await peer.send(last[-2:])
    assert [(await peer.reply()).body for _ in range(4)] == [b"a", b"a", b"a", b"last"]
