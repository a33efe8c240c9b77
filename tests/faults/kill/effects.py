"""The outside: a server that keeps its own books of every call, by Idempotency-Key, and is faulty on purpose."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from pathlib import Path
from typing import NamedTuple

from aiohttp import web

FAILS, LOSES_ANSWER, IS_SLOW = 0.04, 0.03, 0.1


class Arrival(NamedTuple):
    idempotency_key: str
    entry_id: str
    amount: int


class EffectServer:
    """In the test's own process: it is not what is killed."""

    def __init__(self, path: Path, seed: str, host: str = "127.0.0.1") -> None:
        self._host = host
        self._books = sqlite3.connect(path, isolation_level=None)
        self._books.execute("PRAGMA synchronous = OFF")
        self._books.execute("CREATE TABLE arrival(idempotency_key TEXT, entry_id TEXT, amount INTEGER)")
        self._random = random.Random(seed)
        app = web.Application()
        app.router.add_post("/bookings", self._book)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        self.address = ""

    async def start(self) -> None:
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, 0)
        await site.start()
        _, port = self._runner.addresses[0][:2]
        self.address = f"http://{self._host}:{port}"

    async def stop(self) -> None:
        await self._runner.cleanup()

    def arrivals(self) -> list[Arrival]:
        """All calls that had their effect, repeated ones too."""
        return [Arrival(*row) for row in self._books.execute("SELECT * FROM arrival")]

    def close(self) -> None:
        self._books.close()

    async def _book(self, request: web.Request) -> web.Response:
        body = await request.json()
        chance = self._random.random()
        if chance < FAILS:
            return web.Response(status=500)
        row = (request.headers["Idempotency-Key"], body["entry_id"], body["amount"])
        self._books.execute("INSERT INTO arrival VALUES (?, ?, ?)", row)
        if chance < FAILS + LOSES_ANSWER and request.transport is not None:
            request.transport.close()
        elif chance < FAILS + LOSES_ANSWER + IS_SLOW:
            await asyncio.sleep(chance / 5)
        return web.json_response({"booked": body["entry_id"]})
