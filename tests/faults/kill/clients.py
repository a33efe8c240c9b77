"""The clients: writers that post events, callers that post keyed requests. Each notes what it sent and was told."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator
from itertools import count
from typing import Any

import aiohttp
import orjson

from interlock.testing.history import History, Op, Phase

from .engine import Engine

ENTRY, TRANSFER = "entry", "transfer"
SOURCE = "kill-test"
TIMEOUT = aiohttp.ClientTimeout(total=5.0)
UNAVAILABLE = {429, 503}
CONFLICT = 409
LINE_LENGTH = 60  # entries of one account: its list is rewritten with each entry
ACCOUNTS = ("red", "green", "blue")


class Refused(Exception):
    """The engine refused a correct request: the test itself is at fault, or the engine badly is."""


class Client:
    """One keep-alive connection's worth of work, one request at a time, until `stop`."""

    def __init__(self, name: str, engine: Engine, session: aiohttp.ClientSession, history: History, seed: str) -> None:
        self.name = name
        self.stopped = False
        self.random = random.Random(f"{seed} {name}")
        self._engine, self._session, self._history = engine, session, history

    def note(self, phase: Phase, act: str, name: str, line: str = "", data: Any = None) -> None:
        self._history.add(Op(time.monotonic_ns() // 1000, self.name, phase, act, name, line, data))

    async def run(self) -> None:
        raise NotImplementedError

    async def post(self, path: str, body: Any, headers: dict[str, str]) -> tuple[int, Any] | None:
        """Status and JSON of the answer; None when it is unknown whether the request had any effect."""
        await self._engine.up.wait()
        try:
            async with self._session.post(
                self._engine.address + path, data=orjson.dumps(body), headers=headers, timeout=TIMEOUT
            ) as response:
                status, raw = response.status, await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError):
            await asyncio.sleep(0.02)
            return None
        if status in UNAVAILABLE:
            await asyncio.sleep(0.1)
            return None
        if status >= 400 and status != CONFLICT:
            raise Refused(f"{path}: {status} {raw.decode(errors='replace')}")
        return status, orjson.loads(raw)


def in_flight(answer: dict[str, Any]) -> bool:
    """An earlier try of the same request still runs: no answer yet."""
    return answer.get("code") == "idempotency_key_in_flight"


class Writer(Client):
    """Posts entries, the next when the last is acknowledged; now and then it gives one up that was not answered.

    batch   events of one request; more than one goes as a CloudEvents batch
    """

    batch = 1
    outside_every = 0
    pause_seconds = 0.0

    async def run(self) -> None:
        numbers = count(1)
        while not self.stopped:
            events = [self._event(next(numbers)) for _ in range(self.batch)]
            for event in events:
                self.note("invoke", ENTRY, event["id"], event["data"]["account"], event["data"])
            await self._send(events)
            await asyncio.sleep(self.random.random() * 2 * self.pause_seconds)

    async def _send(self, events: list[dict[str, Any]]) -> None:
        form, body = ("-batch+json", events) if self.batch > 1 else ("+json", events[0])
        while True:
            answer = await self.post("/events", body, {"content-type": f"application/cloudevents{form}"})
            phase: Phase = "info" if answer is None else "ok"
            for event in events:
                self.note(phase, ENTRY, event["id"], event["data"]["account"])
            if answer is not None or self.random.random() < 0.15:
                return

    def _event(self, number: int) -> dict[str, Any]:
        entry_id = f"{self.name}-{number}"
        data = {
            "entry_id": entry_id,
            "account": f"{self.name}/{number // LINE_LENGTH}",
            "amount": self.random.randint(1, 1000),
            "outside": bool(self.outside_every) and number % self.outside_every == 0,
        }
        return {"specversion": "1.0", "id": entry_id, "source": SOURCE, "type": "ledger.EntryPosted", "data": data}


class Caller(Client):
    """Makes transfers, each until it is answered; now and then it asks again for one that was answered before."""

    pause_seconds = 0.0

    async def run(self) -> None:
        for number in self._numbers():
            await self.transfer(number)
            if self.random.random() < 0.2:
                await self.transfer(self.random.randint(1, number))
            await asyncio.sleep(self.random.random() * 2 * self.pause_seconds)
        self.last = number

    async def repeat(self, at_most: int) -> None:
        """Ask again for what was answered, the newest first."""
        for number in range(self.last, max(0, self.last - at_most), -1):
            await self.transfer(number)

    async def transfer(self, number: int) -> None:
        body = self._body(number)
        name = body["transfer_id"]
        self.note("invoke", TRANSFER, name, data=body)
        headers = {"content-type": "application/json", "idempotency-key": f'"{name}"'}
        while (answer := await self.post("/transfers", body, headers)) is None or in_flight(answer[1]):
            self.note("info", TRANSFER, name)
        self.note("ok", TRANSFER, name, data=answer[1])

    def _body(self, number: int) -> dict[str, Any]:
        """The same for the same number, whenever it is asked for."""
        fixed = random.Random(f"{self.name} {number}")
        debit, credit = fixed.sample(ACCOUNTS, 2)
        transfer_id = f"{self.name}-{number}"
        return {"transfer_id": transfer_id, "debit": debit, "credit": credit, "amount": fixed.randint(1, 1000)}

    def _numbers(self) -> Iterator[int]:
        numbers = count(1)
        while not self.stopped:
            yield next(numbers)
