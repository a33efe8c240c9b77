"""Reads a stream by position, from whichever replica answers (Direct Get, ADR-31), and asks its leader in doubt.

A replica that lags has a part of the stream, never one with holes: what it answers is right as far as it goes, and how
far the stream goes it does not know. So a slice ends at the last message of an answer, never at what it did not say.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

import orjson
from nats.aio.msg import Msg
from nats.errors import Error

from interlock.adapters.jetstream.link import ANSWER_SECONDS, ApiRefusal, Link
from interlock.adapters.jetstream.subjects import bucket_filter, partition_filter, partition_in
from interlock.adapters.jetstream.wire import MESSAGE_ID
from interlock.model.pauses import Pauses

PAGE_MESSAGES = 1000
PAGE_BYTES = 8_388_608
LEADER_SECONDS = 5.0
READ_SECONDS = 10.0
PAUSE_SECONDS = (0.01, 0.5)
NOT_FOUND = 10037


class Found(NamedTuple):
    """A stored message."""

    position: int
    subject: str
    headers: Mapping[str, str]
    body: bytes
    stored_us: int

    @property
    def partition(self) -> int:
        return partition_in(self.subject)


class Page(NamedTuple):
    """Messages in order. `pending`: how many more the replica has that match."""

    messages: Sequence[Found]
    pending: int


class StreamReader:
    """Every question has a time limit; StorageUnavailable when it passes."""

    def __init__(self, link: Link, stream: str) -> None:
        self._link = link
        self._stream = stream

    async def page(self, subject: str, question: Mapping[str, Any], limit: int) -> Page:
        """One answer of one replica."""
        messages: list[Found] = []
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[int] = loop.create_future()

        def heard(message: Msg) -> None:
            headers = message.headers or {}
            status = headers.get("Status")
            if ended.done():
                return
            if status is None:
                messages.append(_found(message.data, headers))
            elif status == "204":
                ended.set_result(int(headers.get("Nats-Num-Pending", "0")))
            elif status == "404":
                ended.set_result(0)
            else:
                ended.set_exception(self._link.away(f"did not answer a read: {status}"))

        reply = self._link.new_reply(heard)
        asked = {
            "next_by_subj": subject,
            "batch": max(1, min(limit, PAGE_MESSAGES)),
            "max_bytes": PAGE_BYTES,
            **question,
        }
        try:
            await self._link.client.publish(f"$JS.API.DIRECT.GET.{self._stream}", orjson.dumps(asked), reply=reply)
            async with asyncio.timeout(ANSWER_SECONDS):
                pending = await ended
        except Error as error:
            raise self._link.away() from error
        except TimeoutError as error:
            raise self._link.away("does not answer reads in time") from error
        finally:
            self._link.forget(reply)
        return Page(messages, pending)

    async def partition(self, partition: int, after: int, limit: int, head: int) -> Sequence[Found]:
        """Messages above `after`; empty only if there is none up to `head`."""
        subject = partition_filter(self._stream, partition)
        return await self._some(subject, after, limit, head)

    async def _some(self, subject: str, after: int, limit: int, head: int) -> Sequence[Found]:
        loop = asyncio.get_running_loop()
        deadline, problem = loop.time() + READ_SECONDS, self._link.away()
        pauses = Pauses(*PAUSE_SECONDS, random.random)
        while loop.time() < deadline:
            try:
                found = await self.page(subject, {"seq": after + 1}, limit)
                if found.messages or not await self._leader_has(subject, after, head):
                    return found.messages
            except type(problem) as error:
                problem = error
            await asyncio.sleep(next(pauses))
        raise problem

    async def _leader_has(self, subject: str, after: int, head: int) -> bool:
        try:
            found = await self._ask({"seq": after + 1, "next_by_subj": subject})
        except ApiRefusal as refused:
            if refused.code == NOT_FOUND:
                return False
            raise self._link.away(f"did not answer a read: {refused}") from refused
        return int(found["message"]["seq"]) <= head

    async def _ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """A message by the leader, who has all that was acknowledged."""
        return await self._link.request(f"STREAM.MSG.GET.{self._stream}", question, seconds=LEADER_SECONDS)

    async def first(self) -> int:
        """The first position that the stream still has; behind its last one when it is empty."""
        return int((await self.state())["state"]["first_seq"])

    async def head(self, partition: int) -> int:
        """The newest position of a partition, by the leader; 0 when it is empty."""
        try:
            found = await self._ask({"last_by_subj": partition_filter(self._stream, partition)})
        except ApiRefusal as refused:
            if refused.code == NOT_FOUND:
                return 0
            raise self._link.away(f"did not answer a read: {refused}") from refused
        return int(found["message"]["seq"])

    async def at(self, position: int) -> Found | None:
        """The message at a position that was acknowledged; None when it is no longer there."""
        found = await self._some(">", position - 1, 1, position)
        return found[0] if found and found[0].position == position else None

    async def state(self) -> dict[str, Any]:
        """The stream as its leader sees it."""
        try:
            return await self._link.request(f"STREAM.INFO.{self._stream}")
        except ApiRefusal as refused:
            raise self._link.away(f"does not show the stream: {refused}") from refused

    async def identities_after(self, after: int, wanted: frozenset[str]) -> dict[str, Found]:
        """Which of the identities are among the messages above a position, now: by a scan up to the leader's last."""
        found: dict[str, Found] = {}
        last = int((await self.state())["state"]["last_seq"])
        while after < last and len(found) < len(wanted):
            part = await self._some(f"{self._stream}.p.>", after, PAGE_MESSAGES, last)
            _pick(part, wanted, found)
            if not part:
                break
            after = part[-1].position
        return found

    async def identities_since(self, seconds: float, wanted: Sequence[str]) -> dict[str, Found]:
        """Where the identities stand among the messages of the last seconds, by their buckets."""
        state = await self.state()
        start = datetime.fromisoformat(str(state["ts"])[:26].rstrip("Z") + "+00:00").timestamp() - seconds
        found: dict[str, Found] = {}
        for identity in wanted:
            await self._search(identity, start, int(state["state"]["last_seq"]), found)
        return found

    async def _search(self, identity: str, start: float, last: int, found: dict[str, Found]) -> None:
        subject, wanted = bucket_filter(self._stream, identity), frozenset((identity,))
        begin = datetime.fromtimestamp(start).astimezone().isoformat()
        page = await self.page(subject, {"start_time": begin}, PAGE_MESSAGES)
        part = page.messages
        while part and identity not in found:
            _pick(part, wanted, found)
            part = await self._some(subject, part[-1].position, PAGE_MESSAGES, last) if identity not in found else ()


def _pick(messages: Sequence[Found], wanted: frozenset[str], found: dict[str, Found]) -> None:
    """The first of each identity."""
    for message in messages:
        identity = message.headers.get(MESSAGE_ID, "")
        if identity in wanted:
            found.setdefault(identity, message)


def _found(body: bytes, headers: Mapping[str, str]) -> Found:
    stored = str(headers["Nats-Time-Stamp"])
    return Found(int(headers["Nats-Sequence"]), headers["Nats-Subject"], headers, body, stamp_us(stored))


def stamp_us(text: str) -> int:
    """The server's time, which has nanoseconds, in microseconds."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    return _second(whole) * 1_000_000 + int((fraction + "000000")[:6])


@lru_cache(256)
def _second(text: str) -> int:
    return int(datetime.fromisoformat(text + "+00:00").timestamp())
