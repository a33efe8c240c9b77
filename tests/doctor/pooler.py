"""A pooler in transaction mode, as small as it can be: every session is served by one and the same server process."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

ENDS = b"SQ"  # Sync and Query: the server answers each with ReadyForQuery
READY = ord("Z")
TERMINATE = ord("X")


class Pooler:
    def __init__(self, dsn: str) -> None:
        self._target = f"{conninfo_to_dict(dsn)['host']}/.s.PGSQL.5432"
        self._folder = Path(tempfile.mkdtemp(prefix="pgpooler-"))
        self._turn = asyncio.Lock()
        self._greeting = b""
        self._tasks: set[asyncio.Task[None]] = set()
        self.dsn = make_conninfo(dsn, host=str(self._folder))

    async def __aenter__(self) -> Pooler:
        self._listening = await asyncio.start_unix_server(self._accept, self._folder / ".s.PGSQL.5432")
        self._server, self._to_server = await asyncio.open_unix_connection(self._target)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listening.close()
        self._to_server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        shutil.rmtree(self._folder)

    def _accept(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(client, to_client))
        self._tasks.add(task)

    async def _serve(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        length = await client.readexactly(4)
        startup = length + await client.readexactly(int.from_bytes(length, "big") - 4)
        async with self._turn:
            if not self._greeting:
                self._to_server.write(startup)
                self._greeting = await self._answers(1)
        to_client.write(self._greeting)
        waiting = b""
        while (message := await self._message(client)) is not None:
            waiting += message
            if message[0] in ENDS:
                async with self._turn:  # a transaction, since all of ours are one round trip
                    self._to_server.write(waiting)
                    to_client.write(await self._answers(1))
                waiting = b""
        to_client.close()

    async def _message(self, stream: asyncio.StreamReader) -> bytes | None:
        """One message of the protocol; None when the session ends."""
        try:
            head = await stream.readexactly(5)
            body = await stream.readexactly(int.from_bytes(head[1:], "big") - 4)
        except asyncio.IncompleteReadError:
            return None
        return None if head[0] == TERMINATE else head + body

    async def _answers(self, count: int) -> bytes:
        told = b""
        while count:
            message = await self._message(self._server)
            assert message is not None
            told += message
            count -= message[0] == READY
        return told
