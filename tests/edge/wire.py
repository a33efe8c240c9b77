"""A peer that speaks raw bytes, well or badly."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any

TIMEOUT_SECONDS = 5


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def problem(self, code: str) -> dict[str, Any]:
        """The body as problem details (RFC 9457), checked for its form."""
        assert self.headers["content-type"] == "application/problem+json", self
        document = self.json
        assert document["code"] == code, document
        assert document["status"] == self.status
        assert document["type"].endswith(code)
        assert document["title"]
        assert document["detail"]
        assert document["next_step"]
        return document


class Peer:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def connect(cls, port: int) -> Peer:
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def reply(self, *, head_only: bool = False) -> Reply:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            head = await self.reader.readuntil(b"\r\n\r\n")
            lines = head.decode("latin-1").split("\r\n")
            headers = dict(line.split(": ", 1) for line in lines[1:] if line)
            length = 0 if head_only else int(headers.get("content-length", 0))
            return Reply(int(lines[0].split(" ")[1]), headers, await self.reader.readexactly(length))

    async def closed(self) -> bool:
        """Whether the server ends the connection without a further byte."""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            try:
                return await self.reader.read(1) == b""
            except ConnectionResetError:
                return True

    async def quiet(self, seconds: float = 0.05) -> bool:
        """Whether nothing arrives for a while."""
        try:
            async with asyncio.timeout(seconds):
                return await self.reader.read(1) == b"" and False
        except TimeoutError:
            return True

    async def ask(self, data: bytes) -> Reply:
        await self.send(data)
        return await self.reply()

    def close(self) -> None:
        self.writer.close()


def post(path: str, body: bytes, content_type: str = "application/json", **headers: str) -> bytes:
    """A whole POST request. Underscores in header names stand for hyphens."""
    more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    head = (
        f"POST {path} HTTP/1.1\r\nhost: t\r\ncontent-type: {content_type}\r\ncontent-length: {len(body)}\r\n{more}\r\n"
    )
    return head.encode("latin-1") + body


def get(path: str, method: str = "GET") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nhost: t\r\n\r\n".encode()
