"""One NATS server, and one cluster of three, for the whole test run, started when the first test asks."""

from __future__ import annotations

import json
import secrets
import socket
from functools import cache
from urllib.parse import urlsplit

from interlock.testing.nats_server import NatsCluster, NatsServer
from interlock.testing.server_process import for_the_run

SECRET = bytes(range(32))


@cache
def server() -> NatsServer:
    """Shared: a test that kills or reconfigures a server starts one of its own."""
    return for_the_run(NatsServer())


@cache
def cluster() -> NatsCluster:
    return for_the_run(NatsCluster())


def new_stream() -> str:
    return f"t_{secrets.token_hex(6)}"


class Outside:
    """Asks JetStream past the adapter, and blocks until it is answered: for a test's synchronous questions."""

    def __init__(self, url: str) -> None:
        place = urlsplit(url.split(",")[0])
        self._socket = socket.create_connection((place.hostname, place.port), 10)
        self._lines = self._socket.makefile("rb")
        self._lines.readline()  # INFO
        self._socket.sendall(b'CONNECT {"verbose":false,"headers":true}\r\nSUB outside 1\r\n')

    def ask(self, subject: str, document: object = None) -> dict[str, object]:
        body = b"" if document is None else json.dumps(document).encode()
        self._socket.sendall(b"PUB $JS.API.%s outside %d\r\n%s\r\n" % (subject.encode(), len(body), body))
        while True:
            line = self._lines.readline()
            if line.startswith(b"PING"):
                self._socket.sendall(b"PONG\r\n")
            elif line.startswith(b"MSG"):
                body = self._lines.read(int(line.split()[-1]) + 2)
                found: dict[str, object] = json.loads(body)
                return found
            elif not line:
                raise ConnectionError("the server went away")

    def count(self, stream: str) -> int:
        state = self.ask(f"STREAM.INFO.{stream}")["state"]
        return int(state["messages"])  # type: ignore[index]

    def close(self) -> None:
        self._lines.close()
        self._socket.close()
