"""Stands between a log and its server, and loses the messages that the test wants to be lost, whole ones."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from urllib.parse import urlsplit

Lose = Callable[[bytes, bytes], bool]
WITH_PAYLOAD = (b"PUB", b"HPUB", b"MSG", b"HMSG")


def nothing(subject: bytes, payload: bytes) -> bool:
    return False


class Proxy:
    """`lose_request` and `lose_answer` are asked for each message that passes: its subject, its headers and body."""

    def __init__(self, url: str) -> None:
        place = urlsplit(url)
        self._target = (place.hostname, place.port)
        self.lose_request: Lose = nothing
        self.lose_answer: Lose = nothing
        self.lost = 0
        self._writers: list[asyncio.StreamWriter] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Proxy:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.url = f"nats://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """End all connections."""
        for writer in self._writers:
            writer.close()
        self._writers.clear()

    async def _accept(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        server, to_server = await asyncio.open_connection(*self._target)
        self._writers += [to_client, to_server]
        for reader, writer, lose in (
            (client, to_server, lambda *message: self.lose_request(*message)),
            (server, to_client, lambda *message: self.lose_answer(*message)),
        ):
            task = asyncio.create_task(self._copy(reader, writer, lose))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, lose: Lose) -> None:
        try:
            while line := await reader.readline():
                words, payload = line.split(), b""
                if words and words[0].upper() in WITH_PAYLOAD:
                    payload = await reader.readexactly(int(words[-1]) + 2)
                    if lose(words[1], payload):
                        self.lost += 1
                        continue
                writer.write(line + payload)
        except (ConnectionError, asyncio.IncompleteReadError, ValueError):
            pass
        finally:
            writer.close()
