"""Stands between a store and its server, and loses what the test wants to be lost."""

from __future__ import annotations

import asyncio
import re
import tempfile
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

CHUNK = 1_000  # requests come in pieces, as they may on any network
UNANSWERED = b"PBDEC"  # Parse, Bind, Describe, Execute, Close: the server answers with the Sync or Flush behind them
# A statement's text goes over the wire when it is prepared; later only its name does.
PREPARED_COMMIT = re.compile(rb"(_pg3_\d+\x00)COMMIT\x00")


class Proxy:
    """Listens on a socket of its own. The next COMMIT that a client sends meets `at_commit`, once:

    answer    it reaches the server; what the server answers is lost, and the connection with it
    request   it is lost on the way, and the connection with it
    late      the client is cut off; the request reaches the server when `deliver` is called, long after

    A request is passed on when it is whole, as the client meant it: of half of one the server would keep the locks.
    """

    def __init__(self, dsn: str) -> None:
        self._target = f"{conninfo_to_dict(dsn)['host']}/.s.PGSQL.5432"
        self._folder = Path(tempfile.mkdtemp(prefix="pgproxy-"))
        self.dsn = make_conninfo(dsn, host=str(self._folder))
        self.at_commit: str | None = None
        self.connections = 0
        self.refusing = False
        self._kept: list[tuple[bytes, asyncio.StreamWriter, asyncio.StreamReader]] = []
        self._writers: list[asyncio.StreamWriter] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Proxy:
        self._server = await asyncio.start_unix_server(self._accept, self._folder / ".s.PGSQL.5432")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in self._writers:
            writer.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def deliver(self) -> None:
        """Let late requests reach the server, and return when it has answered them."""
        for data, writer, reader in self._kept:
            writer.write(data)
            await writer.drain()
            await asyncio.wait_for(reader.read(1 << 16), 10)
            writer.close()
        self._kept.clear()

    def _accept(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        self._tasks.append(asyncio.create_task(self._serve(client, to_client)))

    async def _serve(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        if self.refusing:
            to_client.close()
            return
        self.connections += 1
        server, to_server = await asyncio.open_unix_connection(self._target)
        self._writers += [to_client, to_server]
        answers = asyncio.create_task(copy(server, to_client))
        names: set[bytes] = set()
        requests = Requests()
        while chunk := await client.read(CHUNK):
            data = requests.whole(chunk)
            names.update(PREPARED_COMMIT.findall(data))
            how = self.at_commit if any(b"\x00" + name in data for name in names) else None
            if how is None:
                to_server.write(data)
                continue
            self.at_commit = None
            answers.cancel()
            await asyncio.gather(answers, return_exceptions=True)
            await self._lose(how, data, server, to_server)
            break
        to_client.close()
        if not self._kept:
            to_server.close()

    async def _lose(self, how: str, data: bytes, server: asyncio.StreamReader, to_server: asyncio.StreamWriter) -> None:
        if how == "answer":
            to_server.write(data)
            await to_server.drain()
            await server.read(1 << 16)
        if how == "late":
            self._kept.append((data, to_server, server))


class Requests:
    """Cuts what a client sends behind messages that the server answers (PostgreSQL, Frontend/Backend Protocol)."""

    def __init__(self) -> None:
        self._rest = b""
        self._begun = False  # the first message has a length and no type

    def whole(self, data: bytes) -> bytes:
        """What is whole with these bytes; the rest is kept for the next ones."""
        self._rest += data
        place = whole = 0
        while (end := self._end(place)) is not None:
            if not self._begun or self._rest[place] not in UNANSWERED:
                whole = end
            place, self._begun = end, True
        found, self._rest = self._rest[:whole], self._rest[whole:]
        return found

    def _end(self, place: int) -> int | None:
        """Where the message ends that begins there, if all of it is here."""
        start = place + self._begun
        length = int.from_bytes(self._rest[start : start + 4])
        return start + length if 4 <= length <= len(self._rest) - start else None


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1 << 20):
        writer.write(data)
    writer.close()
