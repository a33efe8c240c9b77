"""A server further away: what is sent through this proxy takes so many milliseconds longer there and back.

`python -m bench.far MILLISECONDS PLACE`, PLACE a port of 127.0.0.1 or the path of a Unix socket. Prints the port that
it listens on. The whole delay lies on the way there, so one wait of one timer makes a round trip longer by just that.
Bytes keep their order, many may be under way at once, and a slow receiver stops its sender: as on a long wire of any
width. It does not lose, and opening a connection costs no more than before.
"""

from __future__ import annotations

import asyncio
import selectors
import subprocess
import sys
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import cast

from bench import machine


class End(asyncio.Protocol):
    """One of the two connections of a client. What it hears goes to its `peer`, `seconds` later."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._under_way: deque[tuple[float, bytes | None]] = deque()  # when it is due; None is the end
        self._unsent: list[bytes] = []  # heard before the peer was there
        self._transport: asyncio.Transport | None = None
        self.peer: End | None = None

    def meet(self, peer: End) -> None:
        self.peer, peer.peer = peer, self
        for data in self._unsent:
            self.data_received(data)
        self._unsent.clear()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self.peer is None:
            self._unsent.append(data)
        elif self._seconds:
            self._later(data)
        else:
            self.peer.send(data)

    def connection_lost(self, error: Exception | None) -> None:
        self._later(None)

    def pause_writing(self) -> None:
        if self.peer is not None and self.peer._transport is not None:
            self.peer._transport.pause_reading()

    def resume_writing(self) -> None:
        if self.peer is not None and self.peer._transport is not None:
            self.peer._transport.resume_reading()

    def send(self, data: bytes | None) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        if data is None:
            self._transport.close()
        else:
            self._transport.write(data)

    def _later(self, data: bytes | None) -> None:
        due = self._loop.time() + self._seconds
        if not self._under_way:
            self._loop.call_at(due, self._arrived)
        self._under_way.append((due, data))

    def _arrived(self) -> None:
        now = self._loop.time()
        while self._under_way and self._under_way[0][0] <= now:
            _, data = self._under_way.popleft()
            if self.peer is not None:
                self.peer.send(data)
        if self._under_way:
            self._loop.call_at(self._under_way[0][0], self._arrived)


class Near(End):
    """The client's side: it looks for the server when it is called."""

    def __init__(self, seconds: float, place: str) -> None:
        super().__init__(seconds)
        self._place = place
        self._calling: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._calling = self._loop.create_task(self._call())

    async def _call(self) -> None:
        try:
            if self._place.isdigit():
                _, far = await self._loop.create_connection(lambda: End(0.0), "127.0.0.1", int(self._place))
            else:
                _, far = await self._loop.create_unix_connection(lambda: End(0.0), self._place)
        except OSError:
            self.send(None)
        else:
            self.meet(far)


async def serve(seconds: float, place: str) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: Near(seconds, place), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


class Wire:
    """The proxy as a process beside the servers; `port` is where it listens."""

    def __init__(self, added_ms: int, place: str, log: Path) -> None:
        command = [sys.executable, "-m", "bench.far", str(added_ms), place]
        self._process: subprocess.Popen[str] = machine.spawn(command, core=machine.LOAD_CORE, log=log)
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())

    def __enter__(self) -> Wire:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


if __name__ == "__main__":
    # select takes microseconds where epoll would wait for a whole millisecond more
    loop = asyncio.SelectorEventLoop(selectors.SelectSelector())
    loop.run_until_complete(serve(int(sys.argv[1]) / 1000, sys.argv[2]))
