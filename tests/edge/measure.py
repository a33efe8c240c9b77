"""Requests per second of the whole edge before a log that keeps nothing, beside a no-op ASGI app on uvicorn.

`python -m tests.edge.measure [CONNECTIONS] [REQUESTS] [ROUNDS]`: servers on core 0, load on core 1, interleaved, the
medians and their ratio at the end. Only the ratio means something, and differences below 1.3 are ties.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence

from interlock.model.event import Appended, Event
from interlock.ports.event_log import AppendDone
from interlock.testing.server_process import free_port
from tests.edge.shop import Shop, TestLog

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
        rates: list[list[int]] = [[], []]
        costs: list[list[float]] = [[], []]
        for _ in range(rounds):
            for which in (0, 1):
                command = [sys.executable, "-m", "tests.edge.load_generator", str(ports[which])]
                before = cpu_seconds(servers[which].pid)
                answer = subprocess.check_output(["taskset", "-c", "1", *command, str(connections), str(requests)])
                rates[which].append(int(answer))
                costs[which].append((cpu_seconds(servers[which].pid) - before) / requests * 1e6)
        for name, column, cost in zip(("edge", "uvicorn"), rates, costs, strict=True):
            spent = statistics.median(cost)
            print(f"{name}: {statistics.median(column):.0f}/s {column}, CPU {spent:.1f} µs a request")
        ratio = statistics.median(rates[0]) / statistics.median(rates[1])
        print(f"{connections} connections: ratio {ratio:.2f} by rate,", end=" ")
        print(f"{statistics.median(costs[1]) / statistics.median(costs[0]):.2f} by CPU time")
    finally:
        for server in servers:
            server.terminate()
            server.wait()


def cpu_seconds(pid: int) -> float:
    """User and system time of a process: steadier than the rate where others use the machine too."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    os.environ["PYTHONPATH"] = os.getcwd()
    if sys.argv[1:2] == ["serve"]:
        import uvloop

        uvloop.run(serve(int(sys.argv[2])))
    else:
        run(*(int(number) for number in (sys.argv[1:] + ["64", "40000", "5"][len(sys.argv) - 1 :])))
