"""The generator: every request once, unique, and no failure counted as an answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import orjson
import pytest

from bench import order
from bench.load import measure, render

OK = b"HTTP/1.1 202 Accepted\r\ncontent-length: 2\r\n\r\n{}"
Answer = Callable[[int], bytes]


@asynccontextmanager
async def server(answer: Answer) -> AsyncIterator[tuple[int, list[str]]]:
    """Answers the n-th request with `answer(n)`; an empty answer closes the connection."""
    ids: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
                ids.append(orjson.loads(await reader.readexactly(length))["id"])
                reply = answer(len(ids))
                if not reply:
                    break
                writer.write(reply[:20])  # head and body may come apart
                await writer.drain()
                await asyncio.sleep(0)
                writer.write(reply[20:])
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield listening.sockets[0].getsockname()[1], ids
    finally:
        listening.close()


@pytest.mark.parametrize("connections", [1, 7])
async def test_every_request_is_sent_once(connections: int) -> None:
    requests = render(order.new_run(), 100)
    async with server(lambda number: OK) as (port, ids):
        result = await measure(port, connections, requests, 0.0, 10.0)
    assert sorted(ids) == sorted(request.identity for request in requests)
    assert len(set(ids)) == 100
    assert result["acknowledged"] == 100
    assert all(request.due_ns < request.acknowledged_ns for request in requests)


async def test_a_pace_is_kept() -> None:
    requests = render(order.new_run(), 50)
    async with server(lambda number: OK) as (port, ids):
        result = await measure(port, 4, requests, 200.0, 10.0)
    assert len(ids) == result["acknowledged"] == 50
    assert requests[-1].due_ns - requests[0].due_ns == 49 * 5_000_000


async def test_a_refusal_is_no_answer() -> None:
    async with server(lambda number: OK if number < 5 else b"HTTP/1.1 429 Too Many\r\ncontent-length: 2\r\n\r\n{}") as (
        port,
        _,
    ):
        with pytest.raises(RuntimeError, match="429"):
            await measure(port, 2, render(order.new_run(), 50), 0.0, 10.0)


async def test_a_lost_connection_is_no_answer() -> None:
    async with server(lambda number: OK if number < 5 else b"") as (port, _):
        with pytest.raises((ConnectionError, OSError)):
            await measure(port, 2, render(order.new_run(), 50), 0.0, 10.0)


async def test_the_deadline_ends_it() -> None:
    requests = render(order.new_run(), 100_000)
    async with server(lambda number: OK) as (port, ids):
        result = await measure(port, 2, requests, 0.0, 0.2)
    assert 0 < result["acknowledged"] == len(ids) < 100_000
