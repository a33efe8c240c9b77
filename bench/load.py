"""The load generator: keep-alive connections over raw sockets, requests rendered beforehand, ids unique.

`python -m bench.load PORT --connections 64 --count 40000 [--seconds 2] [--rate 1000] [--random-ids] [--traced]
[--acks FILE]`. Closed loop by default: a connection sends its next request when the last is answered. With `--rate`
requests are due at fixed times whatever the answers do, so a stall counts against all that were due meanwhile. Prints
one JSON line. `--acks` gets a line `id due_ns acknowledged_ns` for every 2xx.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections import deque
from collections.abc import Callable
from typing import cast

import uvloop

from bench import order

HEAD = (
    b"POST /events HTTP/1.1\r\nhost: 127.0.0.1\r\nuser-agent: bench\r\naccept: */*\r\n"
    b"content-type: application/cloudevents+json\r\n%bcontent-length: %d\r\n\r\n%b"
)
Answered = Callable[["Caller"], None]


class Request:
    """One request and what became of it; times in nanoseconds of the wall clock, 0 when it did not happen."""

    __slots__ = ("acknowledged_ns", "due_ns", "identity", "payload")

    def __init__(self, identity: str, *, traced: bool = False) -> None:
        body = order.event(identity)
        self.identity = identity
        trace = b"traceparent: 00-%b-00000000000000a1-00\r\n" % order.random_hex(identity) if traced else b""
        self.payload = HEAD % (trace, len(body), body)
        self.due_ns = 0
        self.acknowledged_ns = 0


class Caller(asyncio.Protocol):
    """One connection with at most one request on the wire."""

    def __init__(self, answered: Answered, failed: Callable[[BaseException], None]) -> None:
        self._answered = answered
        self._failed = failed
        self._seen = b""
        self.request: Request | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by class

    def send(self, request: Request) -> None:
        self.request = request
        self._transport.write(request.payload)

    def data_received(self, data: bytes) -> None:
        if not data.endswith(b"}"):  # every answer here is a JSON object; some servers send head and body apart
            self._seen += data
            return
        if self._seen:
            data, self._seen = self._seen + data, b""
        if not data.startswith(b"HTTP/1.1 20"):
            self._failed(RuntimeError(data.decode("latin-1")[:600]))
            return
        assert self.request is not None
        self.request.acknowledged_ns = time.time_ns()
        self._answered(self)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.request is not None and not self.request.acknowledged_ns:
            self._failed(exc or ConnectionError("The server closed a connection with a request on it."))

    def close(self) -> None:
        self._transport.close()


class Load:
    """Requests not yet sent, connections that are free, and the end of it all."""

    def __init__(self, requests: list[Request], rate: float, seconds: float) -> None:
        self._requests = requests
        self._next = 0
        self._rate = rate
        self._deadline_ns = time.time_ns() + int(seconds * 1e9)
        self._free: deque[Caller] = deque()
        self._due: deque[Request] = deque()
        self._open = 0
        self._end: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self, port: int, connections: int) -> None:
        loop = asyncio.get_running_loop()
        answered = self._paced if self._rate else self._closed
        callers = [
            (await loop.create_connection(lambda: Caller(answered, self._fail), "127.0.0.1", port))[1]
            for _ in range(connections)
        ]
        if self._rate:
            self._free.extend(callers)
            await asyncio.gather(self._tick(), self._end)
        else:
            for caller in callers:
                self._open += 1
                self._closed(caller)
            await self._end
        for caller in callers:
            caller.close()

    def _fail(self, error: BaseException) -> None:
        if not self._end.done():
            self._end.set_exception(error)

    def _closed(self, caller: Caller) -> None:
        now = time.time_ns()
        if self._next < len(self._requests) and now < self._deadline_ns:
            request = self._requests[self._next]
            self._next += 1
            request.due_ns = now
            caller.send(request)
            return
        self._open -= 1
        if not self._open and not self._end.done():
            self._end.set_result(None)

    async def _tick(self) -> None:
        begin = time.time_ns()
        for number, request in enumerate(self._requests):
            request.due_ns = begin + int(number / self._rate * 1e9)
            wait = (request.due_ns - time.time_ns()) / 1e9
            if wait > 0:
                await asyncio.sleep(wait)
            self._open += 1
            self._due.append(request)
            self._pair()
        self._next = len(self._requests)

    def _paced(self, caller: Caller) -> None:
        self._open -= 1
        self._free.append(caller)
        self._pair()
        if not self._open and self._next == len(self._requests) and not self._end.done():
            self._end.set_result(None)

    def _pair(self) -> None:
        while self._due and self._free:
            self._free.popleft().send(self._due.popleft())


def render(run: str, count: int, *, random: bool = False, traced: bool = False) -> list[Request]:
    identity = order.random_id if random else order.event_id
    return [Request(identity(run, number), traced=traced) for number in range(count)]


async def measure(
    port: int, connections: int, requests: list[Request], rate: float, seconds: float
) -> dict[str, float]:
    """Times in seconds and nanoseconds; `rate` is of acknowledged requests over first sent to last acknowledged."""
    await Load(requests, rate, seconds).run(port, connections)
    acknowledged = [request for request in requests if request.acknowledged_ns]
    begin = min(request.due_ns for request in acknowledged)
    end = max(request.acknowledged_ns for request in acknowledged)
    waits = sorted(request.acknowledged_ns - request.due_ns for request in acknowledged)
    return {
        "acknowledged": len(acknowledged),
        "begin_ns": begin,
        "end_ns": end,
        "rate": len(acknowledged) / ((end - begin) / 1e9),
        "p50_ms": waits[len(waits) // 2] / 1e6,
        "p99_ms": waits[len(waits) * 99 // 100] / 1e6,
    }


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--count", type=int, default=40_000)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rate", type=float, default=0.0)
    parser.add_argument("--random-ids", action="store_true")
    parser.add_argument("--traced", action="store_true", help="each request has a traceparent of its own")
    parser.add_argument("--acks")
    arguments = parser.parse_args(argv)
    requests = render(order.new_run(), arguments.count, random=arguments.random_ids, traced=arguments.traced)
    result = uvloop.run(measure(arguments.port, arguments.connections, requests, arguments.rate, arguments.seconds))
    if arguments.acks:
        with open(arguments.acks, "w") as file:
            for request in requests:
                if request.acknowledged_ns:
                    file.write(f"{request.identity} {request.due_ns} {request.acknowledged_ns}\n")
    print(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1:])
