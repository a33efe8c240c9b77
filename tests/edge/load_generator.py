"""A small, bounded load generator: keep-alive connections that each wait for their answer before the next request.

Run apart from the server: `taskset -c 1 python -m tests.edge.load_generator PORT CONNECTIONS REQUESTS`. Prints
requests per second. Every request is a CloudEvent of about 600 bytes with an id of its own.
"""

from __future__ import annotations

import asyncio
import sys
import time

DATA = (
    b'{"order_id":"ORD-%d","customer_id":"C-10042","currency":"GBP","placed_at":"2026-11-22T12:00:00Z","lines":['
    b'{"sku":"85123A","quantity":6,"unit_price":"2.55"},{"sku":"71053","quantity":6,"unit_price":"3.39"},'
    b'{"sku":"84406B","quantity":8,"unit_price":"2.75"}],"total":"57.64"}'
)
EVENT = (
    b'{"specversion":"1.0","id":"load-%d-%d","source":"/load","type":"orders.OrderPlaced",'
    b'"time":"2026-11-22T12:00:00Z","datacontenttype":"application/json","note":"' + b"x" * 60 + b'","data":%b}'
)
HEAD = (
    b"POST /events HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: */*\r\nuser-agent: load\r\n"
    b"content-type: application/cloudevents+json\r\ncontent-length: %d\r\n\r\n%b"
)


def request(run: int, number: int) -> bytes:
    event = EVENT % (run, number, DATA % number)
    return HEAD % (len(event), event)


class Caller(asyncio.Protocol):
    def __init__(self, requests: list[bytes], done: asyncio.Future[None]) -> None:
        self.requests = requests
        self.done = done
        self.seen = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        transport.write(self.requests.pop())

    def data_received(self, data: bytes) -> None:
        self.seen += data
        if not self.seen.endswith(b"}"):
            return  # some servers send head and body apart
        data, self.seen = self.seen, b""
        if not data.startswith(b"HTTP/1.1 202"):
            self.done.set_exception(RuntimeError(data.decode("latin-1")[:600]))
        elif self.requests:
            self.transport.write(self.requests.pop())
        elif not self.done.done():
            self.done.set_result(None)
            self.transport.close()


async def measure(port: int, connections: int, requests: int) -> float:
    loop = asyncio.get_running_loop()
    run = time.time_ns()
    shares = [[request(run, c * requests + n) for n in range(requests // connections)] for c in range(connections)]
    total = sum(map(len, shares))
    futures = []
    begin = time.perf_counter()
    for share in shares:
        done = loop.create_future()
        futures.append(done)
        await loop.create_connection(lambda s=share, d=done: Caller(s, d), "127.0.0.1", port)
    await asyncio.gather(*futures)
    return total / (time.perf_counter() - begin)


if __name__ == "__main__":
    import uvloop

    print(round(uvloop.run(measure(*map(int, sys.argv[1:4])))))
