"""Requests per second of the whole edge before a log that keeps nothing, beside a no-op ASGI app on uvicorn.

`python -m tests.edge.measure [CONNECTIONS] [REQUESTS] [ROUNDS]`: servers on core 0, load on core 1, interleaved, the
medians and their ratio at the end. Only the ratio means something, and differences below 1.3 are ties.
"""

from __future__ import annotations

import asyncio
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence

from tests.edge.shop import Shop, TestLog

from interlock.model.event import Appended, Event
from interlock.ports.event_log import AppendDone

BODY = b'{"id":"load-1234567890-123","status":"accepted"}'


class ForgetfulLog(TestLog):
    """Answers at the next turn of the loop, as a group commit would, and keeps nothing."""

    __test__ = False

    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[tuple[Sequence[Event], AppendDone]] = []

    def append(self, events: Sequence[Event], done: AppendDone) -> None:
        if not self.waiting:
            asyncio.get_running_loop().call_soon(self.flush)
        self.waiting.append((events, done))

    def flush(self) -> None:
        waiting, self.waiting = self.waiting, []
        for events, done in waiting:
            done([Appended(event.partition, 1, False) for event in events], None)


async def asgi(scope, receive, send):  # type: ignore[no-untyped-def]
    """Reads the body and accepts."""
    while (await receive()).get("more_body"):
        pass
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(BODY))]
    await send({"type": "http.response.start", "status": 202, "headers": headers})
    await send({"type": "http.response.body", "body": BODY})


async def serve(port: int) -> None:
    shop = Shop(log=ForgetfulLog())
    await shop.edge.start("127.0.0.1", port)
    await asyncio.sleep(600)


def run(connections: int, requests: int, rounds: int) -> None:
    ports = [free_port(), free_port()]
    ours = [sys.executable, "-m", "tests.edge.measure", "serve", str(ports[0])]
    theirs = [sys.executable, "-m", "uvicorn", "tests.edge.measure:asgi", "--port", str(ports[1]), "--lifespan", "off"]
    theirs += ["--log-level", "warning", "--no-access-log", "--loop", "uvloop", "--http", "httptools"]
    servers = [subprocess.Popen(["taskset", "-c", "0", *command]) for command in (ours, theirs)]
    try:
        time.sleep(2)
        figures: list[list[int]] = [[], []]
        for _ in range(rounds):
            for port, column in zip(ports, figures, strict=True):
                load = [sys.executable, "-m", "tests.edge.load_generator", str(port), str(connections), str(requests)]
                column.append(int(subprocess.check_output(["taskset", "-c", "1", *load])))
        edge, uvicorn = (statistics.median(column) for column in figures)
        print(f"{connections} connections: edge {edge:.0f}/s, no-op ASGI on uvicorn {uvicorn:.0f}/s, {figures}")
        print(f"ratio {edge / uvicorn:.2f}")
    finally:
        for server in servers:
            server.terminate()
            server.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    os.environ["PYTHONPATH"] = os.getcwd()
    if sys.argv[1:2] == ["serve"]:
        import uvloop

        uvloop.run(serve(int(sys.argv[2])))
    else:
        run(*(int(number) for number in (sys.argv[1:] + ["64", "40000", "5"][len(sys.argv) - 1 :])))
